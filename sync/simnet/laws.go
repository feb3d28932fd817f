package simnet

import (
	"slices"

	"github.com/medcard/medcard/sync/vclock"
)

// algebra is what the engine does with vectors.
type algebra struct {
	merge   func(a, b vclock.Clock) vclock.Clock
	compare func(a, b vclock.Clock) vclock.Ordering
	travel  func(vclock.Clock) (vclock.Clock, error) // encoded and decoded
}

func (w *World) algebra() algebra {
	a := algebra{vclock.Clock.Merge, vclock.Clock.Compare, func(c vclock.Clock) (back vclock.Clock, err error) {
		raw, err := c.AppendText(nil)
		if err == nil {
			err = back.UnmarshalText(raw)
		}
		return back, err
	}}
	switch w.Broken {
	case NewestVector:
		a.merge = func(x, y vclock.Clock) vclock.Clock {
			if y.Compare(x) == vclock.After {
				return y
			}
			return x
		}
	}
	return a
}

// met holds the vectors that a world meets against the laws of vectors (13), each together with the last ones before it.
func (w *World) met(c vclock.Clock) {
	if len(w.clocks) < 2 {
		w.clocks = append(w.clocks, c)
		return
	}
	a, b := w.clocks[0], w.clocks[1]
	w.clocks[w.rand.IntN(2)] = c
	does, same := w.algebra(), func(x, y vclock.Clock) bool { return slices.Equal(x, y) }
	back, err := does.travel(c)
	switch {
	case err != nil, !same(back, c):
		w.fail(13, "%v comes back as %v, %v", c, back, err)
	case !same(does.merge(c, c), c):
		w.fail(13, "%v merged with itself is %v", c, does.merge(c, c))
	case !same(does.merge(a, c), does.merge(c, a)):
		w.fail(13, "%v and %v merge to %v or to %v", a, c, does.merge(a, c), does.merge(c, a))
	case !same(does.merge(does.merge(a, b), c), does.merge(a, does.merge(b, c))):
		w.fail(13, "%v, %v and %v merge to %v or to %v", a, b, c, does.merge(does.merge(a, b), c), does.merge(a, does.merge(b, c)))
	case does.compare(a, c) != opposite[does.compare(c, a)]:
		w.fail(13, "%v is %v %v, the other way round %v", a, does.compare(a, c), c, does.compare(c, a))
	case does.compare(a, does.merge(a, c)) == vclock.After, does.compare(a, does.merge(a, c)) == vclock.Concurrent:
		w.fail(13, "%v is %v what it was merged into", a, does.compare(a, does.merge(a, c)))
	}
	w.count("vectors: " + does.compare(a, c).String())
}

var opposite = map[vclock.Ordering]vclock.Ordering{vclock.Equal: vclock.Equal, vclock.Before: vclock.After,
	vclock.After: vclock.Before, vclock.Concurrent: vclock.Concurrent}
