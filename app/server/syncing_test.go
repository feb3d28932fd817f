package server

import (
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
