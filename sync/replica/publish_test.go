package replica_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

func TestPublish(t *testing.T) {
	d := newDesk(t)
	first := fact(1, "lab.general", "x")
	first.Date = noon.Add(123 * time.Nanosecond) // finer than databases keep
	if got := d.publish(first); got[0] != replica.Created {
		t.Errorf("new: %s", got)
	}
	seq := d.head().Seq
	if got := d.publish(first, first); got[0] != replica.Same || got[1] != replica.Same || d.head().Seq != seq {
		t.Errorf("the same again: %s, and the card went from %d to %d", got, seq, d.head().Seq)
	}
	second := fact(1, "lab.general", "x")
	second.Atoms = map[string]json.RawMessage{"text": quote("y")}
	if got := d.publish(second, fact(2, "lab.general", "n"), first); got[0] != replica.Changed || got[1] != replica.Created || got[2] != replica.Changed {
		t.Errorf("changed, new, changed back: %s", got)
	}
	if got := values(d.record(rec(1)), "text"); got != "x@0:3 " {
		t.Errorf("holds %s", got)
	}
	d.publish(second)
	if got := d.record(rec(1)).Atoms["value"]; len(got) != 1 || string(got[0].Value) != "null" {
		t.Errorf("an atom that the new fact lacks holds %v", got)
	}
	moved := second
	moved.Scope = "lab.psychiatric"
	if got := d.publish(moved); got[0] != replica.Changed || d.record(rec(1)).Scope != "lab.psychiatric" {
		t.Errorf("moved: %s", got)
	}
	for _, v := range d.record(rec(1)).Atoms {
		if v[0].Seq != d.head().Seq {
			t.Error("a record that moved must travel whole")
		}
	}
}

// What the server writes stands beside what a person wrote: it has read his words no more than another phone has.
func TestPublishingOnWhatPeopleWrite(t *testing.T) {
	d := newDesk(t)
	a := d.enrol("a")
	d.one("a", a, edit(1, wire.OpCreate, rec(1), "mine", nil))
	comment := replica.Fact{ID: rec(1), Kind: "comment", Scope: "note.general", Date: noon, Atoms: map[string]json.RawMessage{"text": quote("clinic's")}}
	d.publish(comment)
	if got := values(d.record(rec(1)), "text"); got != "clinic's@0:1 mine@1:1 " {
		t.Errorf("holds %s", got)
	}
	comment.Atoms = map[string]json.RawMessage{"text": quote("clinic's second")}
	d.publish(comment)
	if got := values(d.record(rec(1)), "text"); got != "clinic's second@0:2 mine@1:1 " {
		t.Errorf("holds %s", got)
	}
	if got := d.publish(comment); got[0] != replica.Same {
		t.Errorf("again: %s", got)
	}
}

func TestSealer(t *testing.T) {
	seal := replica.NewBlockSealer(make([]byte, 32), "card", "device", "e1")
	seen := map[string]bool{}
	for _, seq := range []uint64{0, 1, 2, 1 << 40, 1<<64 - 1} {
		token := seal.Seal(seq)
		if got, err := seal.Open(token); err != nil || got != seq {
			t.Errorf("%d came back as %d, %v", seq, got, err)
		}
		if len(token) != 22 || seen[token] || seal.Seal(seq) != token {
			t.Errorf("%d seals to %q", seq, token)
		}
		seen[token] = true
		for i := range token { // every character counts
			for _, c := range []byte("Aa0_") {
				if bad := token[:i] + string(c) + token[i+1:]; bad != token {
					if _, err := seal.Open(bad); err == nil {
						t.Errorf("%q was opened for %q", bad, token)
					}
				}
			}
		}
		for _, other := range []replica.Sealer{
			replica.NewBlockSealer(make([]byte, 32), "card", "device", "e2"), replica.NewBlockSealer(make([]byte, 32), "card", "devicf", "e1"),
			replica.NewBlockSealer(make([]byte, 32), "carddevice", "", "e1"), replica.NewBlockSealer([]byte{1}, "card", "device", "e1"),
		} {
			if _, err := other.Open(token); err == nil {
				t.Errorf("a token of %d was opened by another sealer", seq)
			}
		}
	}
	for _, bad := range []string{"", "A", seal.Seal(1) + "A", " " + seal.Seal(1)[1:]} {
		if _, err := seal.Open(bad); err == nil {
			t.Errorf("%q was opened", bad)
		}
	}
}

func TestScopes(t *testing.T) {
	for _, c := range []struct {
		set   replica.Scopes
		scope string
		want  bool
	}{
		{nil, "lab.general", false}, {replica.Scopes{"*"}, "lab.general", true}, {replica.Scopes{"lab.general"}, "lab.general", true},
		{replica.Scopes{"lab.general"}, "lab.psychiatric", false}, {replica.Scopes{"lab.*"}, "lab.psychiatric", true},
		{replica.Scopes{"lab.*"}, "labour.general", false}, {replica.Scopes{"lab*"}, "lab.general", false}, {replica.Scopes{".*"}, "lab.general", false},
		{replica.Scopes{"rx.general"}, "rx.general.current", true}, {replica.Scopes{"rx.*"}, "rx.general.current", true},
		{replica.Scopes{"rx.general.current"}, "rx.general", false}, {replica.Scopes{"rx.general"}, "rx.generally", false},
	} {
		if got := c.set.Holds(c.scope); got != c.want {
			t.Errorf("%q holds %q: %v", c.set, c.scope, got)
		}
	}
	a, b := replica.Sight{Now: replica.Scopes{"a", "b"}}, replica.Sight{Now: replica.Scopes{"b", "a"}}
	if a.View() != b.View() || a.View() == (replica.Sight{Now: replica.Scopes{"a"}}).View() {
		t.Error("a view is the set, not its order")
	}
}
