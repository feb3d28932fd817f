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

func dot(actor uint32, n uint64) vclock.Dot { return vclock.Dot{Actor: actor, N: n} }

func clock(dots ...vclock.Dot) vclock.Clock {
	var c vclock.Clock
	for _, d := range dots {
		c = c.With(d)
	}
	return c
}

// Each case plays edits of devices a (actor 1) and b (actor 2) on one record and tells the last one's result and what the
// record holds then.
func TestHowEditsMeet(t *testing.T) {
	type step struct {
		device string
		m      wire.Mutation
	}
	id := rec(1)
	create := step{"a", edit(1, wire.OpCreate, id, "one", nil)}
	one := clock(dot(1, 1))
	cases := []struct {
		name    string
		steps   []step
		outcome wire.Outcome
		code    string
		holds   string
		deleted bool
	}{
		{"a new record", []step{create}, wire.Accepted, "", "one@1:1 ", false},
		{"an edit of what was seen", []step{create, {"b", edit(1, wire.OpPatch, id, "two", one, dot(1, 1))}},
			wire.Accepted, "", "two@2:1 ", false},
		{"an edit of what was not seen", []step{create, {"b", edit(1, wire.OpPatch, id, "two", nil)}},
			wire.Conflict, wire.CodeSibling, "one@1:1 two@2:1 ", false},
		{"an edit on top of one's own that was still in the outbox", []step{create, {"a", edit(2, wire.OpPatch, id, "two", nil)}},
			wire.Accepted, "", "two@1:2 ", false},
		{"an ordinary edit leaves the sibling that it did not show", []step{create,
			{"b", edit(1, wire.OpPatch, id, "two", nil)},
			{"b", edit(2, wire.OpPatch, id, "three", clock(dot(1, 1), dot(2, 1)), dot(2, 1))}},
			wire.Conflict, wire.CodeSibling, "one@1:1 three@2:2 ", false},
		{"one's own value may be the sibling that was not shown", []step{create,
			{"b", edit(1, wire.OpPatch, id, "two", nil)},
			{"b", edit(2, wire.OpPatch, id, "three", clock(dot(1, 1), dot(2, 1)), dot(1, 1))}},
			wire.Conflict, wire.CodeSibling, "two@2:1 three@2:2 ", false},
		{"a patch may not claim several", []step{create,
			{"b", edit(1, wire.OpPatch, id, "two", nil)},
			{"b", edit(2, wire.OpPatch, id, "three", clock(dot(1, 1), dot(2, 1)), dot(1, 1), dot(2, 1))}},
			wire.Refused, wire.CodeResolveNeeded, "one@1:1 two@2:1 ", false},
		{"a resolve may", []step{create,
			{"b", edit(1, wire.OpPatch, id, "two", nil)},
			{"b", edit(2, wire.OpResolve, id, "three", clock(dot(1, 1), dot(2, 1)), dot(1, 1), dot(2, 1))}},
			wire.Accepted, "", "three@2:2 ", false},
		{"a resolve leaves what came in meanwhile", []step{create,
			{"b", edit(1, wire.OpPatch, id, "two", nil)},
			{"a", edit(2, wire.OpPatch, id, "four", one, dot(1, 1))},
			{"b", edit(2, wire.OpResolve, id, "three", clock(dot(1, 1), dot(2, 1)), dot(1, 1), dot(2, 1))}},
			wire.Conflict, wire.CodeSibling, "four@1:2 three@2:2 ", false},
		{"the same words are no conflict", []step{create, {"b", edit(1, wire.OpPatch, id, "one", nil)}},
			wire.Accepted, "", "one@2:1 ", false},
		{"a record created again is an edit of it", []step{create, {"b", edit(1, wire.OpCreate, id, "two", nil)}},
			wire.Conflict, wire.CodeSibling, "one@1:1 two@2:1 ", false},
		{"a deletion of what was seen", []step{create, {"b", edit(1, wire.OpDelete, id, "", one)}},
			wire.Accepted, "", "one@1:1 ", true},
		{"a deletion without having seen", []step{create, {"b", edit(1, wire.OpDelete, id, "", nil)}},
			wire.Conflict, wire.CodeEditedSince, "one@1:1 ", false},
		{"deleted twice", []step{create, {"b", edit(1, wire.OpDelete, id, "", one)}, {"a", edit(2, wire.OpDelete, id, "", one)}},
			wire.Accepted, "", "one@1:1 ", true},
		{"an edit, then a deletion that had not seen it", []step{create,
			{"a", edit(2, wire.OpPatch, id, "two", one, dot(1, 1))}, {"b", edit(1, wire.OpDelete, id, "", one)}},
			wire.Conflict, wire.CodeEditedSince, "two@1:2 ", false},
		{"the same two the other way round", []step{create,
			{"b", edit(1, wire.OpDelete, id, "", one)}, {"a", edit(2, wire.OpPatch, id, "two", one, dot(1, 1))}},
			wire.Conflict, wire.CodeRevived, "two@1:2 ", false},
		{"an edit by one who knows of the deletion", []step{create,
			{"b", edit(1, wire.OpDelete, id, "", one)}, {"a", edit(2, wire.OpPatch, id, "two", clock(dot(1, 1), dot(2, 1)), dot(1, 1))}},
			wire.Refused, wire.CodeRecordDeleted, "one@1:1 ", true},
		{"an edit after one's own deletion", []step{create,
			{"a", edit(2, wire.OpDelete, id, "", one)}, {"a", edit(3, wire.OpPatch, id, "two", one, dot(1, 1))}},
			wire.Refused, wire.CodeRecordDeleted, "one@1:1 ", true},
		{"an edit of nothing", []step{{"a", edit(1, wire.OpPatch, id, "two", nil)}}, wire.Refused, wire.CodeUnknownRecord, "", false},
		{"an edit of what was collected since", []step{{"a", edit(1, wire.OpPatch, id, "two", one, dot(1, 1))}},
			wire.Refused, wire.CodeRecordDeleted, "", false},
		{"a command to a thing that takes none", []step{create, {"a", edit(2, wire.OpCommand, id, "go", nil)}},
			wire.Refused, wire.CodeWrongOperation, "one@1:1 ", false},
		{"an edit of nothing in it", []step{create, {"a", wire.Mutation{N: 2, Op: wire.OpPatch, ID: id, Kind: "comment"}}},
			wire.Refused, wire.CodeInvalid, "one@1:1 ", false},
		{"a document", []step{{"a", wire.Mutation{N: 1, Op: wire.OpCreate, ID: id, Kind: "document",
			Atoms: map[string]wire.Change{"text": {V: quote("x")}}}}}, wire.Refused, wire.CodeReadOnly, "", false},
		{"a kind from the future", []step{{"a", wire.Mutation{N: 1, Op: wire.OpCreate, ID: id, Kind: "horoscope",
			Atoms: map[string]wire.Change{"text": {V: quote("x")}}}}}, wire.Refused, wire.CodeUnknownKind, "", false},
		{"another kind under a known id", []step{create, {"a", wire.Mutation{N: 2, Op: wire.OpPatch, ID: id, Kind: "measurement",
			Atoms: map[string]wire.Change{"text": {V: quote("x")}}}}}, wire.Refused, wire.CodeUnknownRecord, "one@1:1 ", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			actors := map[string]uint32{"a": d.enrol("a"), "b": d.enrol("b")}
			var last wire.Result
			for _, s := range c.steps {
				last = d.one(s.device, actors[s.device], s.m)
			}
			if last.Outcome != c.outcome || last.Code != c.code {
				t.Errorf("%s %s, want %s %s", last.Outcome, last.Code, c.outcome, c.code)
			}
			r := d.record(id)
			if got := values(r, "text"); got != c.holds || r.Deleted != c.deleted {
				t.Errorf("holds %q (deleted %v), want %q (%v)", got, r.Deleted, c.holds, c.deleted)
			}
		})
	}
}

