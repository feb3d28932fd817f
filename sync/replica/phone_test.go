package replica_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/simnet"
	"github.com/medcard/medcard/sync/wire"
)

func TestTwoPhonesOneComment(t *testing.T) {
	d := newDesk(t)
	one, two := d.phone("a"), d.phone("b")
	one.create(rec(1), "first")
	if got := one.sees(rec(1)); got != "first" {
		t.Fatalf("offline the writer sees %q", got)
	}
	one.mustSync()
	two.mustSync()

	d.now = d.now.Add(time.Minute)
	a, _ := one.open(rec(1))
	one.save(a, "text", "from one")
	d.now = d.now.Add(time.Minute)
	b, _ := two.open(rec(1))
	two.save(b, "text", "from two")
	one.mustSync()
	two.mustSync()
	one.mustSync()
	for _, h := range []*handset{one, two} {
		if got := h.sees(rec(1)); got != "from two [from one]" {
			t.Errorf("%s sees %q", h.device, got)
		}
	}
	c, screen := one.open(rec(1))
	if !screen.Conflicted() {
		t.Error("no conflict on the screen")
	}
	_, err := one.Resolve(c, map[string]json.RawMessage{"text": quote("both")})
	d.must(err)
	if got := one.sees(rec(1)); got != "both" {
		t.Errorf("before it is sent, the resolver sees %q", got)
	}
	one.mustSync()
	two.mustSync()
	for _, h := range []*handset{one, two} {
		if got := h.sees(rec(1)); got != "both" {
			t.Errorf("%s sees %q", h.device, got)
		}
	}
}

// The trap of traps: a pull between opening and saving must not make the writer have seen what it brought.
func TestAPullWhileTheEditorIsOpen(t *testing.T) {
	d := newDesk(t)
	one, two := d.phone("a"), d.phone("b")
	one.create(rec(1), "first")
	one.mustSync()
	two.mustSync()
	draft, _ := one.open(rec(1))
	b, _ := two.open(rec(1))
	two.save(b, "text", "unseen")
	two.mustSync()
	one.mustSync() // brings "unseen" into the base; the editor still shows "first"
	item := one.save(draft, "text", "mine")
	if item.Mutation.At == "" || len(item.Mutation.Atoms["text"].Seen) != 1 {
		t.Errorf("saved as %+v", item.Mutation)
	}
	if got := one.sees(rec(1)); got != "mine [unseen]" {
		t.Errorf("before it is sent: %q", got)
	}
	one.mustSync()
	if got := d.record(rec(1)); values(got, "text") != "mine@1:2 unseen@2:1 " {
		t.Errorf("the server holds %s", values(got, "text"))
	}
}

// An edit on top of one that waits, while the base moves below both: only what was seen is replaced.
func TestEditsOnEdits(t *testing.T) {
	d := newDesk(t)
	one, two := d.phone("a"), d.phone("b")
	one.create(rec(1), "first")
	one.mustSync()
	two.mustSync()
	a, _ := one.open(rec(1))
	one.save(a, "text", "second")
	a, _ = one.open(rec(1))
	one.save(a, "text", "third")
	b, _ := two.open(rec(1))
	two.save(b, "text", "other")
	two.mustSync()

	// The push is applied, its answer is lost; then a mere pull brings one's own edits back as rows.
	x, err := one.Exchange(100)
	d.must(err)
	one.answer(x.Request())
	x.Close()
	if got := one.sees(rec(1)); got != "third" {
		t.Errorf("after the lost answer: %q", got)
	}
	x, err = one.Exchange(0)
	d.must(err)
	for _, line := range one.answer(x.Request()) {
		d.must(x.Line(line))
	}
	x.Close()
	if got := one.sees(rec(1)); got != "third [other]" {
		t.Errorf("own edits come back: %q", got)
	}
	a, _ = one.open(rec(1))
	one.save(a, "text", "fourth")
	one.mustSync()
	if got := values(d.record(rec(1)), "text"); got != "fourth@1:4 other@2:1 " {
		t.Errorf("the server holds %s", got)
	}
}

