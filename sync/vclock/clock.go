// Package vclock keeps the small clocks of delta sync: who has seen which write of one record.
//
// A Dot names one write: the N-th write of one actor (a device installation, or the server, actor 0) to one record. A
// Clock is the set of all dots that a copy of the record has seen, kept as the greatest N per actor: N is counted per
// record and without gaps, so "the greatest" says everything, and it tells a reader nothing about records that he may
// not see (a counter per card would: its gaps are the writes that are hidden from him).
//
// Both are plain values, safe to copy and to share: no function here writes into a clock that it was given.
package vclock

import "slices"

// Dot is one write. The zero Dot is no write at all.
type Dot struct {
	Actor uint32
	N     uint64
}

// Server is the actor that stands for the server itself.
const Server uint32 = 0

// MaxN is the greatest N that travels: beyond it a JSON reader that counts in doubles would round.
const MaxN = 1<<53 - 1

// IsZero says whether the dot names no write.
func (d Dot) IsZero() bool { return d == Dot{} }

// Compare orders dots by actor, then by N: the order of a canonical list, not an order in time.
func (d Dot) Compare(e Dot) int {
	switch {
	case d.Actor < e.Actor:
		return -1
	case d.Actor > e.Actor:
		return 1
	case d.N < e.N:
		return -1
	case d.N > e.N:
		return 1
	}
	return 0
}

// Clock holds the newest dot of each actor, sorted by actor, none with N = 0. The nil Clock has seen nothing and is
// ready for use. A record meets few actors (its owner's devices and the server), so a sorted slice beats a map in
// everything: comparing is one walk, and nothing is allocated.
type Clock []Dot

// Ordering is how one clock stands to another.
type Ordering uint8

// The four orderings. Only Concurrent means that neither copy has seen all of the other.
const (
	Equal Ordering = iota
	Before
	After
	Concurrent
)

// String names the ordering, for tests and traces.
func (o Ordering) String() string {
	return [...]string{"equal", "before", "after", "concurrent"}[o&3]
}

// Get returns how many writes of the actor the clock has seen.
func (c Clock) Get(actor uint32) uint64 {
	for _, d := range c {
		if d.Actor == actor {
			return d.N
		}
	}
	return 0
}

// Next is the dot that the actor's next write gets.
func (c Clock) Next(actor uint32) Dot { return Dot{Actor: actor, N: c.Get(actor) + 1} }

// Covers says whether the clock has seen the write. Every clock has seen the zero Dot.
func (c Clock) Covers(d Dot) bool { return d.N <= c.Get(d.Actor) }

// Compare says how c stands to o: Before means that o has seen all of c and more.
func (c Clock) Compare(o Clock) Ordering {
	var less, more bool
	i, j := 0, 0
	for i < len(c) && j < len(o) {
		a, b := c[i], o[j]
		switch {
		case a.Actor < b.Actor:
			more = true
			i++
		case a.Actor > b.Actor:
			less = true
			j++
		default:
			less = less || a.N < b.N
			more = more || a.N > b.N
			i++
			j++
		}
	}
	more = more || i < len(c)
	less = less || j < len(o)
	switch {
	case less && more:
		return Concurrent
	case less:
		return Before
	case more:
		return After
	}
	return Equal
}

// Dominates says whether c has seen everything that o has.
func (c Clock) Dominates(o Clock) bool {
	ord := c.Compare(o)
	return ord == Equal || ord == After
}

// Merge returns what the two have seen together. Where one has seen it all already, that one is returned as it is.
func (c Clock) Merge(o Clock) Clock {
	switch c.Compare(o) {
	case Equal, After:
		return c
	case Before:
		return o
	}
	return c.AppendMerge(make(Clock, 0, len(c)+len(o)), o)
}

// AppendMerge appends to b what the two have seen together; with room in b nothing is allocated. b must be neither of them.
func (c Clock) AppendMerge(b, o Clock) Clock {
	i, j := 0, 0
	for i < len(c) && j < len(o) {
		x, y := c[i], o[j]
		switch {
		case x.Actor < y.Actor:
			b = append(b, x)
			i++
		case x.Actor > y.Actor:
			b = append(b, y)
			j++
		default:
			x.N = max(x.N, y.N)
			b = append(b, x)
			i++
			j++
		}
	}
	return append(append(b, c[i:]...), o[j:]...)
}

// With returns the clock that has also seen the write.
func (c Clock) With(d Dot) Clock {
	if c.Covers(d) {
		return c
	}
	i, found := slices.BinarySearchFunc(c, d.Actor, func(e Dot, actor uint32) int {
		return Dot{Actor: e.Actor}.Compare(Dot{Actor: actor})
	})
	out := make(Clock, 0, len(c)+1)
	out = append(out, c[:i]...)
	out = append(out, d)
	if found {
		i++
	}
	return append(out, c[i:]...)
}

// Without returns the clock that has forgotten one actor.
func (c Clock) Without(actor uint32) Clock {
	if c.Get(actor) == 0 {
		return c
	}
	out := make(Clock, 0, len(c)-1)
	for _, d := range c {
		if d.Actor != actor {
			out = append(out, d)
		}
	}
	return out
}