func TestReplaysAndForks(t *testing.T) {
	d := newDesk(t)
	a := d.enrol("a")
	batch := []wire.Mutation{
		edit(1, wire.OpCreate, rec(1), "one", nil),
		edit(2, wire.OpPatch, rec(2), "lost", nil), // refused: there is no such record
		edit(3, wire.OpPatch, rec(1), "two", nil),
	}
	first, err := d.push("a", a, batch...)
	d.must(err)
	if first.LMID != 3 || first.Results[1].Outcome != wire.Refused || first.Results[2].Outcome != wire.Accepted {
		t.Fatalf("%+v: a refused edit must block nothing behind it", first)
	}
	seq := d.head().Seq

	again, err := d.push("a", a, batch...)
	d.must(err)
	if d.head().Seq != seq || len(again.Changed) != 0 {
		t.Error("a replay moved the card")
	}
	for i := range again.Results {
		if again.Results[i] != first.Results[i] {
			t.Errorf("replay answers %+v, before %+v", again.Results[i], first.Results[i])
		}
	}
	// A replay may carry more than before.
	longer, err := d.push("a", a, append(batch[1:], edit(4, wire.OpPatch, rec(1), "three", nil))...)
	d.must(err)
	if longer.LMID != 4 || len(longer.Results) != 3 || values(d.record(rec(1)), "text") != "three@1:3 " {
		t.Errorf("%+v, %s", longer, values(d.record(rec(1)), "text"))
	}
	for _, c := range []struct {
		name  string
		acked uint64
		list  []wire.Mutation
		err   error
	}{
		{"another payload", 0, []wire.Mutation{edit(4, wire.OpPatch, rec(1), "other", nil)}, replica.ErrForked},
		{"a hole before", 0, []wire.Mutation{edit(6, wire.OpPatch, rec(1), "x", nil)}, replica.ErrHole},
		{"a hole within", 0, []wire.Mutation{edit(5, wire.OpPatch, rec(1), "x", nil), edit(7, wire.OpPatch, rec(1), "x", nil)}, replica.ErrHole},
		{"n of zero", 0, []wire.Mutation{edit(0, wire.OpPatch, rec(1), "x", nil)}, replica.ErrHole},
		{"results acknowledged that were never given", 9, nil, replica.ErrHole},
	} {
		before := d.record(rec(1))
		if _, err := d.pushAcked("a", a, c.acked, c.list...); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
		if after := d.record(rec(1)); values(after, "text") != values(before, "text") {
			t.Errorf("%s changed the record", c.name)
		}
	}
	// Acknowledged results are forgotten, and to ask for them again is to be another installation.
	_, err = d.pushAcked("a", a, 4)
	d.must(err)
	if _, err := d.push("a", a, batch...); !errors.Is(err, replica.ErrForked) {
		t.Errorf("after the acknowledgement: %v", err)
	}
}

