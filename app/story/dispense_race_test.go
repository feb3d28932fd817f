package story

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/app/dispensing"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/sync/cardsync"
)

// The race for one prescription, run on the real store and on one that reads in one transaction and writes in another, as a careless
// program would. The careless one must let several pharmacists win: a race that does not catch that proves nothing.

// honest is the store as the server uses it.
type honest struct{ db *store.DB }

func (s honest) Update(ctx context.Context, f func(dispensing.Tx) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error { return f(tx) })
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

func (c *careless) Publish(_ consent.Permit, records []cardsync.Record, now time.Time) error {
	return c.later(func(tx *store.Tx, p consent.Permit) error { return tx.Publish(p, records, now) })
}

func (c *careless) EnqueueNews(_ consent.Permit, scopes card.Scopes) error {
	return c.later(func(tx *store.Tx, p consent.Permit) error { return tx.EnqueueNews(p, scopes) })
}

func (c *careless) AppendAudit(e audit.Entry) error {
	return c.later(func(tx *store.Tx, _ consent.Permit) error { return tx.AppendAudit(e) })
}

// race lets many pharmacists accept one fresh prescription at once and says how many were told that they have it. The others must
// have been told why not.
func race(ctx context.Context, t *testing.T, with dispensing.Store, token prescription.Token, pharmacists int) (won []string) {
	t.Helper()
	service := &dispensing.Service{
		Store: with, Clock: time.Now, Secret: rand.Text,
		Token: func(context.Context, string) (prescription.Token, error) { return token, nil },
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	gate := make(chan struct{})
	for i := range pharmacists {
		all.Go(func() {
			<-gate
			who := identity.Actor{Kind: identity.Pharmacy, Client: identity.ClientID(fmt.Sprintf("0191d5a0-0000-7000-8000-%012d", i)), Scopes: []string{dispensing.Right}}
			held, err := service.Accept(ctx, who, "", dispensing.Ask{Key: rand.Text(), Request: "race"})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won = append(won, held.Secret)
			case !errors.Is(err, prescription.ErrInWork) && fault.CodeOf(err) != "prescription.raced":
				t.Errorf("a loser was told %v", err)
			}
		})
	}
	close(gate)
	all.Wait()
	return won
}

func TestOneOfManyPharmacistsWins(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, _ := admitted(ctx, t, clinic)
		pharmacy := got(w.Pharmacy(ctx, "Аптека № 1"))(t)
		ok(t, pharmacy.Refresh(ctx))
		fresh := func(n int) prescription.Token {
			paper := got(clinic.Prescribe(ctx, id, fmt.Sprintf("race-%08d", n)))(t)
			return prescription.Token(pharmacy.Verify(paper.Code, w.Now()).Document.Claims().Token)
		}
		const rounds, pharmacists = 3, 50
		for n := range rounds {
			if won := race(ctx, t, honest{w.Server.Store}, fresh(n), pharmacists); len(won) != 1 {
				t.Errorf("round %d: %d of %d won", n, len(won), pharmacists)
			}
		}
		for n := range 5 * rounds {
			if won := race(ctx, t, naive{w.Server.Store}, fresh(100+n), pharmacists); len(won) > 1 {
				t.Logf("the control variant let %d of %d win, in round %d", len(won), pharmacists, n+1)
				return
			}
		}
		t.Error("the control variant was never caught: this race would not see a mistake in the store either")
	})
}
