package issuing

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
	"github.com/medcard/medcard/sync/cardsync"
)

// The OAuth scopes that a doctor's system needs.
const (
	PrescriptionRight = "system/prescription.c"
	ReferralRight     = "system/referral.c"
)

// Tx is what this act needs of a transaction.
type Tx interface {
	Decide(identity.Actor, card.ID, consent.Purpose, time.Time) (consent.Permit, error)
	DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes) (consent.Permit, error)
	LockCard(card.ID) error
	// Treats reports whether the permit's client has to do with the card: it posted to it, or the owner let it in.
	Treats(consent.Permit, time.Time) (bool, error)
	// Bearer is what a paper says about whose it is, from the card's own patient record.
	Bearer(consent.Permit) (b identity.Bearer, found bool, err error)

	CardOfPrescription(prescription.ID) (card.ID, bool, error)
	PrescriptionByToken(prescription.Token) (card.ID, prescription.ID, bool, error)
	// AddPrescription and AddReferral give false when the id names another paper: the key was used for another card or kind.
	AddPrescription(p consent.Permit, rx prescription.Prescription, code string, issuer identity.ClientID) (added bool, err error)
	Prescription(consent.Permit, prescription.ID) (rx prescription.Prescription, code string, found bool, err error)
	CardOfReferral(referral.ID) (card.ID, bool, error)
	AddReferral(p consent.Permit, r referral.Referral, code string, issuer identity.ClientID) (added bool, err error)
	Referral(consent.Permit, referral.ID) (r referral.Referral, code string, found bool, err error)
	// Issuer is the client that filed a paper.
	Issuer(p consent.Permit, kind card.Kind, id string) (identity.ClientID, error)

	// The status lists know tokens and places and no patients.
	TakePlace(list, place int, token [16]byte, status int) (taken bool, err error)
	StatusOf(token [16]byte) (status int, found bool, err error)
	Statuses(list int, visit func(place, status int)) error
	StatusLists() ([]int, error)

	Publish(p consent.Permit, records []cardsync.Record, now time.Time) error
	EnqueueNews(p consent.Permit, scopes card.Scopes) error
	OwnReadSince(card.ID, identity.Actor, consent.Purpose, time.Time) (bool, error)
	AppendAudit(audit.Entry) error
}

// Store runs transactions.
type Store interface {
	View(context.Context, func(Tx) error) error
	Update(context.Context, func(Tx) error) error
}

// Key is a signing key in custody and when it was made.
type Key struct {
	qr.SigningKey
	Created time.Time
}

// Parts are what a Service is made of.
type Parts struct {
	Store  Store
	Clock  func() time.Time
	Random io.Reader
	Zone   *time.Location // whose days count: the clinic's
	Root   qr.SigningKey
	Keys   []Key // one for each usage
}

// Service issues. It is safe for concurrent use.
type Service struct {
	Parts
	mu    sync.Mutex
	set   published           // the key set
	lists map[uint32]*version // the status lists
}

type published struct {
	hour int64
	set  trust.KeySet
	Signed
}

type version struct {
	at           time.Time
	public, full Signed
}

// New makes a Service.
func New(p Parts) *Service { return &Service{Parts: p, lists: map[uint32]*version{}} }

// Faults of this act. A sheet's own are in packages prescription and referral.
var (
	ErrPatient  = fault.New(fault.Conflict, "patient.unknown", "The card has no patient record with a name and a year of birth yet: post one first.")
	ErrUnknown  = fault.New(fault.NotFound, "paper.not_found", "There is no such document, or it is not yours.")
	ErrKey      = fault.New(fault.Invalid, "idempotency.key", "Send an idempotencyKey of 8 to 128 characters, a fresh one for each document.")
	ErrMismatch = fault.New(fault.Invalid, "idempotency.mismatch", "This idempotencyKey was used for another document. Use a fresh one.")
	errFull     = errors.New("issuing: no free place was found in the status list")
)

// Filing says for whom a paper is filed, and under which key.
type Filing struct {
	Card    card.ID
	Key     string // idempotency key of the client
	Request string // id of the HTTP request, for the audit
}

// id is the paper's: the same client's same key always gives the same one. It is a version 8 UUID of a hash.
func (f Filing) id(client identity.ClientID) (string, error) {
	if len(f.Key) < 8 || len(f.Key) > 128 {
		return "", ErrKey
	}
	h := sha256.Sum256([]byte("paper|" + string(client) + "|" + f.Key))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16]), nil
}

// admit opens the card for filing: the client must have to do with the patient, else the card does not exist for it.
func (s *Service) admit(tx Tx, a identity.Actor, id card.ID, right string, scopes card.Scopes, now time.Time) (p consent.Permit, b identity.Bearer, err error) {
	if p, err = tx.DecideWrite(a, id, right, scopes); err != nil {
		return p, b, err
	}
	treats, err := tx.Treats(p, now)
	if err != nil {
		return p, b, err
	}
	if !treats {
		return p, b, consent.ErrNoGrant
	}
	if err := tx.LockCard(id); err != nil {
		return p, b, err
	}
	b, found, err := tx.Bearer(p)
	if err == nil && !found {
		err = ErrPatient
	}
	return p, b, err
}

// place finds a random free place in the list of the month.
func (s *Service) place(tx Tx, token [16]byte, now time.Time) (qr.StatusRef, error) {
	list := listOf(now)
	for range 64 {
		var b [4]byte
		if _, err := io.ReadFull(s.Random, b[:]); err != nil {
			return qr.StatusRef{}, fmt.Errorf("draw randomness: %w", err)
		}
		place := (int(b[0]) | int(b[1])<<8 | int(b[2])<<16) % trust.ListSize
		taken, err := tx.TakePlace(list, place, token, int(trust.Valid))
		if err != nil {
			return qr.StatusRef{}, err
		}
		if taken {
			return qr.StatusRef{List: uint32(list), Index: uint32(place)}, nil // both are small
		}
	}
	return qr.StatusRef{}, errFull
}

// listOf is the number of the status list of papers issued then: year and month. A country would add the region.
func listOf(now time.Time) int { return now.UTC().Year()*100 + int(now.UTC().Month()) }

func (s *Service) key(u qr.Usage) (qr.SigningKey, error) {
	for _, k := range s.Keys {
		if k.Usage == u {
			return k.SigningKey, nil
		}
	}
	return qr.SigningKey{}, fmt.Errorf("issuing: there is no key for %s", u)
}

func (s *Service) token() (t [16]byte, err error) {
	if _, err := io.ReadFull(s.Random, t[:]); err != nil {
		return t, fmt.Errorf("draw randomness: %w", err)
	}
	return t, nil
}