func TestWhoMayPush(t *testing.T) {
	d := newDesk(t)
	a := d.enrol("a")
	if again := d.enrol("a"); again != a {
		t.Errorf("a device whose reply was lost got %d, then %d", a, again)
	}
	d.one("a", a, edit(1, wire.OpCreate, rec(1), "one", nil))
	if fresh := d.enrol("a"); fresh == a {
		t.Error("a device that had written under its actor got the same again")
	}
	for name, c := range map[string]struct {
		device string
		actor  uint32
	}{"another device": {"b", a}, "nobody": {"a", 99}, "the server": {"a", vclock.Server}} {
		if _, err := d.push(c.device, c.actor, edit(2, wire.OpPatch, rec(1), "x", nil)); !errors.Is(err, replica.ErrActor) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d.must(d.book.Update(func(l replica.Ledger) error {
		actor, _, _ := l.Actor(a)
		actor.State = replica.Retired
		return l.SaveActor(actor)
	}))
	if _, err := d.push("a", a, edit(2, wire.OpPatch, rec(1), "x", nil)); !errors.Is(err, replica.ErrActor) {
		t.Errorf("a retired actor: %v", err)
	}
	d.epoch = "e0"
	if _, err := d.push("a", d.enrol("a"), edit(1, wire.OpPatch, rec(1), "x", nil)); !errors.Is(err, replica.ErrEpoch) {
		t.Errorf("another epoch: %v", err)
	}
}

// Two records, one hidden and one that does not exist, must look alike to whoever may not see the first.
func TestAHiddenRecordLooksLikeNone(t *testing.T) {
	d := newDesk(t)
	a, b := d.enrol("a"), d.enrol("b")
	d.one("a", a, edit(1, wire.OpCreate, rec(1), "one", nil))
	vitals := replica.Scopes{"vitals.general"}
	d.sights["b"] = replica.Sight{Now: vitals, Since: span(vitals, vitals, vitals)}
	n := uint64(0)
	for _, op := range []wire.Op{wire.OpPatch, wire.OpResolve, wire.OpDelete} {
		for _, ctx := range []vclock.Clock{nil, clock(dot(1, 1))} {
			n++
			hidden := d.one("b", b, edit(n, op, rec(1), "x", ctx))
			n++
			none := d.one("b", b, edit(n, op, rec(2), "x", ctx))
			if hidden.Outcome != none.Outcome || hidden.Code != none.Code {
				t.Errorf("%s with %q: hidden %s, none %s", op, ctx, hidden.Code, none.Code)
			}
		}
	}
	// Of what it once saw it is told that this ended.
	d.sights["b"] = replica.Sight{Now: vitals, Since: span(vitals, vitals, replica.Scopes{"vitals.general", "note.general"})}
	if r := d.one("b", b, edit(n+1, wire.OpPatch, rec(1), "x", clock(dot(1, 1)), dot(1, 1))); r.Code != wire.CodeAccessEnded {
		t.Errorf("after access ended: %+v", r)
	}
	if r := d.one("b", b, edit(n+2, wire.OpCreate, rec(3), "x", nil)); r.Code != wire.CodeAccessEnded {
		t.Errorf("a new record where one may not write: %+v", r)
	}
}

// An At of another epoch says nothing: dots may mean other writes there. Then everything is concurrent, nothing is lost.
func TestATokenOfAnotherEpochProvesNothing(t *testing.T) {
	d := newDesk(t)
	a, b := d.enrol("a"), d.enrol("b")
	d.one("a", a, edit(1, wire.OpCreate, rec(1), "one", nil))
	m := edit(1, wire.OpPatch, rec(1), "two", clock(dot(1, 1)), dot(1, 1))
	m.At = replica.NewBlockSealer(make([]byte, 32), cardID, "b", "e0").Seal(100)
	if r := d.one("b", b, m); r.Code != wire.CodeSibling {
		t.Errorf("%+v", r)
	}
	del := edit(2, wire.OpDelete, rec(1), "", clock(dot(1, 1), dot(2, 1)))
	del.At = m.At
	if r := d.one("b", b, del); r.Code != wire.CodeEditedSince {
		t.Errorf("%+v", r)
	}
}

func TestRulesOfAKind(t *testing.T) {
	d := newDesk(t)
	d.server.Rules["measurement"] = replica.Rule{Policy: replica.Siblings, Scope: "vitals.general",
		Check: func(atoms map[string]json.RawMessage) string {
			if string(atoms["text"]) == `"bad"` {
				return wire.CodeInvalid
			}
			return ""
		},
		Date: func(map[string]json.RawMessage) time.Time { return noon.Add(-time.Hour) },
	}
	d.server.Rules["request"] = replica.Rule{Policy: replica.Command, Scope: "visit.general",
		Command: func(current, asked map[string]json.RawMessage) (map[string]json.RawMessage, string) {
			if unquote(current["state"]) == "closed" {
				return nil, "closed"
			}
			return map[string]json.RawMessage{"state": asked["text"]}, ""
		}}
	a := d.enrol("a")
	measure := func(n uint64, value string) wire.Mutation {
		m := edit(n, wire.OpCreate, rec(1), value, nil)
		m.Kind = "measurement"
		return m
	}
	if r := d.one("a", a, measure(1, "bad")); r.Outcome != wire.Refused || r.Code != wire.CodeInvalid {
		t.Errorf("%+v", r)
	}
	d.one("a", a, measure(2, "good"))
	if r := d.record(rec(1)); !r.Date.Equal(noon.Add(-time.Hour)) || r.Scope != "vitals.general" {
		t.Errorf("%+v", r)
	}
	for n, c := range []struct {
		op    wire.Op
		value string
		want  string
	}{{wire.OpCreate, "open", ""}, {wire.OpPatch, "closed", wire.CodeWrongOperation}, {wire.OpCommand, "closed", ""}, {wire.OpCommand, "open", "closed"}} {
		m := edit(uint64(n)+3, c.op, rec(2), c.value, nil)
		m.Kind = "request"
		if r := d.one("a", a, m); r.Code != c.want {
			t.Errorf("%s %s: %+v", c.op, c.value, r)
		}
	}
	if got := values(d.record(rec(2)), "state"); got != "closed@1:2 " {
		t.Errorf("request holds %s", got)
	}
}

func TestAPhoneFromTheFutureIsNotNewestForEver(t *testing.T) {
	d := newDesk(t)
	a := d.enrol("a")
	m := edit(1, wire.OpCreate, rec(1), "one", nil)
	m.HLC = vclock.At(noon.AddDate(10, 0, 0))
	d.one("a", a, m)
	if r := d.record(rec(1)); r.Atoms["text"][0].HLC.Time().After(noon.Add(time.Minute)) || r.Date.After(noon.Add(time.Minute)) {
		t.Errorf("stamped %v, dated %v", r.Atoms["text"][0].HLC.Time(), r.Date)
	}
}

// Who may look need not be one who may write, and who may add not one who may change.
func TestWhoMayLookAndNotWrite(t *testing.T) {
	d := newDesk(t)
	a, b := d.enrol("a"), d.enrol("b")
	d.one("a", a, edit(1, wire.OpCreate, rec(1), "one", nil))
	all := replica.Scopes{"*"}
	n := uint64(0)
	for _, c := range []struct {
		name              string
		closed, fixed     replica.Scopes
		adds, changes, re bool // re: sends again what it added
	}{
		{"a reader", all, all, false, false, false},
		{"who may add", nil, all, true, false, true},
		{"who may change", all, nil, false, true, false},
		{"who may both", nil, nil, true, true, true},
	} {
		d.sights["b"] = replica.Sight{Now: all, Closed: c.closed, Fixed: c.fixed}
		try := func(what string, allowed bool, m wire.Mutation) {
			t.Helper()
			r := d.one("b", b, m)
			if refused := r.Outcome == wire.Refused && r.Code == wire.CodeReadOnly; refused == allowed {
				t.Errorf("%s, %s: %+v", c.name, what, r)
			}
		}
		fresh := rec(int(10 + n))
		try("adds", c.adds, edit(n+1, wire.OpCreate, fresh, "new", nil))
		if c.re {
			try("adds again", true, edit(n+2, wire.OpCreate, fresh, "new", nil))
		} else {
			try("adds another", c.adds, edit(n+2, wire.OpCreate, rec(int(20+n)), "new", nil))
		}
		try("changes", c.changes, edit(n+3, wire.OpPatch, rec(1), "x", clock(dot(1, 1)), dot(1, 1)))
		n += 3
	}
}
