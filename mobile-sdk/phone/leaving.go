package phone

import (
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/replica"
)

// Cards come to a phone and go from it without its person doing anything: because their owner let the person in or out.

// left notes a card that the server does not show any more; false if that is not what the error says.
func (r *Report) left(id card.ID, err error) bool {
	switch {
	case errors.Is(err, replica.ErrGone):
		r.Gone = append(r.Gone, id)
	case errors.Is(err, replica.ErrHeld):
		r.Held = append(r.Held, id)
	case errors.Is(err, replica.ErrForgotten):
		r.Forgotten = append(r.Forgotten, id)
	default:
		return false
	}
	return true
}

// found makes the phone know the cards that the server tells of, and notes those that are new here.
func (r *Report) found(c *Client, ids []string) error {
	known, err := c.Cards()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if slices.Contains(known, card.ID(id)) || slices.Contains(r.Gone, card.ID(id)) {
			continue
		}
		if err := c.vault.Card(id).Know(); err != nil {
			return err
		}
		r.New = append(r.New, card.ID(id))
	}
	return nil
}

// Loss tells of edits that were destroyed unsent, or unread after they were refused, because this phone may not keep anything of their
// card any more, or because its file was damaged: how many, when and why, and nothing of what they said.
type Loss struct {
	Card  card.ID
	At    time.Time
	Edits int
	Why   LossReason
}

// LossReason says why edits were destroyed.
type LossReason = replica.LossReason

// The reasons.
const (
	LostAccess = replica.LostAccess // the person may not see the card any more
	LostDamage = replica.LostDamage // they stood on a damaged page of the file
	LostLease  = replica.LostLease  // somebody else's card, and the phone was not in step with the server for too long
)

// Losses lists what the person is to be told, newest first, until ForgetLosses.
func (c *Client) Losses() ([]Loss, error) {
	kept, err := c.vault.Losses()
	list := make([]Loss, len(kept))
	for i, l := range kept {
		list[i] = Loss{Card: card.ID(l.Card), At: l.At, Edits: l.Edits, Why: l.Why}
	}
	return list, err
}

// ForgetLosses is for when the person has seen the losses up to an instant, that of the newest one listed.
func (c *Client) ForgetLosses(upTo time.Time) error { return c.vault.ForgetLosses(upTo) }
