package dispensing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
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

// CancelRight is the OAuth scope of whoever issues prescriptions: who may issue may withdraw, and is told of cases.
const CancelRight = "system/prescription.c"

// Service dispenses.
type Service struct {
	Store Store
	Clock func() time.Time
	// Token checks the text of a code and gives the token in it: a signed code, or the small opaque one.
	Token func(ctx context.Context, code string) (prescription.Token, error)
	// Typed leads to the token from what is typed by hand: a number and the bearer's year of birth.
	Typed func(ctx context.Context, a identity.Actor, number string, birthYear int) (prescription.Token, error)
	// Secret makes the secret of a hold.
	Secret func() string
	// Zone is whose working days count.
	Zone *time.Location
	// Overdue hears of a deferral whose term has passed; nil = nobody.
	Overdue func(prescription.Deferred)
	// Filed hears what became of a receipt; nil = nobody.
	Filed func(prescription.Filed)
}

// Faults of this act; those of the course itself are in package prescription.
var (
	ErrUnknown  = fault.New(fault.NotFound, "prescription.not_found", "No prescription is known under this code.")
	ErrGone     = fault.New(fault.Gone, "prescription.gone", "The patient has given this prescription up.")
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
	token, err := s.Token(ctx, code)
	if err != nil {
		return Held{}, err
	}
	return s.accept(ctx, a, token, ask)
}

// AcceptTyped does the same by what is typed where no code can be read.
func (s *Service) AcceptTyped(ctx context.Context, a identity.Actor, number string, birthYear int, ask Ask) (held Held, err error) {
	if err := ask.check(); err != nil {
		return Held{}, err
	}
	token, err := s.Typed(ctx, a, number, birthYear)
	if err != nil {
		return Held{}, err
	}
	return s.accept(ctx, a, token, ask)
}

func (s *Service) accept(ctx context.Context, a identity.Actor, token prescription.Token, ask Ask) (held Held, err error) {
	now := s.Clock()
	secret := s.Secret()
	key := ask.digest(a.Client)
	lease := prescription.Lease{ID: hex.EncodeToString(key[:16]), Holder: a.Client, Secret: prescription.HashSecret(secret)}
	request := requestOf("accept", string(token[:]))
	err = s.Store.Update(ctx, func(tx Tx) error {
		known, err := sameUse(tx, a.Client, key, request)
		if err != nil {
			return err
		}
		id, paper, found, err := tx.PrescriptionByToken(token)
		if err != nil {
			return err
		}
		if !found {
			return ErrUnknown
		}
		if err := present(tx, paper); err != nil {
			return err
		}
		p, err := s.change(tx, a, id, paper, step{right: Right, act: audit.Accept, ask: ask, move: func(p prescription.Prescription) (prescription.Course, error) {
			course := p.Course.At(now)
			if course.State == prescription.InWork && course.Lease.ID == lease.ID && course.Lease.Holder == a.Client {
				return course.Recover(lease, now)
			}
			return course.Accept(lease, now)
		}}, now)
		if err != nil {
			return err
		}
		held = Held{Prescription: p, Secret: secret}
		if known {
			return nil
		}
		return tx.PutKeyUse(a.Client, key, request, now)
	})
	if err != nil {
		return Held{}, err
	}
	return held, nil
}

// Complete records what was handed out and ends the hold.
func (s *Service) Complete(ctx context.Context, a identity.Actor, id prescription.ID, secret string, portions []prescription.Portion, ask Ask) (prescription.Course, error) {
	now := s.Clock()
	return s.once(ctx, a, id, step{
		right: Right, act: audit.Dispense, what: fmt.Sprintf("complete %v", portions), ask: ask,
		move: func(p prescription.Prescription) (prescription.Course, error) {
			return p.Course.Complete(a.Client, secret, portions, now)
		},
		after: func(tx Tx, permit consent.Permit, _ prescription.Prescription) error {
			return tx.AddHandOut(permit, id, prescription.HandOut{By: a.Client, At: now, Portions: portions})
		},
	}, now)
}

