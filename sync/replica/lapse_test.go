package replica_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// own makes the phone that of the card's owner, as an enrolment says it.
func (h *handset) own() {
	h.desk.must(h.shelf.Update(func(tx replica.PhoneTx) error {
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		meta.Own = true
		return tx.SaveMeta(meta)
	}))
}

func (h *handset) items(states ...replica.ItemState) (list []replica.Item) {
	h.desk.must(h.shelf.View(func(tx replica.PhoneTx) error {
		for _, state := range states {
			some, err := tx.Items(state)
			if err != nil {
				return err
			}
			list = append(list, some...)
		}
		return nil
	}))
	return list
}

func (h *handset) lapse(scopes ...string) bool {
	h.desk.t.Helper()
	lapsed, err := h.Lapse(func(scope string) bool { return !slices.Contains(scopes, scope) })
	h.desk.must(err)
	return lapsed
}

var everyState = []replica.ItemState{replica.Waiting, replica.Answered, replica.Settled, replica.Rejected}

// At the end of a lease its scope goes and the others stay. The next sync brings back what may still be seen, whole, and what was
// deleted meanwhile stays deleted.
func TestAScopeLapsesAndComesBack(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	d.publish(fact(1, "lab.general", "kept"), fact(2, "rx.general", "lapsed"), fact(3, "lab.general", "to be deleted"))
	one.mustSync()
	if one.lapse("dx.general") {
		t.Error("something lapsed where nothing stands")
	}
	if !one.lapse("rx.general") {
		t.Error("nothing lapsed")
	}
	unknown := replica.ErrUnknown.Error()
	if a, b := one.sees(rec(1)), one.sees(rec(2)); a != "kept" || b != unknown {
		t.Errorf("after the lapse: %q and %q", a, b)
	}
	meta, err := one.Meta()
	d.must(err)
	if !slices.Equal(meta.Lapsed, []string{"rx.general"}) {
		t.Errorf("lapsed: %v", meta.Lapsed)
	}
	d.must(d.book.Update(func(l replica.Ledger) error {
		_, err := d.server.Withdraw(l, []string{rec(3)})
		return err
	}))
	one.mustSync()
	if a, b, c := one.sees(rec(1)), one.sees(rec(2)), one.sees(rec(3)); a != "kept" || b != "lapsed" || c != unknown {
		t.Errorf("after the sync: %q, %q and %q", a, b, c)
	}
	if meta, _ := one.Meta(); meta.Lapsed != nil || meta.Shadowing {
		t.Errorf("the base is whole, and the phone says %+v", meta)
	}
	before := len(one.answer(must(one.ask())))
	one.mustSync()
	if before != 2 {
		t.Errorf("with the base whole a sync has %d lines", before)
	}
}

// must and ask are for a look at what an answer would hold.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func (h *handset) ask() (wire.SyncCard, error) {
	x, err := h.Exchange(100)
	if err != nil {
		return wire.SyncCard{}, err
	}
	defer x.Close()
	return x.Request(), nil
}

// A lapse while a first sync, or a new base, is half done leaves no hole.
func TestALapseBetweenPages(t *testing.T) {
	d := newDesk(t)
	d.server.PageRows = 2
	one := d.phone("a")
	for n := range 4 {
		d.publish(fact(n+1, "lab.general", "x"), fact(n+11, "rx.general", "y"))
	}
	part := func() {
		x, err := one.Exchange(1)
		d.must(err)
		for _, line := range one.answer(x.Request())[:4] { // card, two rows, end
			d.must(x.Line(line))
		}
		x.Close()
	}
	part()
	one.lapse("rx.general")
	part()
	one.lapse("lab.general")
	one.mustSync()
	for n := range 4 {
		if a, b := one.sees(rec(n+1)), one.sees(rec(n+11)); a != "x" || b != "y" {
			t.Errorf("%d: %q and %q", n, a, b)
		}
	}
}

// A lapse is for phones that are out of touch: one that speaks to the server is about to be lent anew.
func TestNothingLapsesDuringAnExchange(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	d.publish(fact(1, "lab.general", "x"))
	one.mustSync()
	x, err := one.Exchange(1)
	d.must(err)
	if one.lapse("lab.general") {
		t.Error("it lapsed")
	}
	x.Close()
	if !one.lapse("lab.general") {
		t.Error("it did not lapse afterwards")
	}
}

// What a person wrote on his own card outlives a lease, sent or not.
func TestOwnEditsOutliveALease(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	one.own()
	one.create(rec(1), "sent")
	one.mustSync()
	draft, _ := one.open(rec(1))
	one.save(draft, "text", "not sent")
	one.create(rec(2), "new")
	one.lapse("note.general")
	if list := one.items(everyState...); len(list) != 3 {
		t.Fatalf("%d edits are left", len(list))
	}
	one.mustSync()
	if a, b := one.sees(rec(1)), one.sees(rec(2)); a != "not sent" || b != "new" {
		t.Errorf("after the sync: %q and %q", a, b)
	}
	if losses := one.shelf.Losses(); len(losses) != 0 {
		t.Errorf("told of a loss: %+v", losses)
	}
}

// What a person wrote on somebody else's goes with its scope, and he is told of what the server never got. What comes after has
// numbers without a gap.
func TestEditsOfOthersLapse(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	d.publish(fact(5, "lab.general", "x"))
	one.create(rec(1), "sent")
	one.mustSync()
	draft, _ := one.open(rec(1))
	one.save(draft, "text", "not sent")
	one.create(rec(2), "new")
	one.lapse("note.general")
	if list := one.items(everyState...); len(list) != 1 || list[0].Mutation.ID != rec(2) {
		t.Errorf("left are %+v", list)
	}
	if losses := one.shelf.Losses(); !slices.Equal(losses, []replica.Loss{{At: d.now, Edits: 1, Why: replica.LostLease}}) {
		t.Errorf("losses: %+v", losses)
	}
	one.enrol()
	one.mustSync()
	if a, b := one.sees(rec(1)), one.sees(rec(2)); a != "sent" || b != "new" {
		t.Errorf("after the sync: %q and %q", a, b)
	}
}

