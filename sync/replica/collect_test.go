package replica_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// collect has the server forget what it can, all of it.
func (d *desk) collect() (all replica.Collected) {
	d.t.Helper()
	for range 100 {
		var out replica.Collected
		d.must(d.book.Update(func(l replica.Ledger) (err error) {
			out, err = d.server.Collect(l, d.now)
			return err
		}))
		all.Retired, all.Emptied, all.Pruned = all.Retired+out.Retired, all.Emptied+out.Emptied, all.Pruned+out.Pruned
		if !out.More {
			return all
		}
	}
	d.t.Fatal("a collection has no end")
	return all
}

func (d *desk) pass(days int) { d.now = d.now.AddDate(0, 0, days) }

// weeks lets so much time pass, with the phones in step with the server, that their lows are where they stand.
func (d *desk) weeks(phones ...*handset) {
	d.t.Helper()
	for range 3 {
		d.pass(7)
		for _, h := range phones {
			h.mustSync()
		}
	}
}

func (h *handset) erase(id string) {
	h.desk.t.Helper()
	draft, _ := h.open(id)
	_, err := h.Delete(draft)
	h.desk.must(err)
}

// What was deleted is emptied once every live phone knows, and no sooner. A phone that was away for long is retired; it comes
// back under a fresh actor, starts anew beside its old base, and nothing rises.
func TestWhatWasDeletedIsForgotten(t *testing.T) {
	d := newDesk(t)
	d.server.CollectRows = 2
	one, two, away := d.phone("a"), d.phone("b"), d.phone("c")
	for n := range 5 {
		one.create(rec(n+1), "text")
	}
	for _, h := range []*handset{one, two, away} {
		h.mustSync()
	}
	for n := range 3 {
		one.erase(rec(n + 1))
	}
	draft, _ := away.open(rec(2))
	away.save(draft, "text", "written far away")
	away.create(rec(9), "new, far away")
	d.weeks(one, two)
	if out := d.collect(); out != (replica.Collected{}) {
		t.Fatalf("a phone does not know yet, and %+v is forgotten", out)
	}
	for range 12 {
		d.weeks(one, two)
	}
	if out := d.collect(); out.Retired != 1 || out.Emptied != 3 {
		t.Fatalf("after months: %+v", out)
	}
	for n := range 3 {
		if r := d.record(rec(n + 1)); !r.Deleted || !r.Collected || len(r.Atoms) > 0 {
			t.Errorf("not emptied: %+v", r)
		}
	}
	if lines, _ := d.pullAll("a", wire.PullCard{Card: cardID, Actor: 1}); len(lines) != 4 { // card, two rows, end
		t.Errorf("a first sync has %d lines", len(lines))
	}

	if err := away.sync(); !errors.Is(err, replica.ErrNotEnrolled) {
		t.Fatalf("retired, and %v", err)
	}
	away.enrol()
	x, err := away.Exchange(100)
	d.must(err)
	lines := away.answer(x.Request())
	if !lines[0].Card.Resync {
		t.Error("no resync")
	}
	for _, line := range lines[:len(lines)-1] { // killed before the new base is whole
		d.must(x.Line(line))
	}
	x.Close()
	if got := away.sees(rec(1)); got != "text" {
		t.Errorf("the old base reads %q before the new one is whole", got)
	}
	away.mustSync()
	for n := range 3 {
		if got := away.sees(rec(n + 1)); got != replica.ErrUnknown.Error() {
			t.Errorf("%d is risen: %q", n+1, got)
		}
	}
	if got := away.sees(rec(9)); got != "new, far away" {
		t.Errorf("what was written meanwhile: %q", got)
	}
	list, err := away.Rejected()
	if d.must(err); len(list) != 1 || list[0].Code != wire.CodeRecordDeleted || unquote(list[0].Mutation.Atoms["text"].V) != "written far away" {
		t.Errorf("the text for which the record is gone: %+v", list)
	}
	// A phone from a backup of long ago sends a creation again, under another actor.
	old := d.phone("c, restored")
	old.create(rec(1), "text")
	old.mustSync()
	if r := d.record(rec(1)); !r.Deleted {
		t.Error("a creation of long ago brought it back")
	}
	// The server itself may.
	d.publish(fact(1, "lab.general", "again"))
	if r := d.record(rec(1)); r.Deleted || r.Collected || values(r, "text") != "again@0:1 " {
		t.Errorf("published again: %+v", r)
	}
}