// Reject gives the prescription back untouched.
func (s *Service) Reject(ctx context.Context, a identity.Actor, id prescription.ID, secret string, ask Ask) (prescription.Course, error) {
	now := s.Clock()
	return s.once(ctx, a, id, step{
		right: Right, act: audit.Reject, what: "reject", ask: ask,
		move: func(p prescription.Prescription) (prescription.Course, error) {
			return p.Course.Reject(a.Client, secret, now)
		},
	}, now)
}

// Cancel lets the client that issued a prescription withdraw what has not been handed out.
func (s *Service) Cancel(ctx context.Context, a identity.Actor, id prescription.ID, ask Ask) (prescription.Course, error) {
	now := s.Clock()
	return s.once(ctx, a, id, step{
		right: CancelRight, act: audit.Cancel, what: "cancel", ask: ask,
		allow: func(tx Tx, permit consent.Permit) error {
			issuer, err := tx.Issuer(permit, card.KindPrescription, string(id))
			if err == nil && issuer != a.Client {
				err = ErrUnknown // to anybody else it is not there
			}
			return err
		},
		move: func(p prescription.Prescription) (prescription.Course, error) { return p.Course.Cancel(now) },
		after: func(tx Tx, _ consent.Permit, p prescription.Prescription) error {
			return tx.SetStatus(p.Token, int(trust.Revoked))
		},
	}, now)
}

// GiveUp deletes a prescription for everybody but its patient, who wishes so: its code leads nowhere from then on, also for the clinic.
// What was handed out stays in the card. While a pharmacy holds it the patient has to wait, as the clinic has.
func (s *Service) GiveUp(ctx context.Context, a identity.Actor, id prescription.ID, request string) error {
	now := s.Clock()
	return s.Store.Update(ctx, func(tx Tx) error {
		of, found, err := tx.CardOfPrescription(id)
		if err != nil {
			return err
		}
		if !found {
			return ErrUnknown
		}
		permit, err := tx.Decide(a, of, consent.PatientRequest, now)
		if consent.Closed(err) || err == nil && !permit.Owner() {
			return ErrUnknown // whose it is is nobody else's business
		}
		if err != nil {
			return err
		}
		if gone, err := tx.PaperGone(string(id)); err != nil || gone {
			return err
		}
		if err := tx.SetPaperGone(string(id), now); err != nil {
			return err
		}
		// The owner's permit writes no prescriptions: the course is Medcard's own to move.
		if _, err := s.change(tx, identity.Actor{Kind: identity.System}, of, id, step{
			move: func(p prescription.Prescription) (prescription.Course, error) {
				switch course := p.Course.At(now); course.State {
				case prescription.Dispensed, prescription.Cancelled, prescription.Expired:
					return course, nil
				}
				return p.Course.Cancel(now)
			},
			after: func(tx Tx, _ consent.Permit, p prescription.Prescription) error {
				if p.Course.State == prescription.Dispensed {
					return nil
				}
				return tx.SetStatus(p.Token, int(trust.Revoked))
			},
		}, now); err != nil {
			return err
		}
		return tx.AppendAudit(audit.Entry{Card: of, At: now, Actor: a, Action: audit.Cancel, Purpose: consent.PatientRequest, What: string(card.KindPrescription), Request: request})
	})
}

// present refuses what its patient gave up.
func present(tx Tx, id prescription.ID) error {
	gone, err := tx.PaperGone(string(id))
	if err == nil && gone {
		err = ErrGone
	}
	return err
}

// step is one thing that is done to a prescription.
type step struct {
	right string
	act   audit.Action // "" = who calls writes it down
	what  string       // what is asked, with its amounts: under one idempotency key it must not change
	ask   Ask
	allow func(Tx, consent.Permit) error // nil = whoever has the right
	move  func(prescription.Prescription) (prescription.Course, error)
	after func(Tx, consent.Permit, prescription.Prescription) error // nil = nothing
}

