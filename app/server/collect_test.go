package server

import (
	"errors"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/app/syncing"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/simnet"
	"github.com/medcard/medcard/sync/wire"
)

// owned is one of the owner's phones, speaking to the service as over the network.
type owned struct {
	*replica.Phone
	t     *testing.T
	sync  *syncing.Service
	actor identity.Actor
	card  card.ID
	lines []wire.Line // of the last answer
}

func (p *owned) enrol() {
	p.t.Helper()
	ask, needed, err := p.Enrolment()
	if err != nil || !needed {
		p.t.Fatal(needed, err)
	}
	in, err := p.sync.Devices(p.t.Context(), p.actor, wire.DevicesRequest{Cards: []wire.DeviceCard{ask}})
	if err != nil || len(in.Cards) != 1 {
		p.t.Fatal(in, err)
	}
	if err := p.Enrolled(in.Cards[0]); err != nil {
		p.t.Fatal(err)
	}
}

func (p *owned) exchange() (told error) {
	p.t.Helper()
	x, err := p.Exchange(100)
	if err != nil {
		p.t.Fatal(err)
	}
	defer x.Close()
	p.lines = nil
	ask := wire.SyncRequest{Device: string(p.actor.Device), Cards: []wire.SyncCard{x.Request()}}
	if err := p.sync.Stream(p.t.Context(), p.actor, ask, "request-1", func(page []wire.Line) error {
		for _, line := range page {
			p.lines = append(p.lines, line)
			if err := x.Line(line); err != nil {
				told = err
			}
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
	return told
}

func (p *owned) step() {
	p.t.Helper()
	if err := p.exchange(); err != nil {
		p.t.Fatal(err)
	}
}

// Two phones know of a deletion, the third has been away for months: the server forgets without anybody's doing, and when the third
// comes back, under a fresh actor and with a new base, nothing of what was deleted rises and nothing that was written is lost.
func TestWhatWasDeletedIsForgottenByItself(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		var id card.ID
		if err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
			if id, err = tx.CreateCard(now); err != nil {
				return err
			}
			return tx.GrantOwner(id, anna.Account, now)
		}); err != nil {
			t.Fatal(err)
		}
		var done replica.Collected
		service := &syncing.Service{
			Store: acting[syncing.Tx]{db, func(tx *store.Tx) syncing.Tx { return tx }}, Clock: clock,
			Engine: replica.Server{Rules: cardsync.Rules()}, Secret: make([]byte, 32),
			Collected: func(c replica.Collected) {
				done.Retired, done.Emptied, done.Pruned = done.Retired+c.Retired, done.Emptied+c.Emptied, done.Pruned+c.Pruned
			},
		}
		collect := func() {
			t.Helper()
			if err := service.Collect(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		phone := func(device string) *owned {
			p := &owned{t: t, sync: service, actor: anna, card: id}
			p.actor.Device = identity.DeviceID(device)
			p.Phone = replica.NewPhone(string(id), simnet.NewShelf(), clock)
			p.enrol()
			return p
		}
		one, two, away := phone("d1"), phone("d2"), phone("d3")
		write := func(p *owned, record, text string) {
			t.Helper()
			d, err := p.New(record, string(card.KindComment))
			if record == "" || err != nil {
				t.Fatal(err)
			}
			if _, err := p.Save(d, cardsync.Atoms(card.Comment{Text: text, Written: card.DateOf(now)})); err != nil {
				t.Fatal(err)
			}
		}
		gone, kept, far := store.NewID(), store.NewID(), store.NewID()
		write(one, gone, "to be deleted")
		write(away, kept, "by the one that goes away")
		for range 2 {
			one.step()
			two.step()
			away.step()
		}
		write(away, far, "written far away")
		d, _, err := one.Open(gone)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := one.Delete(d); err != nil {
			t.Fatal(err)
		}
		collect()
		for range 16 {
			now = now.AddDate(0, 0, 7)
			one.step()
			two.step()
			collect()
		}
		if done != (replica.Collected{Retired: 1, Emptied: 1, Pruned: 1}) {
			t.Fatalf("forgotten: %+v", done)
		}
		if err := away.exchange(); !errors.Is(err, replica.ErrNotEnrolled) {
			t.Fatalf("after months: %v", err)
		}
		away.enrol()
		away.step()
		if away.lines[0].Card == nil || !away.lines[0].Card.Resync {
			t.Errorf("no new base: %+v", away.lines[0])
		}
		for range 2 {
			away.step()
			one.step()
		}
		for name, p := range map[string]*owned{"one": one, "away": away} {
			if _, err := p.Screen(gone); !errors.Is(err, replica.ErrUnknown) {
				t.Errorf("%s shows what was deleted: %v", name, err)
			}
			for _, record := range []string{kept, far} {
				if _, err := p.Screen(record); err != nil {
					t.Errorf("%s lacks %s: %v", name, record, err)
				}
			}
		}
	})
}
