package notifying

import (
	"context"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// Announce turns the news of a card into a push for each device of the account. Whoever lost access since the change is not
// told: that there is news is itself something to know. Of what happened to access itself they are: their phones delete what
// they may not keep.
func (s *Service) Announce(ctx context.Context, id card.ID, account identity.AccountID, about notice.Kind) error {
	now := s.clock()
	return s.store.Update(ctx, func(tx Tx) error {
		due, found, err := tx.TakeNews(id, account, about)
		if err != nil || !found {
			return err
		}
		if about != notice.Access {
			sees, err := tx.StillSees(id, account, now)
			if err != nil || !sees {
				return err
			}
		}
		contacts, err := tx.ContactsOf(account, about, now)
		if err != nil {
			return err
		}
		for _, c := range contacts {
			if c.Device == due.Except {
				continue
			}
			if err := tx.EnqueuePush(notice.Push{ID: due.ID, Device: c.Device, Kind: about, Ends: now.Add(about.Lifetime())}); err != nil {
				return err
			}
		}
		return nil
	})
}