// once does a step once per idempotency key.
func (s *Service) once(ctx context.Context, a identity.Actor, id prescription.ID, do step, now time.Time) (course prescription.Course, err error) {
	if err := do.ask.check(); err != nil {
		return course, err
	}
	key, request := do.ask.digest(a.Client), requestOf(do.what, string(id))
	err = s.Store.Update(ctx, func(tx Tx) error {
		known, err := sameUse(tx, a.Client, key, request)
		if err != nil {
			return err
		}
		of, found, err := tx.CardOfPrescription(id)
		if err != nil {
			return err
		}
		if !found {
			return ErrUnknown
		}
		permit, err := open(tx, a, of, do.right)
		if err != nil {
			return err
		}
		if do.allow != nil {
			if err := do.allow(tx, permit); err != nil {
				return err
			}
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
		if err := present(tx, id); err != nil {
			return err
		}
		p, err := s.change(tx, a, of, id, do, now)
		if err != nil {
			return err
		}
		course = p.Course
		if !known {
			if err := tx.PutKeyUse(a.Client, key, request, now); err != nil {
				return err
			}
		}
		return tx.PutAnswer(permit, id, a.Client, key, prescription.Answer{Request: request, Course: course}, now)
	})
	if err != nil {
		return prescription.Course{}, err
	}
	return course, nil
}

// requestOf is what an idempotency key is bound to.
func requestOf(what, of string) prescription.Digest {
	return sha256.Sum256([]byte(what + "|" + of))
}

// sameUse reports whether the key was used for this request before, and refuses one that was used for another.
func sameUse(tx Tx, client identity.ClientID, key, request prescription.Digest) (known bool, err error) {
	before, known, err := tx.KeyUse(client, key)
	if err == nil && known && before != request {
		err = ErrMismatch
	}
	return known, err
}

// keyTerm is how long an idempotency key is remembered: longer than any prescription lives.
const keyTerm = 400 * 24 * time.Hour

// Sweep forgets idempotency keys of prescriptions that are long over, and moves those that time has just ended.
func (s *Service) Sweep(ctx context.Context) error {
	before := s.Clock().Add(-keyTerm)
	return errors.Join(s.Store.Update(ctx, func(tx Tx) error { return tx.ForgetKeyUses(before) }), s.end(ctx))
}

// open takes the card's lock and asks for the right to work on its prescriptions.
func open(tx Tx, a identity.Actor, id card.ID, right string) (consent.Permit, error) {
	if err := tx.LockCard(id); err != nil {
		return consent.Permit{}, err
	}
	return tx.DecideWrite(a, id, right, scopes)
}

// change moves the course of one prescription, writes it into the patient's card and the audit, and tells the phones.
func (s *Service) change(tx Tx, a identity.Actor, of card.ID, id prescription.ID, do step, now time.Time) (prescription.Prescription, error) {
	permit, err := open(tx, a, of, do.right)
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
	if p.Course, err = do.move(p); err != nil {
		return p, err
	}
	news, err := s.save(tx, permit, p, code, read, now)
	if err != nil {
		return p, err
	}
	if err := tx.EnqueueNews(permit, news); err != nil {
		return p, err
	}
	if do.after != nil {
		if err := do.after(tx, permit, p); err != nil {
			return p, err
		}
	}
	if do.act == "" {
		return p, nil
	}
	return p, tx.AppendAudit(audit.Entry{Card: of, At: now, Actor: a, Action: do.act, Purpose: consent.Treatment, What: string(card.KindPrescription), Request: do.ask.Request})
}

// save writes a course over the version that was read, and into the card. Whoever sees the scopes is to be told.
func (s *Service) save(tx Tx, permit consent.Permit, p prescription.Prescription, code string, read int, now time.Time) (card.Scopes, error) {
	saved, err := tx.SaveCourse(permit, p.ID, read, p.Course)
	if err != nil {
		return nil, err
	}
	if !saved {
		return nil, errRaced
	}
	if p.Course.State == prescription.Dispensed {
		if err := tx.SetStatus(p.Token, int(trust.Spent)); err != nil {
			return nil, err
		}
	}
	record := cardsync.FromPrescription(p, code)
	return card.Scopes{record.Scope}, tx.Publish(permit, []cardsync.Record{record}, now)
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
