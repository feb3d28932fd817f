package replica_test

import (
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// stamped gives a mutation the stamp that its phone gave it.
func stamped(m wire.Mutation, seconds int) wire.Mutation {
	m.HLC = vclock.At(noon.Add(time.Duration(seconds) * time.Second))
	return m
}

// A phone that was cloned, restored or retired sends under a fresh actor what the server has judged before and somebody replaced since.
// That is no conflict: whoever replaced it had seen it. What nobody knows yet still is one.
func TestWhatWasReplacedComesAgainAndIsNoConflict(t *testing.T) {
	for name, together := range map[string]bool{"one push each": false, "all in one push": true} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			a, b := d.enrol("a"), d.enrol("b")
			mine := func(n uint64) wire.Mutation { // what the phone's own edits were, whatever number they get
				m := edit(n, wire.OpPatch, rec(1), []string{"", "", "first", "second"}[n], vclock.Clock{{Actor: a, N: 1}}, vclock.Dot{Actor: a, N: 1})
				return stamped(m, int(n))
			}
			d.one("a", a, stamped(edit(1, wire.OpCreate, rec(1), "start", nil), 1))
			if together {
				d.must(second(d.push("a", a, mine(2), mine(3))))
			} else {
				d.one("a", a, mine(2))
				d.one("a", a, mine(3))
			}
			d.one("b", b, stamped(edit(1, wire.OpPatch, rec(1), "by b", vclock.Clock{{Actor: a, N: 3}}, vclock.Dot{Actor: a, N: 3}), 4))
			before := d.record(rec(1))

			fresh := d.enrol("a2")
			again := []wire.Mutation{mine(2), mine(3)}
			again[0].N, again[1].N = 1, 2
			out, err := d.push("a2", fresh, again...)
			d.must(err)
			for _, r := range out.Results {
				if r.Outcome != wire.Accepted {
					t.Errorf("it came again and is %+v", r)
				}
			}
			if r := d.record(rec(1)); r.Seq != before.Seq || values(r, "text") != "by b@2:1 " {
				t.Errorf("%s", values(r, "text"))
			}
			news := stamped(edit(3, wire.OpPatch, rec(1), "first", vclock.Clock{{Actor: a, N: 1}}, vclock.Dot{Actor: a, N: 1}), 9)
			if r := d.oneMore("a2", fresh, again, news); r.Code != wire.CodeSibling {
				t.Errorf("the same words, written anew, are %+v", r)
			}
		})
	}
}

// Of a record that was deleted since nothing comes back either, and of an edit that was replaced in part, the part that stands is
// kept once.
func TestWhatComesAgainInPartStandsOnce(t *testing.T) {
	d := newDesk(t)
	a, b := d.enrol("a"), d.enrol("b")
	d.one("a", a, stamped(edit(1, wire.OpCreate, rec(1), "start", nil), 1))
	both := stamped(edit(2, wire.OpPatch, rec(1), "text", vclock.Clock{{Actor: a, N: 1}}, vclock.Dot{Actor: a, N: 1}), 2)
	both.Atoms["value"] = wire.Change{V: quote("value")}
	d.one("a", a, both)
	seen := vclock.Clock{{Actor: a, N: 2}}
	d.one("b", b, stamped(edit(1, wire.OpPatch, rec(1), "by b", seen, vclock.Dot{Actor: a, N: 2}), 3))

	fresh := d.enrol("a2")
	both.N = 1
	r := d.one("a2", fresh, both)
	if now := d.record(rec(1)); r.Outcome != wire.Accepted || values(now, "text") != "by b@2:1 " || values(now, "value") != "value@3:1 " {
		t.Errorf("%+v: %s and %s", r, values(now, "text"), values(now, "value"))
	}
	d.one("b", b, stamped(edit(2, wire.OpDelete, rec(1), "", vclock.Clock{{Actor: a, N: 2}, {Actor: b, N: 1}, {Actor: fresh, N: 1}}), 4))
	other := d.enrol("a3")
	if r := d.one("a3", other, both); r.Outcome != wire.Accepted || !d.record(rec(1)).Deleted {
		t.Errorf("%+v, deleted: %v", r, d.record(rec(1)).Deleted)
	}
}

// An edit without a stamp is never taken for one that was there before: it may be the same word, written anew.
func TestWithoutAStampNothingComesAgain(t *testing.T) {
	d := newDesk(t)
	a, b := d.enrol("a"), d.enrol("b")
	plain := func(n uint64, value string, ctx vclock.Clock, seen ...vclock.Dot) wire.Mutation {
		m := edit(n, wire.OpPatch, rec(1), value, ctx, seen...)
		m.HLC = 0
		return m
	}
	start := vclock.Clock{{Actor: a, N: 1}}
	d.one("a", a, edit(1, wire.OpCreate, rec(1), "start", nil))
	d.one("a", a, plain(2, "yes", start, vclock.Dot{Actor: a, N: 1}))
	d.one("a", a, plain(3, "no", vclock.Clock{{Actor: a, N: 2}}, vclock.Dot{Actor: a, N: 2}))
	if r := d.one("b", b, plain(1, "yes", start, vclock.Dot{Actor: a, N: 1})); r.Code != wire.CodeSibling {
		t.Errorf("%+v: %s", r, values(d.record(rec(1)), "text"))
	}
}

func second[T any](_ T, err error) error { return err }

// oneMore sends a mutation after others that were sent before, and returns its result.
func (d *desk) oneMore(device string, actor uint32, before []wire.Mutation, m wire.Mutation) wire.Result {
	d.t.Helper()
	out, err := d.push(device, actor, append(slices.Clone(before), m)...)
	d.must(err)
	return out.Results[len(before)]
}