// The cursor is not the low: an edit that waits, or an editor that is open, was opened before it.
func TestTheLowStaysBehindWhatMayStillCome(t *testing.T) {
	for name, c := range map[string]struct {
		saved bool // the edit waits in the outbox; else its editor is open
		days  int  // how long
		want  error
	}{
		"an edit waits":                   {saved: true, days: 60},
		"an editor is open":               {days: 5},
		"an editor was open for too long": {days: 60, want: replica.ErrOutdated},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			one, two := d.phone("a"), d.phone("b")
			one.create(rec(1), "text")
			one.mustSync()
			d.weeks(one, two)
			draft, _ := two.open(rec(1))
			if c.saved {
				two.save(draft, "text", "edited")
			}
			one.erase(rec(1))
			for range c.days {
				d.pass(1)
				one.mustSync()
				x, err := two.Exchange(0) // pulls, and sends no edits
				d.must(err)
				for _, line := range two.answer(x.Request()) {
					d.must(x.Line(line))
				}
				x.Close()
				d.collect()
			}
			if !c.saved {
				if _, err := two.Save(draft, map[string]json.RawMessage{"text": quote("edited")}); !errors.Is(err, c.want) {
					t.Fatalf("saving: %v", err)
				}
			}
			two.mustSync()
			r := d.record(rec(1))
			if c.want == nil && (r.Deleted || values(r, "text") != "edited@2:1 ") {
				t.Errorf("an edit that did not know of the deletion: %+v", r)
			}
			if c.want != nil && !r.Collected {
				t.Errorf("not collected: %+v", r)
			}
		})
	}
}

// A device that sees a quiet scope only holds nobody up, and is not sent all of it anew each time the rest was collected.
func TestAQuietScopeHoldsNobodyUp(t *testing.T) {
	d := newDesk(t)
	d.publish(fact(1, "lab.general", "quiet"))
	d.sights["b"] = replica.Sight{Now: replica.Scopes{"lab.general"}}
	one, proxy := d.phone("a"), d.phone("b")
	proxy.mustSync()
	for n := range 3 {
		one.create(rec(n+11), "text")
		one.mustSync()
		one.erase(rec(n + 11))
		d.weeks(one, proxy)
		if out := d.collect(); out.Emptied != 1 {
			t.Fatalf("round %d: %+v", n, out)
		}
		lines := proxy.answer(must(proxy.ask()))
		if len(lines) != 2 {
			t.Errorf("round %d: the proxy is sent %d lines", n, len(lines))
		}
	}
	// A second device of the same person comes later: its cursor is older than the last collection from the beginning.
	d.sights["c"] = d.sights["b"]
	late := d.phone("c")
	late.mustSync()
	if lines := late.answer(must(late.ask())); len(lines) != 2 {
		t.Errorf("a late device is sent %d lines again", len(lines))
	}
}

// Between two pages of a first sync the cursor is older than what was forgotten before it began, and that is no reason to begin
// again. What is forgotten while it lasts is one.
func TestAFirstSyncBesideACollection(t *testing.T) {
	d := newDesk(t)
	d.server.PageRows = 2
	for n := range 6 {
		d.publish(fact(n+1, "lab.general", "text"))
	}
	withdraw := func(n int) {
		d.must(d.book.Update(func(l replica.Ledger) error {
			_, err := d.server.Withdraw(l, []string{rec(n)})
			return err
		}))
	}
	withdraw(6)
	if out := d.collect(); out.Emptied != 1 {
		t.Fatalf("with no device at all: %+v", out)
	}
	a := d.enrol("a")
	page := d.pull("a", wire.PullCard{Card: cardID, Actor: a})
	if page = d.pull("a", page.Ask); page.Lines[0].Card.Resync {
		t.Error("a first sync begins again, and always will")
	}
	withdraw(1) // which was sent
	d.pass(100)
	if out := d.collect(); out.Retired != 1 || out.Emptied != 1 {
		t.Fatalf("%+v", out)
	}
	page.Ask.Actor = d.enrol("a")
	if page = d.pull("a", page.Ask); !page.Lines[0].Card.Resync {
		t.Error("nobody tells the device that a record went")
	}
}

