package dispensing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/qr/trust"
	"github.com/medcard/medcard/sync/cardsync"
)

// Right is the OAuth scope that a pharmacy's token needs.
const Right = "system/dispensing.c"

// Tx is what this act needs of a transaction.
type Tx interface {
	// PrescriptionByToken and CardOfPrescription are look-ups in the directory: they lead to a card and open nothing.
	PrescriptionByToken(prescription.Token) (card.ID, prescription.ID, bool, error)
	CardOfPrescription(prescription.ID) (card.ID, bool, error)
	LockCard(card.ID) error
	DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes) (consent.Permit, error)

	Prescription(consent.Permit, prescription.ID) (p prescription.Prescription, code string, found bool, err error)
	// SetStatus changes what the status list says of a paper.
	SetStatus(token [16]byte, status int) error
	// SaveCourse writes the course only where the version still is the one that was read.
	SaveCourse(p consent.Permit, id prescription.ID, read int, next prescription.Course) (saved bool, err error)
	// Answer finds what was answered under the client's key, PutAnswer keeps it. The key counts per prescription.
	Answer(p consent.Permit, id prescription.ID, client identity.ClientID, key prescription.Digest) (prescription.Answer, bool, error)
	PutAnswer(p consent.Permit, id prescription.ID, client identity.ClientID, key prescription.Digest, a prescription.Answer, now time.Time) error

	Publish(p consent.Permit, records []cardsync.Record, now time.Time) error
	EnqueueNews(p consent.Permit, scopes card.Scopes) error
	AppendAudit(audit.Entry) error
}

// Store runs transactions.
type Store interface {
	Update(context.Context, func(Tx) error) error
}

// Service dispenses.
type Service struct {
	Store Store
	Clock func() time.Time
	// Token checks the text of a code and gives the token in it: a signed code, or the small opaque one.
	Token func(ctx context.Context, code string) (prescription.Token, error)
	// Secret makes the secret of a hold.
	Secret func() string
}

// Faults of this act; those of the course itself are in package prescription.
var (
	ErrUnknown  = fault.New(fault.NotFound, "prescription.not_found", "No prescription is known under this code.")
	ErrKey      = fault.New(fault.Invalid, "idempotency.key", "Send an idempotencyKey of 8 to 128 characters, a fresh one for each thing you do.")
	ErrMismatch = fault.New(fault.Invalid, "idempotency.mismatch", "This idempotencyKey was used for another request. Use a fresh one.")
	errRaced    = fault.New(fault.Conflict, "prescription.raced", "Somebody else was faster. Ask for the state and try again.")
)

var scopes = card.Scopes{card.ScopeOf(card.KindPrescription, card.General)}

// Ask is one request of a pharmacy.
type Ask struct {
	Key     string // idempotency key
	Request string // id of the HTTP request, for the audit
}

// Held is a prescription in a pharmacy's hands.
type Held struct {
	Prescription prescription.Prescription
	Secret       string
}

// Accept gives the prescription under the code to the pharmacy for ten minutes. Asked again under the same key it gives the same
// hold a new secret, in case the first answer was lost.
func (s *Service) Accept(ctx context.Context, a identity.Actor, code string, ask Ask) (held Held, err error) {
	if err := ask.check(); err != nil {
		return Held{}, err
	}
	now := s.Clock()
	token, err := s.Token(ctx, code)
	if err != nil {
		return Held{}, err
	}
	secret := s.Secret()
	key := ask.digest(a.Client)
	lease := prescription.Lease{ID: hex.EncodeToString(key[:16]), Holder: a.Client, Secret: prescription.HashSecret(secret)}
	err = s.Store.Update(ctx, func(tx Tx) error {
		id, paper, found, err := tx.PrescriptionByToken(token)
		if err != nil {
			return err
		}
		if !found {
			return ErrUnknown
		}
		p, err := s.change(tx, a, id, paper, audit.Accept, ask, now, func(p prescription.Prescription) (prescription.Course, error) {
			course := p.Course.At(now)
			if course.State == prescription.InWork && course.Lease.ID == lease.ID && course.Lease.Holder == a.Client {
				return course.Recover(lease, now)
			}
			return course.Accept(lease, now)
		})
		held = Held{Prescription: p, Secret: secret}
		return err
	})
	if err != nil {
		return Held{}, err
	}
	return held, nil
}

