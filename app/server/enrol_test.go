package server

import (
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/app/syncing"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// A device that has had too many actors on a card is told when to ask again for that one, and gets its place on its other cards.
func TestActorsOfADeviceAreBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
		phones := &syncing.Service{
			Store: acting[syncing.Tx]{db, func(tx *store.Tx) syncing.Tx { return tx }}, Clock: func() time.Time { return now },
			Engine: replica.Server{Rules: cardsync.Rules()}, Secret: make([]byte, 32),
		}
		var cards [2]card.ID
		for i := range cards {
			if err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
				if cards[i], err = tx.CreateCard(now); err != nil {
					return err
				}
				return tx.GrantOwner(cards[i], anna.Account, now)
			}); err != nil {
				t.Fatal(err)
			}
		}
		ask := func(of ...card.ID) wire.DevicesResponse {
			t.Helper()
			var in wire.DevicesRequest
			for _, id := range of {
				in.Cards = append(in.Cards, wire.DeviceCard{Card: string(id), Fresh: true})
			}
			out, err := phones.Devices(t.Context(), anna, in)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		given := 0
		for range 40 {
			given += len(ask(cards[0]).Cards)
		}
		if given != 24 {
			t.Errorf("a device got %d actors in a moment", given)
		}
		out := ask(cards[0], cards[1])
		if len(out.Cards) != 1 || out.Cards[0].Card != string(cards[1]) || len(out.Gone) != 0 || len(out.Later) != 1 ||
			out.Later[0] != (wire.Problem{Code: wire.ProblemActorsSpent, Card: string(cards[0]), RetryAfter: 24*60*60 + 1}) {
			t.Errorf("on two cards: %+v", out)
		}
		now = now.Add(24*time.Hour + time.Second)
		if out := ask(cards[0]); len(out.Cards) != 1 {
			t.Errorf("a day later: %+v", out)
		}
	})
}
