package syncing

import (
	"context"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/sync/replica"
)

const (
	collectFor   = 40 * time.Second // how long one run takes cards; the next goes on where it stopped
	collectCards = 100              // read at a time
)

// Collect forgets what no phone can ask for any more, on the cards where there is such a thing, as far as time allows: see replica.Server.Collect.
// Each step is a transaction of its own on one card, and a short one, so that nobody who writes to the card has to wait. A card that
// fails keeps no other from its turn.
func (s *Service) Collect(ctx context.Context) error {
	begun := s.Clock()
	var failed []error
	for behind := (card.Turn{}); ; {
		var turns []card.Turn
		if err := s.Store.View(ctx, func(tx Tx) (err error) {
			turns, err = tx.CardsToCollect(begun, behind, collectCards)
			return err
		}); err != nil || len(turns) == 0 {
			return errors.Join(append(failed, err)...)
		}
		for _, turn := range turns {
			if ctx.Err() != nil || s.Clock().Sub(begun) > collectFor {
				return errors.Join(append(failed, ctx.Err())...)
			}
			failed = append(failed, s.collect(ctx, turn.Card))
			behind = turn
		}
	}
}

func (s *Service) collect(ctx context.Context, id card.ID) error {
	for more := true; more; {
		var out replica.Collected
		if err := s.Store.Update(ctx, func(tx Tx) (err error) {
			out, err = tx.Collect(id, s.Clock().UTC())
			return err
		}); errors.Is(err, consent.ErrShredded) {
			return nil // since it was listed
		} else if err != nil {
			return err
		}
		if s.Collected != nil {
			s.Collected(out)
		}
		more = out.More
	}
	return nil
}
