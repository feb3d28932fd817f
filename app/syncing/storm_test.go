package syncing

import (
	"container/heap"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/identity"
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
			c.end("somebody", each)
			ends = ends[1:]
		}
		asked++
		v.tries++
		often = max(often, v.tries)
		wait, ok := c.begin(now, "somebody", most, phones)
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
		if _, ok := c.begin(now, "ada", 1, 1); !ok {
			t.Fatal("sent away though nobody is there")
		}
		for range 1000 {
			if wait, ok := c.begin(now, "boris", 1, 1); ok || wait < soonest || wait > latest {
				t.Fatalf("one too many: %v %v", wait, ok)
			}
		}
		c.end("ada", time.Hour)
	}
	if c.running != 0 || len(c.of) != 0 {
		t.Errorf("%d are still there, of %v", c.running, c.of)
	}
}

// One account has a few places at most, however slowly it reads, and what it asks beyond keeps nobody else waiting.
func TestNobodyHasAllPlaces(t *testing.T) {
	var c copies
	now := time.Unix(1e9, 0)
	got := 0
	for range 1000 {
		wait, ok := c.begin(now, "ada", 64, 4)
		if ok {
			got++
		} else if wait < soonest || wait > 2*soonest {
			t.Fatalf("sent away for %v", wait)
		}
	}
	others := 0
	for n := range 100 {
		wait, ok := c.begin(now, identity.AccountID(rune('a'+n)), 64, 4)
		if ok {
			others++
		} else if wait > 2*soonest {
			t.Fatalf("the first to stand in the row waits for %v", wait)
		}
	}
	if got != 4 || others != 60 {
		t.Errorf("one account has %d places, the others %d", got, others)
	}
}
