package enrolling

import (
	"context"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/account"
)

// proofLife is how long somebody who redeemed a card may take to prove that it is his: a month is enough for a new policy or passport to be made,
// and for what a reviewer rejected to be done better. Time that a document waits for a reviewer does not end it.
const proofLife = 30 * 24 * time.Hour

// lapses bounds how many are let go in one run; the next goes on.
const lapses = 500

// lapse lets go who has proved nothing for too long. Each is a transaction of its own on one card.
func (s *Service) lapse(ctx context.Context) error {
	now := s.now()
	var overdue []account.Waiting
	err := s.store.Update(ctx, func(tx Tx) (err error) {
		overdue, err = tx.Overdue(now.Add(-proofLife), now, lapses)
		return err
	})
	failed := []error{err}
	for _, w := range overdue {
		failed = append(failed, s.store.Update(ctx, func(tx Tx) error { return tx.LetGo(w.Account, w.Card, "a claim that was not proved in time", now) }))
	}
	return errors.Join(failed...)
}
