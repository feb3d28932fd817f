package syncing

import (
	"container/heap"
	"math/rand/v2"
	"testing"
	"time"
)

// visits are what phones mean to do, by time.
type visits []visit

type visit struct {
	at    time.Time
	tries int
}

func (v visits) Len() int           { return len(v) }
func (v visits) Less(i, j int) bool { return v[i].at.Before(v[j].at) }
func (v visits) Swap(i, j int)      { v[i], v[j] = v[j], v[i] }
func (v *visits) Push(x any)        { *v = append(*v, x.(visit)) } //nolint:forcetypeassert // heap gives back what it was given
func (v *visits) Pop() any {
	last := (*v)[len(*v)-1]
	*v = (*v)[:len(*v)-1]
	return last
}

// Ten thousand phones come at once to an instance that serves 64 of them in two seconds. They are sent away to times at which there is
// room: nearly as fast as if they stood in a row, and none has to ask often.
func TestAStormSpreads(t *testing.T) {
	const phones, most, each = 10_000, 64, 2 * time.Second
	chance := rand.New(rand.NewPCG(1, 2))
	began := time.Unix(1e9, 0)
	var c copies
	coming := make(visits, phones)
	for i := range coming {
		coming[i].at = began.Add(time.Duration(chance.IntN(1000)) * time.Millisecond)
	}
	heap.Init(&coming)
	var ends []time.Time // of those that run, in order
	now, asked, often := began, 0, 0
	for coming.Len() > 0 {
		v := heap.Pop(&coming).(visit) //nolint:forcetypeassert // there is nothing else in it
		now = v.at
		for len(ends) > 0 && !ends[0].After(now) {
			c.end(each)
			ends = ends[1:]
		}
		asked++
		v.tries++
		often = max(often, v.tries)
		wait, ok := c.begin(now, most)
		if ok {
			ends = append(ends, now.Add(each))
			if len(ends) > most {
				t.Fatalf("%d at a time", len(ends))
			}
			continue
		}
		v.at = now.Add(jittered(wait, func(d time.Duration) time.Duration { return time.Duration(chance.Int64N(int64(d))) }))
		heap.Push(&coming, v)
	}
	took, best := now.Sub(began), phones/most*each
	t.Logf("%d phones in %v (%v at best), asked %d times, one of them %d times", phones, took.Round(time.Second), best, asked, often)
	if took > 3*best || asked > 4*phones || often > 20 {
		t.Error("that is no way to come through a storm")
	}
}

func TestPlacesAreGivenBack(t *testing.T) {
	var c copies
	now := time.Unix(1e9, 0)
	for range 3 {
		if _, ok := c.begin(now, 1); !ok {
			t.Fatal("sent away though nobody is there")
		}
		for range 1000 {
			if wait, ok := c.begin(now, 1); ok || wait < soonest || wait > latest {
				t.Fatalf("one too many: %v %v", wait, ok)
			}
		}
		c.end(time.Hour)
	}
	if c.running != 0 {
		t.Errorf("%d are still there", c.running)
	}
}
