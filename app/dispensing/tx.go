package dispensing

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/sync/cardsync"
)

// Store runs transactions.
type Store interface {
	View(context.Context, func(Tx) error) error
	Update(context.Context, func(Tx) error) error
}

// Tx is what this act needs of a transaction.
type Tx interface {
	// PrescriptionByToken and CardOfPrescription are look-ups in the directory: they lead to a card and open nothing.
	PrescriptionByToken(prescription.Token) (card.ID, prescription.ID, bool, error)
	CardOfPrescription(prescription.ID) (card.ID, bool, error)
	// PaperGone reports whether its patient gave a paper up.
	PaperGone(id string) (bool, error)
	SetPaperGone(id string, now time.Time) error
	LockCard(card.ID) error
	Decide(identity.Actor, card.ID, consent.Purpose, time.Time) (consent.Permit, error)
	DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes) (consent.Permit, error)

	Prescription(consent.Permit, prescription.ID) (p prescription.Prescription, code string, found bool, err error)
	// Issuer is the client that filed the prescription.
	Issuer(p consent.Permit, kind card.Kind, id string) (identity.ClientID, error)
	// SetStatus changes what the status list says of a paper.
	SetStatus(token [16]byte, status int) error
	// SaveCourse writes the course only where the version still is the one that was read.
	SaveCourse(p consent.Permit, id prescription.ID, read int, next prescription.Course) (saved bool, err error)
	// PrescriptionsEnded names those that time alone ended before the instant, and SaveCourse has not been told of; DropEnd forgets one.
	PrescriptionsEnded(before time.Time, limit int) ([]prescription.Whose, error)
	DropEnd(prescription.Whose) error
	// KeyUse tells for what request the client used an idempotency key, over all prescriptions.
	KeyUse(identity.ClientID, prescription.Digest) (request prescription.Digest, found bool, err error)
	PutKeyUse(client identity.ClientID, key, request prescription.Digest, now time.Time) error
	ForgetKeyUses(before time.Time) error
	// Answer finds what was answered under the client's key, PutAnswer keeps it.
	Answer(p consent.Permit, id prescription.ID, client identity.ClientID, key prescription.Digest) (prescription.Answer, bool, error)
	PutAnswer(p consent.Permit, id prescription.ID, client identity.ClientID, key prescription.Digest, a prescription.Answer, now time.Time) error

	AddHandOut(consent.Permit, prescription.ID, prescription.HandOut) error
	AddCase(p consent.Permit, c prescription.Case, issuer identity.ClientID) error
	Case(p consent.Permit, id prescription.ID, receipt prescription.Digest) (prescription.Case, bool, error)
	// CasesOf, CasesSince, SuppliesOf and OverdueSupplies only name prescriptions.
	CasesOf(issuer identity.ClientID, limit int) ([]prescription.Concerned, error)
	CasesSince(since time.Time, limit int) ([]prescription.Concerned, error)
	SuppliesOf(client identity.ClientID, limit int) ([]prescription.Deferred, error)
	OverdueSupplies(now time.Time, limit int) ([]prescription.Deferred, error)
	EnqueueSupply(p consent.Permit, id prescription.ID, due time.Time) error

	AddCounterDevice(prescription.Device) (added bool, err error)
	CounterDevices(identity.ClientID) ([]prescription.Device, error)
	// LockCounterDevice keeps the device's chain from moving until the transaction ends.
	LockCounterDevice(prescription.DeviceKey) (prescription.Device, bool, error)
	SetCounterDevice(prescription.Device) error

	Receipt(prescription.Digest) (prescription.Filed, bool, error)
	FileReceipt(prescription.Filed) error
	// ReceiptInGap finds the receipt that waits for those before it.
	ReceiptInGap(device prescription.DeviceKey, number uint64) (prescription.Filed, bool, error)
	ReceiptsOf(client identity.ClientID, o prescription.Outcome, limit int) ([]prescription.Filed, error)
	ReceiptsIn(o prescription.Outcome, limit int) ([]prescription.Filed, error)
	CountReceipts(client identity.ClientID, o prescription.Outcome) (int, error)

	Publish(p consent.Permit, records []cardsync.Record, now time.Time) error
	EnqueueNews(p consent.Permit, scopes card.Scopes) error
	EnqueueWake(p consent.Permit, scopes card.Scopes) error
	AppendAudit(audit.Entry) error
}