func TestTwoEditorsOnOnePhone(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	one.create(rec(1), "first")
	one.mustSync()
	a, _ := one.open(rec(1))
	b, _ := one.open(rec(1))
	other, _ := one.open(rec(1))
	one.save(a, "text", "second")
	for _, sync := range []bool{false, true} {
		if sync {
			one.mustSync()
		}
		if _, err := one.Save(b, map[string]json.RawMessage{"text": quote("blind")}); !errors.Is(err, replica.ErrOutdated) {
			t.Errorf("synced %v: the second editor saved over the first: %v", sync, err)
		}
		if _, err := one.Delete(b); !errors.Is(err, replica.ErrOutdated) {
			t.Errorf("synced %v: the second editor deleted what the first wrote: %v", sync, err)
		}
	}
	one.save(other, "value", "elsewhere") // another atom is another matter
	d.now = d.now.AddDate(0, 1, 0)
	if _, err := one.Save(other, map[string]json.RawMessage{"value": quote("x")}); !errors.Is(err, replica.ErrOutdated) {
		t.Errorf("an editor that was open for a month: %v", err)
	}
	if _, err := one.Save(replica.Draft{ID: rec(1), Opened: d.now}, map[string]json.RawMessage{"text": json.RawMessage(`{`)}); err == nil {
		t.Error("a value that is not JSON was saved")
	}
}

// However an answer is cut, it is applied page by page or not at all, and the next exchange brings the rest.
func TestAnAnswerCutAnywhere(t *testing.T) {
	for cut := 0; ; cut++ {
		d := newDesk(t)
		d.server.PageRows = 2
		one := d.phone("a")
		for n := range 5 {
			d.publish(fact(n+10, "lab.general", fmt.Sprint("v", n)))
		}
		one.create(rec(1), "mine")
		x, err := one.Exchange(100)
		d.must(err)
		lines := one.answer(x.Request())
		if cut > len(lines) {
			return
		}
		ends := 0
		for _, line := range lines[:cut] {
			d.must(x.Line(line))
			if line.End != nil {
				ends++
			}
		}
		x.Close()
		meta, _ := one.Meta()
		rows := 0
		for n := range 5 {
			if one.sees(rec(n+10)) != replica.ErrUnknown.Error() {
				rows++
			}
		}
		if want := min(2*ends, 5); rows != want || (meta.Cursor == "") != (ends == 0) || (meta.At == "") != (ends < 3) {
			t.Errorf("cut after %d lines with %d ends: %d rows, meta %+v", cut, ends, rows, meta)
		}
		if got := one.sees(rec(1)); got != "mine" {
			t.Errorf("cut after %d: the writer sees %q", cut, got)
		}
		one.mustSync()
		if open, _ := one.Rejected(); len(open) > 0 || d.record(rec(1)).VV.String() != "1:1" {
			t.Errorf("cut after %d: %v, %s", cut, open, d.record(rec(1)).VV)
		}
	}
}

