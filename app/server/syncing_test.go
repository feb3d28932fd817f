package server

import (
	"context"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/app/syncing"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// What the owner's phone pulls is remembered once a quarter of an hour, what anybody else's does each time: the owner asks
// who saw the card, and how often is part of the answer.
func TestAnothersPullIsRememberedEachTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Now()
		boris := identity.Actor{Kind: identity.Patient, Account: identity.AccountID(store.NewID()), Device: "d2", SecondFactor: true}
		var id card.ID
		if err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
			if id, err = tx.CreateCard(now); err != nil {
				return err
			}
			if err := tx.GrantOwner(id, anna.Account, now); err != nil {
				return err
			}
			p, err := tx.Decide(anna, id, consent.PatientRequest, now)
			if err != nil {
				return err
			}
			return tx.AddGrant(p, consent.Grant{
				ID: consent.GrantID(store.NewID()), Card: id, Role: consent.Proxy, Account: boris.Account, Scopes: card.Scopes{"lab.general"},
				Purpose: consent.PatientRequest, Starts: now, Ends: now.Add(time.Hour),
			})
		}); err != nil {
			t.Fatal(err)
		}
		phones := &syncing.Service{
			Store: acting[syncing.Tx]{db, func(tx *store.Tx) syncing.Tx { return tx }}, Clock: time.Now,
			Engine: replica.Server{Rules: cardsync.Rules()}, Secret: make([]byte, 32),
		}
		for _, who := range []identity.Actor{anna, boris} {
			in, err := phones.Devices(t.Context(), who, wire.DevicesRequest{Cards: []wire.DeviceCard{{Card: string(id)}}})
			if err != nil || len(in.Cards) != 1 {
				t.Fatal(in, err)
			}
			for range 3 {
				ask := wire.SyncRequest{Device: string(who.Device), Cards: []wire.SyncCard{{PullCard: wire.PullCard{Card: string(id), Actor: in.Cards[0].Actor, Epoch: in.Cards[0].Epoch}}}}
				if err := phones.Stream(t.Context(), who, ask, "request-1", func(page []wire.Line) error {
					for _, line := range page {
						if line.Err != nil || line.Gone != nil {
							t.Errorf("%s: %+v %+v", who.Account, line.Err, line.Gone)
						}
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			}
		}
		seen := map[identity.AccountID]int{}
		if err := db.View(t.Context(), func(tx *store.Tx) error {
			p, err := tx.Decide(anna, id, consent.PatientRequest, now)
			if err != nil {
				return err
			}
			trail, err := tx.AuditTrail(p, 0, 100)
			clear(seen)
			for _, e := range trail {
				if e.Action == audit.Sync {
					seen[e.Actor.Account]++
				}
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if seen[anna.Account] != 1 || seen[boris.Account] != 3 {
			t.Errorf("remembered: %v", seen)
		}
	})
}

// oneCard is a store that notices a transaction in which two cards are decided on.
type oneCard struct {
	acting[syncing.Tx]
	t *testing.T
}

type oneCardTx struct {
	syncing.Tx
	t  *testing.T
	id card.ID
}

func (tx *oneCardTx) Decide(a identity.Actor, id card.ID, p consent.Purpose, now time.Time) (consent.Permit, error) {
	if tx.id != "" && tx.id != id {
		tx.t.Errorf("a transaction touches the cards %s and %s", tx.id, id)
	}
	tx.id = id
	return tx.Tx.Decide(a, id, p, now)
}

func (s oneCard) View(ctx context.Context, f func(syncing.Tx) error) error {
	return s.acting.View(ctx, func(tx syncing.Tx) error { return f(&oneCardTx{Tx: tx, t: s.t}) })
}

func (s oneCard) Update(ctx context.Context, f func(syncing.Tx) error) error {
	return s.acting.Update(ctx, func(tx syncing.Tx) error { return f(&oneCardTx{Tx: tx, t: s.t}) })
}

// A database that is spread over machines by card can serve a transaction of one card only.
func TestATransactionTouchesOneCard(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Now()
		var cards []card.ID
		for range 2 {
			if err := db.Update(t.Context(), func(tx *store.Tx) error {
				id, err := tx.CreateCard(now)
				if err != nil {
					return err
				}
				cards = append(cards, id)
				return tx.GrantOwner(id, anna.Account, now)
			}); err != nil {
				t.Fatal(err)
			}
		}
		phones := &syncing.Service{
			Store: oneCard{acting[syncing.Tx]{db, func(tx *store.Tx) syncing.Tx { return tx }}, t}, Clock: time.Now,
			Engine: replica.Server{Rules: cardsync.Rules()}, Secret: make([]byte, 32),
		}
		in, err := phones.Devices(t.Context(), anna, wire.DevicesRequest{Cards: []wire.DeviceCard{{Card: string(cards[0])}, {Card: string(cards[1])}}})
		if err != nil || len(in.Cards) != 2 {
			t.Fatal(in, err)
		}
		ask := wire.SyncRequest{Device: string(anna.Device)}
		for _, c := range in.Cards {
			ask.Cards = append(ask.Cards, wire.SyncCard{PullCard: wire.PullCard{Card: c.Card, Actor: c.Actor, Epoch: c.Epoch}})
		}
		ends := 0
		if err := phones.Stream(t.Context(), anna, ask, "request-1", func(page []wire.Line) error {
			if page[len(page)-1].End != nil {
				ends++
			}
			return nil
		}); err != nil || ends != 2 {
			t.Fatal(ends, err)
		}
		head, tag, err := phones.Head(t.Context(), anna, cards)
		if err != nil || len(head.Cards) != 2 || tag == "" {
			t.Fatal(head, tag, err)
		}
	})
}
