package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/app/syncing"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// checked is a card of Anna's of which Boris may see the laboratory, on a real database.
type checked struct {
	t      *testing.T
	db     *store.DB
	card   card.ID
	boris  identity.Actor
	grant  consent.GrantID
	phones *syncing.Service
	actor  uint32
	epoch  string
	end    wire.End // of the last answer
}

func newChecked(t *testing.T, db *store.DB) *checked {
	now := time.Now()
	c := &checked{
		t: t, db: db, grant: consent.GrantID(store.NewID()),
		boris: identity.Actor{Kind: identity.Patient, Account: identity.AccountID(store.NewID()), Device: identity.DeviceID(store.NewID()), SecondFactor: true},
		phones: &syncing.Service{
			Store: acting[syncing.Tx]{db, func(tx *store.Tx) syncing.Tx { return tx }}, Clock: time.Now,
			Engine: replica.Server{Rules: cardsync.Rules()}, Secret: make([]byte, 32),
		},
	}
	c.update(func(tx *store.Tx) (err error) {
		if c.card, err = tx.CreateCard(now); err != nil {
			return err
		}
		return tx.GrantOwner(c.card, anna.Account, now)
	})
	c.asAnna(func(tx *store.Tx, p consent.Permit) error {
		return tx.AddGrant(p, consent.Grant{
			ID: c.grant, Card: c.card, Role: consent.Proxy, Account: c.boris.Account, Scopes: card.Scopes{"lab.*"},
			Purpose: consent.PatientRequest, Starts: now, Ends: now.Add(time.Hour),
		})
	})
	return c
}

func (c *checked) update(f func(*store.Tx) error) {
	c.t.Helper()
	if err := c.db.Update(c.t.Context(), f); err != nil {
		c.t.Fatal(err)
	}
}

func (c *checked) asAnna(f func(*store.Tx, consent.Permit) error) {
	c.t.Helper()
	c.update(func(tx *store.Tx) error {
		p, err := tx.Decide(anna, c.card, consent.PatientRequest, time.Now())
		if err != nil {
			return err
		}
		return f(tx, p)
	})
}

// publish puts a record into a scope.
func (c *checked) publish(n int, scope, value string) {
	c.t.Helper()
	c.asAnna(func(tx *store.Tx, p consent.Permit) error {
		l, err := tx.Ledger(p)
		if err != nil {
			return err
		}
		_, err = c.phones.Engine.Publish(l, []replica.Fact{{
			ID: checkedID(n), Kind: string(card.KindObservation), Scope: scope, Atoms: map[string]json.RawMessage{"value": json.RawMessage(`"` + value + `"`)},
		}}, time.Now())
		return err
	})
}

func checkedID(n int) string { return fmt.Sprintf("0191d5a0-0000-7000-8000-%012x", n) }

// sync pulls as Boris, from the beginning.
func (c *checked) sync() {
	c.t.Helper()
	in, err := c.phones.Devices(c.t.Context(), c.boris, wire.DevicesRequest{Cards: []wire.DeviceCard{{Card: string(c.card)}}})
	if err != nil || len(in.Cards) != 1 {
		c.t.Fatal(in, err)
	}
	c.actor, c.epoch = in.Cards[0].Actor, in.Cards[0].Epoch
	ask := wire.SyncRequest{Device: string(c.boris.Device), Cards: []wire.SyncCard{{PullCard: wire.PullCard{Card: string(c.card), Actor: c.actor, Epoch: c.epoch}}}}
	if err := c.phones.Stream(c.t.Context(), c.boris, ask, "request-1", func(page []wire.Line) error {
		for _, line := range page {
			if line.End != nil {
				c.end = *line.End
			}
		}
		return nil
	}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *checked) ask(ids ...string) (wire.CheckResponse, error) {
	return c.phones.Check(c.t.Context(), c.boris, wire.CheckRequest{
		Device: string(c.boris.Device), Card: string(c.card), Actor: c.actor, Epoch: c.epoch, Cursor: c.end.Cursor, View: c.end.View,
		Ranges: []wire.Range{{}}, IDs: ids,
	}, "request-2")
}

// Whoever sees part of a card is told sums of that part alone: what is committed in a scope that he does not see moves no byte of a check, and
// neither does what is in one that he saw until it was taken from him.
func TestAnothersCheckTellsOfHisPartAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newChecked(t, db)
		c.publish(1, "lab.general", "one")
		c.publish(2, "lab.general", "two")
		c.publish(3, "note.general", "secret")
		c.sync()
		say := func() string {
			answer, err := c.ask(checkedID(2), checkedID(3), checkedID(4))
			if err != nil {
				t.Fatal(err)
			}
			raw, err := wire.Marshal(answer)
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
		before, end := say(), c.end
		if answer, err := c.ask(checkedID(2), checkedID(3), checkedID(4)); err != nil || len(answer.Lists) != 1 || len(answer.Lists[0].Entries) != 2 ||
			len(answer.Rows) != 1 || answer.Rows[0].ID != checkedID(2) || len(answer.Drop) != 2 || end.Sum == nil || end.Sum.Count != 2 {
			t.Errorf("of two of three records: %s, the sum %+v, %v", before, end.Sum, err)
		}
		c.publish(3, "note.general", "another secret")
		c.publish(4, "rx.general", "secret")
		if after := say(); after != before {
			t.Errorf("hidden commits show:\n%s\n%s", before, after)
		}
		c.sync()
		if *c.end.Sum != *end.Sum || c.end.Cursor != end.Cursor {
			t.Errorf("the sum was %+v and is %+v", end.Sum, c.end.Sum)
		}

		c.publish(5, "lab.general", "news")
		if answer := say(); answer != `{"behind":true}` {
			t.Errorf("after news: %s", answer)
		}
		c.sync()
		c.asAnna(func(tx *store.Tx, p consent.Permit) error {
			_, err := tx.RevokeGrant(p, c.grant, time.Now())
			return err
		})
		answer, err := c.ask(checkedID(1))
		if f := fault.From(err); f.Kind != fault.NotFound || len(answer.Lists)+len(answer.Rows)+len(answer.Drop)+len(answer.Ranges) > 0 {
			t.Errorf("after the end of access: %+v, %v", answer, err)
		}
	})
}