// Complete records what was handed out and ends the hold.
func (s *Service) Complete(ctx context.Context, a identity.Actor, id prescription.ID, secret string, portions []prescription.Portion, ask Ask) (prescription.Course, error) {
	now := s.Clock()
	return s.finish(ctx, a, id, audit.Dispense, fmt.Sprintf("complete %v", portions), ask, now, func(c prescription.Course) (prescription.Course, error) {
		return c.Complete(a.Client, secret, portions, now)
	})
}

// Reject gives the prescription back untouched.
func (s *Service) Reject(ctx context.Context, a identity.Actor, id prescription.ID, secret string, ask Ask) (prescription.Course, error) {
	now := s.Clock()
	return s.finish(ctx, a, id, audit.Reject, "reject", ask, now, func(c prescription.Course) (prescription.Course, error) {
		return c.Reject(a.Client, secret, now)
	})
}

// finish ends a hold, once per idempotency key.
func (s *Service) finish(ctx context.Context, a identity.Actor, id prescription.ID, act audit.Action, what string, ask Ask, now time.Time,
	move func(prescription.Course) (prescription.Course, error),
) (course prescription.Course, err error) {
	if err := ask.check(); err != nil {
		return course, err
	}
	key, request := ask.digest(a.Client), prescription.Digest(sha256.Sum256([]byte(what)))
	err = s.Store.Update(ctx, func(tx Tx) error {
		of, found, err := tx.CardOfPrescription(id)
		if err != nil {
			return err
		}
		if !found {
			return ErrUnknown
		}
		permit, err := open(tx, a, of)
		if err != nil {
			return err
		}
		before, answered, err := tx.Answer(permit, id, a.Client, key)
		if err != nil {
			return err
		}
		if answered {
			course = before.Course
			if before.Request != request {
				return ErrMismatch
			}
			return nil
		}
		p, err := s.change(tx, a, of, id, act, ask, now, func(p prescription.Prescription) (prescription.Course, error) { return move(p.Course) })
		if err != nil {
			return err
		}
		course = p.Course
		return tx.PutAnswer(permit, id, a.Client, key, prescription.Answer{Request: request, Course: course}, now)
	})
	if err != nil {
		return prescription.Course{}, err
	}
	return course, nil
}

// open takes the card's lock and asks for the right to work on its prescriptions.
func open(tx Tx, a identity.Actor, id card.ID) (consent.Permit, error) {
	if err := tx.LockCard(id); err != nil {
		return consent.Permit{}, err
	}
	return tx.DecideWrite(a, id, Right, scopes)
}

// change moves the course of one prescription, writes it into the patient's card and the audit, and tells the phones.
func (s *Service) change(tx Tx, a identity.Actor, of card.ID, id prescription.ID, act audit.Action, ask Ask, now time.Time,
	move func(prescription.Prescription) (prescription.Course, error),
) (prescription.Prescription, error) {
	permit, err := open(tx, a, of)
	if err != nil {
		return prescription.Prescription{}, err
	}
	p, code, found, err := tx.Prescription(permit, id)
	if err != nil {
		return p, err
	}
	if !found {
		return p, ErrUnknown
	}
	read := p.Course.Version
	if p.Course, err = move(p); err != nil {
		return p, err
	}
	saved, err := tx.SaveCourse(permit, id, read, p.Course)
	if err != nil {
		return p, err
	}
	if !saved {
		return p, errRaced
	}
	if p.Course.State == prescription.Dispensed {
		if err := tx.SetStatus(p.Token, int(trust.Spent)); err != nil {
			return p, err
		}
	}
	if err := tx.Publish(permit, []cardsync.Record{cardsync.FromPrescription(p, code)}, now); err != nil {
		return p, err
	}
	if err := tx.EnqueueNews(permit, scopes); err != nil {
		return p, err
	}
	return p, tx.AppendAudit(audit.Entry{Card: of, At: now, Actor: a, Action: act, Purpose: consent.Treatment, What: string(card.KindPrescription), Request: ask.Request})
}

func (a Ask) check() error {
	if len(a.Key) < 8 || len(a.Key) > 128 {
		return ErrKey
	}
	return nil
}

func (a Ask) digest(client identity.ClientID) prescription.Digest {
	return sha256.Sum256([]byte(string(client) + "|" + a.Key))
}
