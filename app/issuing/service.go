package issuing

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/domain/paper"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/sync/cardsync"
)

// The OAuth scopes that a doctor's system needs.
const (
	PrescriptionRight = "system/prescription.c"
	ReferralRight     = "system/referral.c" // write, take and hand on
	CertificateRight  = "system/certificate.c"
)

// Tx is what this act needs of a transaction.
type Tx interface {
	Decide(identity.Actor, card.ID, consent.Purpose, time.Time) (consent.Permit, error)
	// Sees reports whether the permit reads the record of a paper.
	Sees(consent.Permit, card.RecordID) (bool, error)
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
	// SaveCourse writes the course only where the version still is the one that was read.
	SaveCourse(p consent.Permit, id prescription.ID, read int, next prescription.Course) (saved bool, err error)
	CardOfReferral(referral.ID) (card.ID, bool, error)
	ReferralByToken(referral.Token) (card.ID, referral.ID, bool, error)
	AddReferral(p consent.Permit, r referral.Referral, code string, issuer identity.ClientID) (added bool, err error)
	Referral(consent.Permit, referral.ID) (r referral.Referral, code string, found bool, err error)
	SaveReferral(consent.Permit, referral.Referral) error
	CardOfCertificate(certificate.ID) (card.ID, bool, error)
	AddCertificate(p consent.Permit, c certificate.Certificate, code string, issuer identity.ClientID) (added bool, err error)
	Certificate(consent.Permit, certificate.ID) (c certificate.Certificate, code string, found bool, err error)
	SaveCertificate(consent.Permit, certificate.Certificate) error
	// Issuer is the client that filed a paper.
	Issuer(p consent.Permit, kind card.Kind, id string) (identity.ClientID, error)

	// The status lists know tokens and places and no patients.
	Places
	SetStatus(token [16]byte, status int) error
	StatusOf(token [16]byte) (status int, found bool, err error)
	Statuses(list int, visit func(place, status int)) error
	StatusLists(since time.Time) ([]int, error)
	HasShard(list int) (bool, error)

	// What a paper's code says is remembered, so that a forgery is told from it even if its key was stolen.
	KeepContent(token [16]byte, content []byte) error
	SaysContent(token [16]byte, content []byte) (same, known bool, err error)

	// The key set that all servers publish.
	KeySet() (sequence uint64, signed []byte, found bool, err error)
	ReplaceKeySet(was, sequence uint64, signed []byte) (replaced bool, err error)
	AddKeyEvent(sequence uint64, kid, usage, what string, at time.Time) error

	// The directories of numbers and tokens open no card.
	TakeNumber(n paper.Number, token [16]byte) (taken bool, err error)
	TokenOfNumber(paper.Number) (token [16]byte, found bool, err error)
	Standing(token [16]byte) (s paper.Standing, found bool, err error)
	// Allowances bound the tries at numbers.
	LockAllowance(key []byte) (time.Time, error)
	SetAllowance(key []byte, spentUntil time.Time) error
	// Clinics are told of what concerns them.
	ClientByOGRN(string) (id identity.ClientID, found bool, err error)
	TellClinic(to identity.ClientID, n notice.Inbox) error
	Inbox(of identity.ClientID, since time.Time, limit int) ([]notice.Inbox, error)

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

// Parts are what a Service is made of.
type Parts struct {
	Store  Store
	Clock  func() time.Time
	Random io.Reader
	Zone   *time.Location // whose days count: the clinic's
	Region uint8          // the code of the region whose papers are issued here; 0 = none
	// Keys gives the keys as they are in custody now. It is asked every few seconds: another process may have added or withdrawn one.
	Keys func() (Keyring, error)
	// Hash is the keyed hash under which tries are counted.
	Hash func(kind, value string) []byte
}

// Service issues. It is safe for concurrent use.
type Service struct {
	Parts
	mu     sync.Mutex
	ring   held                // the keys in custody, as they were read last
	set    published           // the key set
	lists  map[uint32]*version // the status lists
	shards *Shards
}

// New makes a Service.
func New(p Parts) *Service {
	return &Service{Parts: p, lists: map[uint32]*version{}, shards: &Shards{Region: p.Region, Random: p.Random}}
}

// Faults of this act. A sheet's own are in packages prescription and referral.
var (
	ErrPatient  = fault.New(fault.Conflict, "patient.unknown", "The card has no patient record with a name and a year of birth yet: post one first.")
	ErrUnknown  = fault.New(fault.NotFound, "paper.not_found", "There is no such document, or it is not yours.")
	ErrKey      = fault.New(fault.Invalid, "idempotency.key", "Send an idempotencyKey of 8 to 128 characters, a fresh one for each document.")
	ErrMismatch = fault.New(fault.Invalid, "idempotency.mismatch", "This idempotencyKey was used for another document. Use a fresh one.")
	errRaced    = fault.New(fault.Conflict, "paper.raced", "Somebody else was faster. Ask for the state and try again.")
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
	return uuidOf("paper|" + string(client) + "|" + f.Key), nil
}

func uuidOf(name string) string {
	h := sha256.Sum256([]byte(name))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
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

func (s *Service) token() (t [16]byte, err error) {
	if _, err := io.ReadFull(s.Random, t[:]); err != nil {
		return t, fmt.Errorf("draw randomness: %w", err)
	}
	return t, nil
}
