package syncing

import (
	"context"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/replica"
)

const (
	collectAfter = 24 * time.Hour   // how long a card has peace after it was collected
	collectFor   = 40 * time.Second // how long one run takes cards; the next goes on where it stopped
	collectCards = 100              // read at a time
)

// Collect forgets what no phone can ask for any more, on all cards whose turn it is, as far as time allows: see replica.Server.Collect.
// Each step is a transaction of its own on one card, and a short one, so that nobody who writes to the card has to wait. A card that
// fails keeps no other from its turn.
func (s *Service) Collect(ctx context.Context) error {
	begun := s.Clock()
	due := begun.Add(-collectAfter)
	var failed []error
	for behind := card.ID(""); ; {
		var cards []card.ID
		if err := s.Store.View(ctx, func(tx Tx) (err error) {
			cards, err = tx.CardsToCollect(due, behind, collectCards)
			return err
		}); err != nil || len(cards) == 0 {
			return errors.Join(append(failed, err)...)
		}
		for _, id := range cards {
			if ctx.Err() != nil || s.Clock().Sub(begun) > collectFor {
				return errors.Join(append(failed, ctx.Err())...)
			}
			failed = append(failed, s.collect(ctx, id))
			behind = id
		}
	}
}

func (s *Service) collect(ctx context.Context, id card.ID) error {
	for more := true; more; {
		var out replica.Collected
		if err := s.Store.Update(ctx, func(tx Tx) (err error) {
			out, err = tx.Collect(id, s.Clock().UTC())
			return err
		}); err != nil {
			return err
		}
		if s.Collected != nil {
			s.Collected(out)
		}
		more = out.More
	}
	return nil
}
