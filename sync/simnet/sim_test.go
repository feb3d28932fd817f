package simnet_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/sync/simnet"
)

var (
	worlds = flag.Int("simnet.worlds", 300, "how many worlds to play; 300 are cut short on a slow machine, others never")
	seed   = flag.Uint64("simnet.seed", 1, "the first world's seed")
	trace  = flag.Bool("simnet.trace", false, "tell all that happens (with -simnet.worlds=1)")
)

func TestWorlds(t *testing.T) {
	if testing.Short() && *worlds == 300 {
		*worlds = 40
	}
	t.Logf("%d worlds from seed %d; run one again with -simnet.seed=N -simnet.worlds=1", *worlds, *seed)
	coverage := map[string]int{}
	start, played := time.Now(), 0
	for r := range play(simnet.Sound, *seed, *worlds) {
		if played++; *worlds == 300 && time.Since(start) > 12*time.Second {
			t.Logf("a slow machine: stopped after %d worlds", played)
			break
		}
		if r.Failure != nil {
			t.Errorf("seed %d: %v", r.Seed, r.Failure)
		}
		for what, n := range r.Coverage {
			coverage[what] += n
		}
	}
	var lines []string
	for _, what := range slices.Sorted(maps.Keys(coverage)) {
		lines = append(lines, fmt.Sprintf("%8d  %s", coverage[what], what))
	}
	t.Logf("what happened:\n%s", strings.Join(lines, "\n"))
}

func TestSameSeedSameTrace(t *testing.T) {
	n := min(*worlds, 40)
	first := map[uint64]uint64{}
	for r := range play(simnet.Sound, *seed, n) {
		first[r.Seed] = r.Trace
	}
	for r := range play(simnet.Sound, *seed, n) {
		if first[r.Seed] != r.Trace {
			t.Errorf("seed %d: trace %x, then %x", r.Seed, first[r.Seed], r.Trace)
		}
	}
}

// play runs worlds on all processors and yields their reports in the order of seeds, until the caller has enough.
func play(broken simnet.Broken, first uint64, n int) func(func(simnet.Report) bool) {
	return func(yield func(simnet.Report) bool) {
		batch := max(runtime.GOMAXPROCS(0), 1)
		for done := 0; done < n; done += batch {
			reports := make([]simnet.Report, min(batch, n-done))
			var wg sync.WaitGroup
			for i := range reports {
				wg.Go(func() {
					w := simnet.World{Seed: first + uint64(done+i), Broken: broken}
					if *trace {
						w.Log = os.Stdout
					}
					reports[i] = w.Run()
				})
			}
			wg.Wait()
			for _, r := range reports {
				if !yield(r) {
					return
				}
			}
		}
	}
}

func TestBrokenEnginesAreCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of worlds; they are one goroutine each, so the race detector has nothing to find in them")
	}
	for _, m := range simnet.Mistakes {
		t.Run(strings.ReplaceAll(string(m.Broken), " ", "-"), func(t *testing.T) {
			others := map[int]int{}
			for r := range play(m.Broken, *seed, 500) {
				var breach *simnet.Breach
				if !errors.As(r.Failure, &breach) {
					continue
				}
				if breach.Invariant != m.Invariant {
					others[breach.Invariant]++
					continue
				}
				t.Logf("seed %d: %v; before it, worlds ended by other invariants: %v", r.Seed, breach, others)
				return
			}
			t.Fatalf("500 worlds, and nobody noticed; worlds ended by other invariants: %v", others)
		})
	}
}
