package story

import (
	"context"
	"time"

	"github.com/medcard/medcard/app/dispensing"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/sync/cardsync"
)

// The two stores of the race for one prescription: the real one, and one that reads in one transaction and writes in another, as a
// careless program would. The checker must catch the careless one: a race that does not see that proves nothing.

// honest is the store as the server uses it.
type honest struct{ db *store.DB }

func (s honest) Update(ctx context.Context, f func(dispensing.Tx) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error { return f(tx) })
}

func (s honest) View(ctx context.Context, f func(dispensing.Tx) error) error {
	return s.db.View(ctx, func(tx *store.Tx) error { return f(tx) })
}

// naive is the control variant.
type naive struct{ db *store.DB }

func (s naive) Update(ctx context.Context, f func(dispensing.Tx) error) error {
	var later careless
	if err := s.db.View(ctx, func(tx *store.Tx) error {
		later = careless{Tx: tx}
		return f(&later)
	}); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		permit, err := tx.DecideWrite(later.actor, later.card, dispensing.Right, later.scopes)
		if err != nil {
			return err
		}
		for _, write := range later.writes {
			if err := write(tx, permit); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s naive) View(ctx context.Context, f func(dispensing.Tx) error) error {
	return s.db.View(ctx, func(tx *store.Tx) error { return f(tx) })
}

// careless reads at once, takes no lock, and puts off what it writes.
type careless struct {
	*store.Tx
	actor  identity.Actor
	card   card.ID
	scopes card.Scopes
	writes []func(*store.Tx, consent.Permit) error
}

var _ dispensing.Tx = (*careless)(nil)

func (c *careless) later(write func(*store.Tx, consent.Permit) error) error {
	c.writes = append(c.writes, write)
	return nil
}

func (c *careless) LockCard(card.ID) error { return nil }

func (c *careless) DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes) (consent.Permit, error) {
	c.actor, c.card, c.scopes = a, id, scopes
	return c.Tx.DecideWrite(a, id, right, scopes)
}

// SaveCourse writes over whatever version is there by then.
func (c *careless) SaveCourse(_ consent.Permit, id prescription.ID, _ int, next prescription.Course) (bool, error) {
	return true, c.later(func(tx *store.Tx, p consent.Permit) error {
		now, _, _, err := tx.Prescription(p, id)
		if err == nil {
			_, err = tx.SaveCourse(p, id, now.Course.Version, next)
		}
		return err
	})
}

func (c *careless) SetStatus(token [16]byte, status int) error {
	return c.later(func(tx *store.Tx, _ consent.Permit) error { return tx.SetStatus(token, status) })
}

func (c *careless) PutAnswer(_ consent.Permit, id prescription.ID, client identity.ClientID, key prescription.Digest, a prescription.Answer, now time.Time) error {
	return c.later(func(tx *store.Tx, p consent.Permit) error { return tx.PutAnswer(p, id, client, key, a, now) })
}

func (c *careless) PutKeyUse(client identity.ClientID, key, request prescription.Digest, now time.Time) error {
	return c.later(func(tx *store.Tx, _ consent.Permit) error { return tx.PutKeyUse(client, key, request, now) })
}

func (c *careless) AddHandOut(_ consent.Permit, id prescription.ID, h prescription.HandOut) error {
	return c.later(func(tx *store.Tx, p consent.Permit) error { return tx.AddHandOut(p, id, h) })
}

func (c *careless) Publish(_ consent.Permit, records []cardsync.Record, now time.Time) error {
	return c.later(func(tx *store.Tx, p consent.Permit) error { return tx.Publish(p, records, now) })
}

func (c *careless) EnqueueNews(_ consent.Permit, scopes card.Scopes) error {
	return c.later(func(tx *store.Tx, p consent.Permit) error { return tx.EnqueueNews(p, scopes) })
}

func (c *careless) AppendAudit(e audit.Entry) error {
	return c.later(func(tx *store.Tx, _ consent.Permit) error { return tx.AppendAudit(e) })
}