func TestOneExchangeAtATime(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	x, err := one.Exchange(1)
	d.must(err)
	if _, err := one.Exchange(1); !errors.Is(err, replica.ErrBusy) {
		t.Errorf("a second exchange: %v", err)
	}
	x.Close()
	x.Close()
	if err := x.Line(wire.Line{Del: &wire.Del{ID: rec(1)}}); !errors.Is(err, replica.ErrProtocol) {
		t.Errorf("a line after the end: %v", err)
	}
	if err := x.Pushed(wire.PushResponse{}); !errors.Is(err, replica.ErrProtocol) {
		t.Errorf("an answer after the end: %v", err)
	}
	y, err := one.Exchange(1)
	d.must(err)
	defer y.Close()
	for name, line := range map[string]wire.Line{
		"a row before its card": {Row: &wire.Row{ID: rec(1)}},
		"another card":          {Card: &wire.Card{Card: rec(9), Epoch: "e1"}},
	} {
		if err := y.Line(line); !errors.Is(err, replica.ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if fresh := replica.NewPhone(cardID, simnet.NewShelf(), time.Now); true {
		if _, err := fresh.Exchange(1); !errors.Is(err, replica.ErrNotEnrolled) {
			t.Errorf("without an actor: %v", err)
		}
	}
}

func TestWhatTheServerRefusesIsKept(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	d.publish(fact(1, "lab.general", "x"))
	one.mustSync()
	draft, _ := one.open(rec(1))
	one.save(draft, "text", "not mine to change")
	one.create(rec(2), "behind it")
	one.mustSync()
	if got := one.sees(rec(1)); got != "x" {
		t.Errorf("a refused edit still shows: %q", got)
	}
	if got := d.record(rec(2)); got.Seq == 0 {
		t.Error("a refused edit blocked the one behind it")
	}
	list, err := one.Rejected()
	d.must(err)
	if len(list) != 1 || list[0].Code != wire.CodeReadOnly || string(list[0].Mutation.Atoms["text"].V) != `"not mine to change"` {
		t.Fatalf("rejected: %+v", list)
	}
	d.must(one.Dismiss(list[0]))
	if list, _ = one.Rejected(); len(list) != 0 {
		t.Error("a dismissed edit is still there")
	}
}

func TestPushAlone(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	one.create(rec(1), "mine")
	x, err := one.Exchange(100)
	d.must(err)
	ask := x.PushRequest("a")
	out, err := d.push("a", ask.Actor, ask.Mutations...)
	d.must(err)
	d.must(x.Pushed(wire.PushResponse{LMID: out.LMID, Results: out.Results}))
	x.Close()
	if got := one.sees(rec(1)); got != "mine" {
		t.Errorf("between push and pull the writer sees %q", got)
	}
	if meta, _ := one.Meta(); meta.Acked != 1 {
		t.Errorf("acked %d", meta.Acked)
	}
	one.mustSync()
	if screen, err := one.Screen(rec(1)); err != nil || screen.Pending {
		t.Errorf("%+v, %v", screen, err)
	}
}

// A phone that was restored from an old backup, or cloned, must not write under its old numbers.
func TestAForkedPhoneGoesOnUnderAFreshActor(t *testing.T) {
	for _, pending := range []bool{true, false} {
		d := newDesk(t)
		one := d.phone("a")
		one.create(rec(1), "first")
		one.mustSync()
		old := one.shelf.Copy()
		draft, _ := one.open(rec(1))
		one.save(draft, "text", "on the first")
		one.mustSync()

		clone := &handset{desk: d, device: "a", shelf: old}
		clone.boot()
		if pending {
			draft, _ = clone.open(rec(1))
			clone.save(draft, "text", "on the clone")
		}
		err := clone.sync()
		if pending && !errors.Is(err, replica.ErrNotEnrolled) {
			t.Fatalf("pending %v: %v", pending, err)
		}
		if _, needed, _ := clone.Enrolment(); !needed {
			t.Fatalf("pending %v: the clone does not notice", pending)
		}
		clone.enrol()
		clone.mustSync()
		one.mustSync()
		want := map[bool]string{true: "on the clone [on the first]", false: "on the first"}[pending]
		for _, h := range []*handset{one, clone} {
			if got := h.sees(rec(1)); got != want && got != "on the first [on the clone]" {
				t.Errorf("pending %v: sees %q", pending, got)
			}
		}
	}
}

// A server that was restored from a backup gets again what it lost; until the new base is whole, the old one is read.
func TestARestoredServer(t *testing.T) {
	d := newDesk(t)
	d.server.PageRows = 2
	one, two := d.phone("a"), d.phone("b")
	for n := range 6 {
		d.publish(fact(n+10, "lab.general", fmt.Sprint("v", n)))
	}
	one.create(rec(1), "before")
	one.mustSync()
	two.mustSync()
	backup := d.book.Copy()
	one.create(rec(2), "after")
	draft, _ := one.open(rec(1))
	one.save(draft, "text", "after, too")
	one.mustSync()
	draft, _ = one.open(rec(2))
	one.save(draft, "text", "not sent yet")

	d.restored(backup, "e2")
	x, err := one.Exchange(100)
	d.must(err)
	for i, line := range one.answer(x.Request()) {
		d.must(x.Line(line))
		if i == 3 { // in the middle of the new base
			if got := one.sees(rec(12)); got != "v2" {
				t.Errorf("in the middle of a resync: %q", got)
			}
		}
	}
	x.Close()
	one.mustSync()
	one.mustSync()
	two.mustSync()
	for _, h := range []*handset{one, two} {
		if got := h.sees(rec(2)); got != "not sent yet" && got != "not sent yet [after]" {
			t.Errorf("%s sees %q", h.device, got)
		}
		if got := h.sees(rec(1)); got != "after, too" && got != "after, too [before]" {
			t.Errorf("%s sees %q", h.device, got)
		}
	}
	if meta, _ := one.Meta(); meta.Shadowing || meta.Epoch != "e2" {
		t.Errorf("meta %+v", meta)
	}
}

// Killed at any point of a resync, a phone shows the old base or the new one, never a mix.
func TestAResyncIsOldOrNew(t *testing.T) {
	for cut := 0; ; cut++ {
		d := newDesk(t)
		d.server.PageRows = 1
		one := d.phone("a")
		d.publish(fact(1, "lab.general", "old"), fact(2, "lab.general", "old"))
		one.mustSync()
		d.publish(fact(1, "lab.general", "new"), fact(2, "lab.general", "new"))
		d.restored(d.book.Copy(), "e2")
		x, err := one.Exchange(1)
		d.must(err)
		lines := one.answer(x.Request())
		if cut > len(lines) {
			return
		}
		for _, line := range lines[:cut] {
			d.must(x.Line(line))
		}
		one.boot() // killed
		if a, b := one.sees(rec(1)), one.sees(rec(2)); a != b || (a == "new") != (cut == len(lines)) {
			t.Errorf("killed after %d of %d lines: %q and %q", cut, len(lines), a, b)
		}
		one.mustSync()
		if a, b := one.sees(rec(1)), one.sees(rec(2)); a != "new" || b != "new" {
			t.Errorf("killed after %d of %d lines, then synced: %q and %q", cut, len(lines), a, b)
		}
	}
}

func TestGone(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	one.create(rec(1), "mine")
	one.mustSync()
	x, err := one.Exchange(1)
	d.must(err)
	if err := x.Line(wire.Line{Gone: &wire.Gone{Card: cardID}}); !errors.Is(err, replica.ErrGone) {
		t.Errorf("%v", err)
	}
	x.Close()
	if meta, _ := one.Meta(); meta.Actor != 0 || one.sees(rec(1)) != replica.ErrUnknown.Error() {
		t.Errorf("of a card that is gone there is still %+v and %q", meta, one.sees(rec(1)))
	}
}

func TestAProblemOfTheServer(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	x, err := one.Exchange(1)
	d.must(err)
	defer x.Close()
	var problem *replica.ProblemError
	err = x.Line(wire.Line{Err: &wire.Problem{Code: wire.ProblemUnavailable, RetryAfter: 7}})
	if !errors.As(err, &problem) || problem.RetryAfter != 7 || x.Done() {
		t.Errorf("%v", err)
	}
}

// Edits made before the phone ever spoke to the server are kept and sent.
func TestEditedBeforeTheFirstWord(t *testing.T) {
	d := newDesk(t)
	one := &handset{desk: d, device: "a", shelf: simnet.NewShelf()}
	one.boot()
	one.create(rec(1), "early")
	draft, _ := one.open(rec(1))
	one.save(draft, "text", "still early")
	one.enrol()
	one.mustSync()
	if got := values(d.record(rec(1)), "text"); got != "still early@1:2 " {
		t.Errorf("the server holds %s", got)
	}
}

func TestDeletions(t *testing.T) {
	d := newDesk(t)
	one, two := d.phone("a"), d.phone("b")
	one.create(rec(1), "first")
	one.mustSync()
	two.mustSync()
	draft, _ := one.open(rec(1))
	_, err := one.Delete(draft)
	d.must(err)
	if screen, _ := one.Screen(rec(1)); !screen.Deleted {
		t.Error("a deleted record shows")
	}
	if _, _, err := one.Open(rec(1)); !errors.Is(err, replica.ErrUnknown) {
		t.Errorf("a deleted record opens: %v", err)
	}
	b, _ := two.open(rec(1))
	two.save(b, "text", "saved in time")
	two.mustSync()
	one.mustSync()
	for _, h := range []*handset{one, two} {
		if got := h.sees(rec(1)); got != "saved in time" {
			t.Errorf("%s sees %q: the edit that the deleter had not seen survives", h.device, got)
		}
	}
	draft, _ = one.open(rec(1))
	_, err = one.Delete(draft)
	d.must(err)
	one.mustSync()
	two.mustSync()
	if got := two.sees(rec(1)); got != replica.ErrUnknown.Error() {
		t.Errorf("after the deletion: %q", got)
	}
}
