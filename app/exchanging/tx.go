package exchanging

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/posting"
	"github.com/medcard/medcard/sync/cardsync"
)

// Store runs transactions. A closure may run again, so it holds nothing but Tx calls.
type Store interface {
	View(ctx context.Context, f func(Tx) error) error
	Update(ctx context.Context, f func(Tx) error) error
}

// Tx is what receiving a bundle needs of one transaction.
type Tx interface {
	DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes) (consent.Permit, error)

	// The directory: to which card a number, or an organisation's own name of a patient, leads. Both are kept as keyed hashes.
	CardsOfPatient(who posting.Introduction) ([]posting.Match, error)

	CreateCard(now time.Time) (card.ID, error)
	LockCard(id card.ID) error
	// NoteOpener keeps which client opened the card.
	NoteOpener(p consent.Permit, client identity.ClientID) error
	HasOwner(id card.ID) (bool, error)

	// Introduce writes down by what the card is found again. A number or name that another card has meanwhile gives
	// posting.ErrTaken, one of a register of which the card has another number posting.ErrOther.
	Introduce(p consent.Permit, who posting.Introduction) error

	// Known answers, in the order of the questions, what the card holds of what the client posted. Keep adds to it.
	Known(p consent.Permit, client identity.ClientID, questions []posting.Question) ([]posting.Known, error)
	Keep(p consent.Permit, client identity.ClientID, postings []posting.Posting) error

	// Labels tells under which labels records of the card stand.
	Labels(p consent.Permit, ids []card.RecordID) (map[card.RecordID]string, error)

	// KeepAttachment keeps a file that a resource brought along.
	KeepAttachment(p consent.Permit, hash card.Hash, content []byte) error

	// Publish gives each record its next version in the card's order of commits.
	Publish(p consent.Permit, records []cardsync.Record, now time.Time) error
	// EnqueueNews tells the card's devices, after the commit, that there is news in these scopes.
	EnqueueNews(p consent.Permit, scopes card.Scopes) error

	// PutClaim keeps a claim code's hash and kills the codes that the client got for this card before.
	PutClaim(p consent.Permit, client identity.ClientID, code identity.ClaimCode, ends time.Time) error
	AppendAudit(e audit.Entry) error
}
