// Package auditing answers the owner's question "who saw my card".
package auditing

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// Tx is what this act needs of a transaction.
type Tx interface {
	Decide(identity.Actor, card.ID, consent.Purpose, time.Time) (consent.Permit, error)
	AuditTrail(p consent.Permit, below uint64, limit int) ([]audit.Entry, error)
}

// Store runs transactions.
type Store interface {
	View(context.Context, func(Tx) error) error
}

// Service reads the trail.
type Service struct {
	Store Store
	Clock func() time.Time
}

// PageSize is how many entries a page holds at most.
const PageSize = 100

// Trail gives the owner a page of entries, newest first, below the number (0 = from the newest). Reading the trail is not
// itself an access to health data and leaves no entry.
func (s *Service) Trail(ctx context.Context, a identity.Actor, id card.ID, below uint64) (page []audit.Entry, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		permit, err := tx.Decide(a, id, consent.PatientRequest, s.Clock())
		if err != nil {
			return err
		}
		if !permit.Owner() {
			return consent.ErrNotOwner
		}
		page, err = tx.AuditTrail(permit, below, PageSize)
		return err
	})
	return page, err
}
