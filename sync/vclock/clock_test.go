package vclock_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/medcard/medcard/sync/vclock"
	"pgregory.net/rapid"
)

// clocks draws small clocks over few actors, so that they meet often.
func clocks() *rapid.Generator[vclock.Clock] {
	return rapid.Custom(func(t *rapid.T) vclock.Clock {
		var c vclock.Clock
		for actor := range uint32(5) {
			if n := rapid.Uint64Range(0, 4).Draw(t, "n"); n > 0 {
				c = c.With(vclock.Dot{Actor: actor, N: n})
			}
		}
		return c
	})
}

func dots() *rapid.Generator[vclock.Dot] {
	return rapid.Custom(func(t *rapid.T) vclock.Dot {
		return vclock.Dot{Actor: rapid.Uint32Range(0, 5).Draw(t, "actor"), N: rapid.Uint64Range(1, 5).Draw(t, "n")}
	})
}

func equal(a, b vclock.Clock) bool { return slices.Equal(a, b) }

func TestMergeIsALattice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := clocks().Draw(t, "a"), clocks().Draw(t, "b"), clocks().Draw(t, "c")
		before := a.String() + "|" + b.String()
		switch {
		case !equal(a.Merge(b), b.Merge(a)):
			t.Fatal("not commutative")
		case !equal(a.Merge(b).Merge(c), a.Merge(b.Merge(c))):
			t.Fatal("not associative")
		case !equal(a.Merge(a), a):
			t.Fatal("not idempotent")
		case !a.Merge(b).Dominates(a) || !a.Merge(b).Dominates(b):
			t.Fatal("not an upper bound")
		case c.Dominates(a) && c.Dominates(b) && !c.Dominates(a.Merge(b)):
			t.Fatal("not the least one")
		case a.String()+"|"+b.String() != before:
			t.Fatal("wrote into what it was given")
		}
	})
}

func TestCompareIsAPartialOrder(t *testing.T) {
	opposite := map[vclock.Ordering]vclock.Ordering{
		vclock.Equal: vclock.Equal, vclock.Before: vclock.After, vclock.After: vclock.Before, vclock.Concurrent: vclock.Concurrent,
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := clocks().Draw(t, "a"), clocks().Draw(t, "b"), clocks().Draw(t, "c")
		if b.Compare(a) != opposite[a.Compare(b)] {
			t.Fatalf("%v is %v to %v, but the other way round %v", a, a.Compare(b), b, b.Compare(a))
		}
		if (a.Compare(b) == vclock.Equal) != equal(a, b) {
			t.Fatal("Equal and equality differ")
		}
		if a.Dominates(b) && b.Dominates(c) && !a.Dominates(c) {
			t.Fatal("not transitive")
		}
		// The definition: a clock is the set of dots that it covers.
		var less, more bool
		for actor := range uint32(6) {
			less = less || a.Get(actor) < b.Get(actor)
			more = more || a.Get(actor) > b.Get(actor)
		}
		want := map[[2]bool]vclock.Ordering{
			{false, false}: vclock.Equal, {true, false}: vclock.Before, {false, true}: vclock.After, {true, true}: vclock.Concurrent,
		}[[2]bool{less, more}]
		if got := a.Compare(b); got != want {
			t.Fatalf("%v to %v: %v, want %v", a, b, got, want)
		}
	})
}

func TestWithCoversExactlyOneMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, d, e := clocks().Draw(t, "c"), dots().Draw(t, "d"), dots().Draw(t, "e")
		next := c.Next(d.Actor)
		with := c.With(next)
		switch {
		case c.Covers(next), !with.Covers(next):
			t.Fatal("Next is not new, or With does not take it")
		case e != next && with.Covers(e) != c.Covers(e):
			t.Fatal("With changed another dot")
		case !equal(c.With(d), c.Merge(vclock.Clock{d})):
			t.Fatal("With is not a merge with one dot")
		case c.Without(d.Actor).Get(d.Actor) != 0:
			t.Fatal("Without remembers")
		case !slices.IsSortedFunc(with, vclock.Dot.Compare):
			t.Fatal("not sorted")
		}
	})
}

func TestTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := clocks().Draw(t, "c")
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back vclock.Clock
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatal(err)
		}
		if !equal(c, back) {
			t.Fatalf("%v came back as %v", c, back)
		}
		h := vclock.HLC(rapid.Uint64().Draw(t, "hlc"))
		var hBack vclock.HLC
		if text, _ := h.MarshalText(); hBack.UnmarshalText(text) != nil || hBack != h {
			t.Fatalf("%v came back as %v", h, hBack)
		}
	})
}

func TestOnlyCanonicalTextIsRead(t *testing.T) {
	for _, text := range []string{
		":", "1", "1:", ":1", "1:0", "01:1", "1:01", "1:1,", ",1:1", "2:1,1:1", "1:1,1:2", "1:1 ", " 1:1", "-1:1", "1:-1", "+1:1",
		"4294967296:1", "1:9007199254740992", "1:18446744073709551616", "1:1;2:1", "١:1", "0:0",
	} {
		var c vclock.Clock
		if err := c.UnmarshalText([]byte(text)); !errors.Is(err, vclock.ErrText) {
			t.Errorf("clock %q was read as %v (%v)", text, c, err)
		}
	}
	for _, text := range []string{"", "1:0", "3:07", "3:7,", "3:7 "} {
		var d vclock.Dot
		if err := d.UnmarshalText([]byte(text)); !errors.Is(err, vclock.ErrText) {
			t.Errorf("dot %q was read as %v (%v)", text, d, err)
		}
	}
	for _, text := range []string{"", "0", "0195F3A1B2C30004", "0195f3a1b2c3000g", "0195f3a1b2c300040"} {
		var h vclock.HLC
		if err := h.UnmarshalText([]byte(text)); !errors.Is(err, vclock.ErrText) {
			t.Errorf("stamp %q was read as %v (%v)", text, h, err)
		}
	}
}

func FuzzClockText(f *testing.F) {
	for _, text := range []string{"", "0:1", "0:2,3:7", "1:9007199254740991,4294967295:1", "2:1,1:1", "1:01"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c vclock.Clock
		if c.UnmarshalText([]byte(text)) == nil && c.String() != text {
			t.Fatalf("%q was read, and is written %q", text, c)
		}
	})
}

var (
	sinkOrdering vclock.Ordering
	sinkBool     bool
	sinkClock    vclock.Clock
)

// The hot paths of judging must not allocate: a first sync judges ten thousand records.
func TestNoAllocations(t *testing.T) {
	a := vclock.Clock{{Actor: 0, N: 3}, {Actor: 1, N: 7}, {Actor: 4, N: 1}}
	b := vclock.Clock{{Actor: 0, N: 2}, {Actor: 1, N: 7}}
	if n := testing.AllocsPerRun(100, func() { work(a, b) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func work(a, b vclock.Clock) {
	sinkOrdering = a.Compare(b)
	sinkBool = a.Covers(vclock.Dot{Actor: 4, N: 1}) && a.Dominates(b)
	sinkClock = a.Merge(b)
}

func BenchmarkCompareCoverMerge(b *testing.B) {
	x := vclock.Clock{{Actor: 0, N: 3}, {Actor: 1, N: 7}, {Actor: 4, N: 1}}
	y := vclock.Clock{{Actor: 0, N: 2}, {Actor: 1, N: 7}}
	b.ReportAllocs()
	for b.Loop() {
		work(x, y)
	}
}