func TestClocksForgetRetiredActors(t *testing.T) {
	d := newDesk(t)
	d.server.CollectRows = 3
	one, two := d.phone("a"), d.phone("b")
	for n := range 8 {
		one.create(rec(n+1), "by one")
	}
	one.mustSync()
	two.mustSync()
	for n := range 8 {
		draft, _ := two.open(rec(n + 1))
		two.save(draft, "value", "by two")
	}
	two.mustSync()
	for range 14 {
		d.weeks(one) // two is lost
	}
	if out := d.collect(); out.Retired != 1 || out.Pruned != 8 {
		t.Fatalf("%+v", out)
	}
	one.mustSync()
	for n := range 8 {
		r := d.record(rec(n + 1))
		if r.VV.String() != "1:1" || values(r, "value") != "by two@2:1 " {
			t.Errorf("%s %s", r.VV, values(r, "value"))
		}
		if s, err := one.Screen(rec(n + 1)); err != nil || s.Atoms["value"].Dot != (vclock.Dot{Actor: 2, N: 1}) {
			t.Errorf("the phone: %+v, %v", s, err)
		}
	}
	// What stands there is seen, though the clock says nothing of it any more.
	one.erase(rec(1))
	d.publish(replica.Fact{ID: rec(2), Kind: "comment", Scope: "note.general", Atoms: map[string]json.RawMessage{"text": quote("by the clinic")}})
	one.erase(rec(2))
	one.mustSync()
	if !d.record(rec(1)).Deleted || d.record(rec(2)).Deleted {
		t.Errorf("deleted: what was seen %v, what was not %v", d.record(rec(1)).Deleted, d.record(rec(2)).Deleted)
	}
	if out := d.collect(); out != (replica.Collected{}) {
		t.Errorf("and again %+v", out)
	}
}

// A restored backup may be older than the silence of all its devices.
func TestARestoreRetiresNobody(t *testing.T) {
	d := newDesk(t)
	d.enrol("a")
	d.now = d.now.Add(200 * 24 * time.Hour)
	d.must(d.book.Update(func(l replica.Ledger) error { return d.server.Restored(l, d.now) }))
	if out := d.collect(); out.Retired != 0 {
		t.Errorf("%+v", out)
	}
}

// A phone that was retired, cloned or restored sends again what the server has under another number. Of a record that was deleted
// since, by who had seen it, that brings nothing back; news does.
func TestWhatComesAgainBringsNothingBack(t *testing.T) {
	d := newDesk(t)
	a, b, again := d.enrol("a"), d.enrol("b"), d.enrol("b2")
	d.one("a", a, edit(1, wire.OpCreate, rec(1), "one", nil))
	ctx := vclock.Clock{{Actor: a, N: 1}}
	d.one("b", b, edit(1, wire.OpPatch, rec(1), "two", ctx, vclock.Dot{Actor: a, N: 1}))
	d.one("a", a, edit(2, wire.OpDelete, rec(1), "", vclock.Clock{{Actor: a, N: 1}, {Actor: b, N: 1}}))
	if r := d.one("b2", again, edit(1, wire.OpPatch, rec(1), "two", ctx, vclock.Dot{Actor: a, N: 1})); r.Outcome != wire.Accepted || !d.record(rec(1)).Deleted {
		t.Errorf("%+v, %+v", r, d.record(rec(1)))
	}
	if r := d.one("b2", again, edit(2, wire.OpPatch, rec(1), "three", ctx, vclock.Dot{Actor: a, N: 1})); r.Outcome != wire.Conflict || d.record(rec(1)).Deleted {
		t.Errorf("%+v, %+v", r, d.record(rec(1)))
	}
}
