package vclock_test

import (
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/sync/vclock"
)

// reference is a clock at its plainest: a slice of pairs, sorted by actor. What Clock does beyond that must cost nothing.
type reference []struct {
	actor uint32
	n     uint64
}

func (r reference) compare(o reference) vclock.Ordering {
	var less, more bool
	i, j := 0, 0
	for i < len(r) || j < len(o) {
		switch {
		case j == len(o) || i < len(r) && r[i].actor < o[j].actor:
			more = true
			i++
		case i == len(r) || o[j].actor < r[i].actor:
			less = true
			j++
		default:
			less = less || r[i].n < o[j].n
			more = more || r[i].n > o[j].n
			i++
			j++
		}
	}
	switch {
	case less && more:
		return vclock.Concurrent
	case less:
		return vclock.Before
	case more:
		return vclock.After
	}
	return vclock.Equal
}

func (r reference) appendMerge(to, o reference) reference {
	i, j := 0, 0
	for i < len(r) && j < len(o) {
		switch a, b := r[i], o[j]; {
		case a.actor < b.actor:
			to = append(to, a)
			i++
		case b.actor < a.actor:
			to = append(to, b)
			j++
		default:
			a.n = max(a.n, b.n)
			to = append(to, a)
			i++
			j++
		}
	}
	return append(append(to, r[i:]...), o[j:]...)
}

func plain(c vclock.Clock) (r reference) {
	for _, d := range c {
		r = append(r, struct {
			actor uint32
			n     uint64
		}{d.Actor, d.N})
	}
	return r
}

var sinkReference reference

// BenchmarkClock measures against the reference, in turns; "x" is how many times as long ours takes, by the medians.
func BenchmarkClock(b *testing.B) {
	x := vclock.Clock{{Actor: 0, N: 3}, {Actor: 1, N: 7}, {Actor: 4, N: 1}, {Actor: 9, N: 2}}
	y := vclock.Clock{{Actor: 0, N: 2}, {Actor: 1, N: 8}, {Actor: 9, N: 2}, {Actor: 11, N: 5}}
	p, q := plain(x), plain(y)
	room, plainRoom := make(vclock.Clock, 0, 8), make(reference, 0, 8)
	if got, want := plain(x.AppendMerge(room, y)), p.appendMerge(plainRoom, q); !slices.Equal(got, want) || x.Compare(y) != p.compare(q) {
		b.Fatal("the two differ") // and it would be no comparison
	}
	for _, c := range []struct {
		name            string
		ours, reference func()
	}{
		{"compare", func() { sinkOrdering = x.Compare(y) }, func() { sinkOrdering = p.compare(q) }},
		{"merge", func() { sinkClock = x.AppendMerge(room, y) }, func() { sinkReference = p.appendMerge(plainRoom, q) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			const turn = 2_000
			var ours, reference []time.Duration
			timed := func(work func()) time.Duration {
				began := time.Now()
				for range turn {
					work()
				}
				return time.Since(began)
			}
			for b.Loop() {
				ours, reference = append(ours, timed(c.ours)), append(reference, timed(c.reference))
			}
			slices.Sort(ours)
			slices.Sort(reference)
			o, r := ours[len(ours)/2], reference[len(reference)/2]
			b.ReportMetric(float64(o.Nanoseconds())/turn, "ns/op")
			b.ReportMetric(float64(r.Nanoseconds())/turn, "reference-ns/op")
			b.ReportMetric(float64(o)/float64(r), "x")
			b.ReportMetric(testing.AllocsPerRun(100, c.ours), "allocations")
		})
	}
}
