package notifying

import (
	"context"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// Announce turns the news of a card into a push for each device of the account. Whoever lost access since the change, or never had it on
// this device, is not told: that there is news is itself something to know. Of what happened to access itself, and to the right to act for
// another, they are: their phones delete what they may not keep. A verdict on a person's own proofs is of no card, nor is an incident,
// nor a new device, which is not told of itself.
func (s *Service) Announce(ctx context.Context, id card.ID, account identity.AccountID, about notice.Kind) error {
	now := s.clock()
	return s.store.Update(ctx, func(tx Tx) error {
		due, found, err := tx.TakeNews(id, account, about)
		if err != nil || !found {
			return err
		}
		contacts, err := tx.ContactsOf(account, about, now)
		if err != nil {
			return err
		}
		for _, c := range contacts {
			if c.Device == due.Except {
				continue
			}
			if !about.Anyway() {
				concerned, err := tx.StillSees(id, account, c.Device, now)
				if err == nil && !concerned && about == notice.Security { // a small child's parent, whose phone the card is mostly closed to
					concerned, err = tx.Speaks(id, account, now)
				}
				if err != nil {
					return err
				}
				if !concerned {
					continue
				}
			}
			if err := tx.EnqueuePush(notice.Push{ID: due.ID, Device: c.Device, Kind: about, Ends: now.Add(about.Lifetime())}); err != nil {
				return err
			}
		}
		return nil
	})
}