// A check is a read, and remembered as one: each time, if the reader is not the owner.
func TestAnothersCheckIsRemembered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newChecked(t, db)
		c.publish(1, "lab.general", "one")
		c.sync()
		for range 2 {
			if _, err := c.ask(checkedID(1)); err != nil {
				t.Fatal(err)
			}
		}
		other := wire.CheckRequest{Device: string(c.boris.Device), Card: string(c.card), Actor: c.actor + 1, Epoch: c.epoch, Ranges: []wire.Range{{}}}
		if _, err := c.phones.Check(t.Context(), c.boris, other, "request-3"); fault.From(err).Code != wire.ProblemActorUnknown {
			t.Errorf("another's actor: %v", err)
		}
		other.Device = store.NewID()
		if _, err := c.phones.Check(t.Context(), c.boris, other, "request-4"); !errors.Is(err, syncing.ErrDevice) {
			t.Errorf("another's device: %v", err)
		}
		reads := 0
		c.asAnna(func(tx *store.Tx, p consent.Permit) error {
			reads = 0
			trail, err := tx.AuditTrail(p, 0, 100)
			for _, e := range trail {
				if e.Action == audit.Sync && e.Actor.Account == c.boris.Account {
					reads++
				}
			}
			return err
		})
		if reads != 3 { // the pull, and two checks
			t.Errorf("%d reads are remembered", reads)
		}
	})
}

// during is a store that lets something happen while the next look at it is under way.
type during struct {
	syncing.Store
	happens func()
}

func (d *during) View(ctx context.Context, f func(syncing.Tx) error) error {
	if h := d.happens; h != nil {
		d.happens = nil
		h()
	}
	return d.Store.View(ctx, f)
}

// While as many checks read much as may, another one is told when to come again; one that asks about little goes on as always, and reads
// little whatever there is.
func TestChecksThatReadMuchAreBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newChecked(t, db)
		const records, page = 60, 20
		for n := range records {
			c.publish(n, "lab.general", "one")
		}
		c.sync()
		c.phones.MaxCopies = 4 // so there is one place for checks
		c.phones.Engine.PageRows, c.phones.Engine.CheckRows = page, 2*page
		held := &during{Store: c.phones.Store}
		c.phones.Store = held
		ask := func(count int) (wire.CheckResponse, int64, error) {
			before := db.RowsRead()
			answer, err := c.phones.Check(t.Context(), c.boris, wire.CheckRequest{
				Device: string(c.boris.Device), Card: string(c.card), Actor: c.actor, Epoch: c.epoch, Cursor: c.end.Cursor, View: c.end.View,
				Ranges: []wire.Range{{Sum: wire.Sum{Count: count}}},
			}, "request-2")
			return answer, db.RowsRead() - before, err
		}
		_, little, err := ask(0)
		if err != nil {
			t.Fatal(err)
		}
		refused, light := false, false
		held.happens = func() {
			_, _, err := ask(records)
			f := fault.From(err)
			refused = f.Code == "sync.busy" && f.Kind == fault.Unavailable && f.RetryAfter >= 5*time.Second
			answer, _, err := ask(page)
			light = err == nil && answer.Rest != ""
		}
		answer, _, err := ask(records)
		if err != nil || answer.Rest != checkedID(2*page) || !refused || !light {
			t.Errorf("from %q on nothing was looked at, %v; a second one was sent away: %v, a small one answered: %v", answer.Rest, err, refused, light)
		}
		if answer, again, err := ask(records); err != nil || answer.Rest == "" || again-little != page {
			t.Errorf("once the first was through: %v, %d rows were read, %d for a page's worth", err, again, little)
		}
	})
}