// The author loses access by what he wrote himself, and is answered: neither the record nor its text stays, not even in the outbox.
func TestTheAuthorLosesAccessByHisOwnWrite(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	notes, lab := replica.Scopes{"note.general", "lab.general"}, replica.Scopes{"lab.general"}
	d.sights["a"] = replica.Sight{Now: notes}
	one.create(rec(1), "first")
	one.mustSync()
	draft, _ := one.open(rec(1))
	one.save(draft, "text", "hide me")
	x, err := one.Exchange(100)
	d.must(err)
	out, err := d.pushAcked("a", x.Request().Actor, x.Request().Acked, x.Request().Mutations...)
	d.must(err)
	d.publish(fact(1, "note.hidden", "hide me")) // what the writing brought about: a clinic's system re-labels the record
	again, _ := one.open(rec(1))
	one.save(again, "text", "and more") // unsent
	in := replica.Pull{Device: "a", Ask: x.Request().PullCard, Sight: d.sight("a"), Seal: d.seal("a"), Results: out.Results}
	d.must(d.book.View(func(l replica.Ledger) error {
		page, err := d.server.Pull(l, in)
		for _, line := range page.Lines {
			if line.Row != nil {
				t.Errorf("the answer echoes a row that is hidden now: %+v", line.Row)
			}
			d.must(x.Line(line))
		}
		return err
	}))
	x.Close()
	if got := one.sees(rec(1)); got == "hide me" || got == "first" {
		t.Errorf("still on the screen: %q", got)
	}
	one.mustSync()
	for _, item := range one.items(everyState...) {
		if len(item.Mutation.Atoms) > 0 {
			t.Errorf("the outbox keeps %s of a record out of sight: %+v", item.State, item.Mutation)
		}
	}
	d.sights["a"] = replica.Sight{Now: lab, Changed: d.head().Seq, Since: span(notes, lab, notes)}
	one.mustSync()
}

// A whole scope lost takes the edits of its records out of the outbox: the answered ones at once, the waiting ones when the server
// has refused them, but for the fact that there was one.
func TestAPurgeTakesTheOutboxOfItsScope(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	both, lab := replica.Scopes{"note.general", "lab.general"}, replica.Scopes{"lab.general"}
	d.sights["a"] = replica.Sight{Now: both}
	d.publish(fact(5, "lab.general", "x"))
	one.create(rec(1), "sent")
	one.mustSync()
	d.sights["a"] = replica.Sight{Now: lab, Changed: d.head().Seq, Since: span(both, lab, both)}
	draft, _ := one.open(rec(1))
	one.save(draft, "text", "not sent")
	one.create(rec(2), "new")
	one.mustSync()
	list := one.items(everyState...)
	if len(list) != 2 {
		t.Fatalf("left are %+v", list)
	}
	for _, item := range list {
		text := len(item.Mutation.Atoms) > 0
		if item.State != replica.Rejected || item.Code != wire.CodeAccessEnded || text != (item.Mutation.ID == rec(2)) {
			t.Errorf("left is %+v", item)
		}
	}
}

// A card that is gone goes with its outbox, and the person is told how much that was. What is held leaves what he wrote.
func TestLeaving(t *testing.T) {
	setup := func() (*desk, *handset) {
		d := newDesk(t)
		one := d.phone("a")
		one.create(rec(1), "sent")
		one.mustSync()
		d.publish(fact(3, "lab.general", "x"))
		one.mustSync()
		one.create(rec(2), "not sent")
		return d, one
	}
	for name, c := range map[string]struct {
		own   bool
		gone  wire.Gone
		err   error
		rows  bool
		items int
		lost  int
	}{
		"gone":                       {false, wire.Gone{}, replica.ErrGone, false, 0, 1},
		"held":                       {false, wire.Gone{Held: true, Restored: noon.Add(time.Hour)}, replica.ErrHeld, false, 2, 0},
		"one's own":                  {true, wire.Gone{}, replica.ErrGone, false, 0, 1},
		"one's own, restored since":  {true, wire.Gone{Restored: noon.AddDate(1, 0, 0)}, replica.ErrForgotten, true, 2, 0},
		"one's own, restored before": {true, wire.Gone{Restored: noon.Add(-time.Hour)}, replica.ErrGone, false, 0, 1},
		"another's, restored since":  {false, wire.Gone{Restored: noon.AddDate(1, 0, 0)}, replica.ErrGone, false, 0, 1},
	} {
		d, one := setup()
		if c.own {
			one.own()
		}
		if err := one.Leave(c.gone); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
		if got := one.sees(rec(3)) == "x"; got != c.rows {
			t.Errorf("%s: a row is there: %v", name, got)
		}
		if got := len(one.items(everyState...)); got != c.items {
			t.Errorf("%s: %d edits are left", name, got)
		}
		lost := 0
		for _, l := range one.shelf.Losses() {
			lost += l.Edits
		}
		if lost != c.lost {
			t.Errorf("%s: told of %d lost edits", name, lost)
		}
		if errors.Is(c.err, replica.ErrHeld) {
			one.mustSync() // confirmed
			if a, b, c := one.sees(rec(1)), one.sees(rec(2)), one.sees(rec(3)); a != "sent" || b != "not sent" || c != "x" {
				t.Errorf("confirmed: %q, %q and %q", a, b, c)
			}
		}
		_ = d
	}
}
