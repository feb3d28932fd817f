package server

import (
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/app/syncing"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// While as many whole cards go out as may, a phone that asks for one more is told when to come again, and nothing of the card; what is
// new goes out as always. After a change of the epoch every phone is such a phone.
func TestWholeCopiesAreBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var id card.ID
		if err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
			if id, err = tx.CreateCard(time.Now()); err != nil {
				return err
			}
			return tx.GrantOwner(id, anna.Account, time.Now())
		}); err != nil {
			t.Fatal(err)
		}
		phones := &syncing.Service{
			Store: acting[syncing.Tx]{db, func(tx *store.Tx) syncing.Tx { return tx }}, Clock: time.Now,
			Engine: replica.Server{Rules: cardsync.Rules()}, Secret: make([]byte, 32), MaxCopies: 1,
		}
		device := func(name string) (identity.Actor, wire.PullCard) {
			who := anna
			who.Device = identity.DeviceID(name)
			in, err := phones.Devices(t.Context(), who, wire.DevicesRequest{Cards: []wire.DeviceCard{{Card: string(id)}}})
			if err != nil || len(in.Cards) != 1 {
				t.Fatal(in, err)
			}
			return who, wire.PullCard{Card: string(id), Actor: in.Cards[0].Actor}
		}
		pull := func(who identity.Actor, ask wire.PullCard, during func()) (lines []wire.Line) {
			err := phones.Stream(t.Context(), who, wire.SyncRequest{Device: string(who.Device), Cards: []wire.SyncCard{{PullCard: ask}}}, "request-1",
				func(page []wire.Line) error {
					lines = append(lines, page...)
					during()
					return nil
				})
			if err != nil {
				t.Error(err)
			}
			return lines
		}
		nothing := func() {}
		whole := func(lines []wire.Line) bool { return len(lines) > 1 && lines[len(lines)-1].End != nil }
		sentAway := func(lines []wire.Line) bool {
			return len(lines) == 1 && lines[0].Err != nil && lines[0].Err.Code == wire.ProblemUnavailable && lines[0].Err.RetryAfter >= 5
		}

		old, at := device("d1")
		lines := pull(old, at, nothing)
		if !whole(lines) {
			t.Fatalf("a first sync: %+v", lines)
		}
		at.Epoch, at.Cursor, at.View = lines[0].Card.Epoch, lines[len(lines)-1].End.Cursor, lines[len(lines)-1].End.View
		before := at
		before.Epoch = "the one before"

		first, ask := device("d2")
		second, more := device("d3")
		slow := pull(first, ask, func() {
			if lines := pull(second, more, nothing); !sentAway(lines) {
				t.Errorf("a second whole copy: %+v", lines)
			}
			if lines := pull(old, before, nothing); !sentAway(lines) {
				t.Errorf("a copy after a change of the epoch: %+v", lines)
			}
			if lines := pull(old, at, nothing); !whole(lines) {
				t.Errorf("what is new: %+v", lines)
			}
		})
		if !whole(slow) {
			t.Errorf("the one that was first: %+v", slow)
		}
		if lines := pull(second, more, nothing); !whole(lines) {
			t.Errorf("when it came again: %+v", lines)
		}

		// However many places there are, one account does not get them all.
		phones.MaxCopies, phones.MaxOwnCopies = 0, 2
		third, third2 := device("d4")
		other, others := anna, card.ID("")
		other.Account, other.Device = identity.AccountID(store.NewID()), "d5"
		if err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
			if others, err = tx.CreateCard(time.Now()); err != nil {
				return err
			}
			return tx.GrantOwner(others, other.Account, time.Now())
		}); err != nil {
			t.Fatal(err)
		}
		in, err := phones.Devices(t.Context(), other, wire.DevicesRequest{Cards: []wire.DeviceCard{{Card: string(others)}}})
		if err != nil || len(in.Cards) != 1 {
			t.Fatal(in, err)
		}
		pull(first, ask, func() {
			pull(second, more, func() {
				if lines := pull(third, third2, nothing); !sentAway(lines) {
					t.Errorf("a third whole copy of one account: %+v", lines)
				}
				if lines := pull(other, wire.PullCard{Card: string(others), Actor: in.Cards[0].Actor}, nothing); !whole(lines) {
					t.Errorf("another account: %+v", lines)
				}
			})
		})
	})
}
