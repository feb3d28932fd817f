package auditing

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// Tx is what this act needs of a transaction.
type Tx interface {
	// DecideWatch lets in who speaks for the card's patient: the owner, or where it has none, who represents the patient wholly.
	DecideWatch(identity.Actor, card.ID, time.Time) (consent.Permit, error)
	AuditTrail(p consent.Permit, below uint64, limit int) ([]audit.Entry, error)
	SaltedTrail(p consent.Permit, below uint64, limit int) ([]audit.Salted, error)
	Grants(consent.Permit) ([]consent.Grant, error)
	Devices(of identity.AccountID, now time.Time) ([]account.ListedDevice, error)
	TellsOfAccess(consent.Permit) (bool, error)
	SetTellsOfAccess(consent.Permit, bool) error
	AppendAudit(audit.Entry) error

	// The log: its length and signed checkpoint, what waits for it, and its hashes.
	PendingAudit() (bool, error)
	WaitingForLog(limit int) (waiting int, since time.Time, err error)
	Log() (size int64, signed string, err error)
	LockLog() (size int64, signed string, err error)
	TakePending(limit int) ([]audit.Leaf, error)
	ExtendLog(was int64, leaves []audit.Leaf, nodes map[int64]audit.Hash, signed string) error
	LogHashes(places []int64) ([]audit.Hash, error)
	LeafHashes(from int64, limit int) ([]audit.Hash, error)
	PlacesInLog(card.ID, []uint64) (map[uint64]int64, error)
	ShreddingOf(card.ID) (number uint64, found bool, err error)

	// What a verification reads, and an auditor.
	LoggedEntries(from, to int64) ([]audit.Logged, error)
	OpenLogCard(time.Time) error
	LogNodes(from, to int64) (map[int64]audit.Hash, error)
	WaitingEntries(limit int) ([]audit.Logged, error)
	CardTrails(after card.ID, limit int) ([]audit.CardTrail, error)
}

// Store runs transactions.
type Store interface {
	View(context.Context, func(Tx) error) error
	Update(context.Context, func(Tx) error) error
}

// Service keeps the log and shows it.
type Service struct {
	Store Store
	Clock func() time.Time
	Keys  func() (Keys, error) // as they are now: an operator may let another take over

	exports atomic.Int32 // that are running
}

// PageSize is how many entries a page holds at most.
const PageSize = 100

// Trail gives who speaks for the patient a page of entries, newest first, below the number (0 = from the newest), with what he needs to know
// whom each names. Reading the trail is not itself an access to health data and leaves no entry.
func (s *Service) Trail(ctx context.Context, a identity.Actor, id card.ID, below uint64) (page []audit.Line, err error) {
	err = s.watch(ctx, a, id, func(tx Tx, permit consent.Permit) error {
		entries, err := tx.AuditTrail(permit, below, PageSize)
		if err != nil {
			return err
		}
		grants, err := tx.Grants(permit)
		if err != nil {
			return err
		}
		devices, err := tx.Devices(a.Account, s.Clock())
		if err != nil {
			return err
		}
		named := make(map[identity.DeviceID]string, len(devices))
		for _, d := range devices {
			named[d.ID] = d.Name
		}
		page = make([]audit.Line, len(entries))
		for i, e := range entries {
			page[i] = audit.LineFor(a.Account, e, grants, named)
		}
		return nil
	})
	return page, err
}

// Tells says whether who speaks for the patient is told each time somebody else opens the card.
func (s *Service) Tells(ctx context.Context, a identity.Actor, id card.ID) (on bool, err error) {
	err = s.watch(ctx, a, id, func(tx Tx, permit consent.Permit) (err error) {
		on, err = tx.TellsOfAccess(permit)
		return err
	})
	return on, err
}

// Tell changes that. It is remembered like any change, so that nobody who took a phone switches it off in silence.
func (s *Service) Tell(ctx context.Context, a identity.Actor, id card.ID, on bool, request string) error {
	now := s.Clock()
	what := map[bool]string{true: "on", false: "off"}[on]
	return s.Store.Update(ctx, s.watching(a, id, func(tx Tx, permit consent.Permit) error {
		if was, err := tx.TellsOfAccess(permit); err != nil || was == on {
			return err
		}
		if err := tx.SetTellsOfAccess(permit, on); err != nil {
			return err
		}
		return tx.AppendAudit(audit.Entry{Card: id, At: now, Actor: a, Action: audit.Notify, Purpose: consent.PatientRequest, What: what, Request: request})
	}))
}

// watch runs f for who speaks for the card's patient and for nobody else.
func (s *Service) watch(ctx context.Context, a identity.Actor, id card.ID, f func(Tx, consent.Permit) error) error {
	return s.Store.View(ctx, s.watching(a, id, f))
}

func (s *Service) watching(a identity.Actor, id card.ID, f func(Tx, consent.Permit) error) func(Tx) error {
	return func(tx Tx) error {
		permit, err := tx.DecideWatch(a, id, s.Clock())
		if err != nil {
			return err
		}
		return f(tx, permit)
	}
}
