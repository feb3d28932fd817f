package simnet_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/sync/simnet"
)

var (
	worlds = flag.Int("simnet.worlds", fewWorlds, "how many worlds to play; the default are cut short on a slow machine, others never")
	seed   = flag.Uint64("simnet.seed", 1, "the first world's seed")
	twice  = flag.Bool("simnet.twice", false, "play each world twice and compare the traces, as the default run does anyhow")
	trace  = flag.Bool("simnet.trace", false, "tell all that happens (with -simnet.worlds=1)")
)

const (
	fewWorlds  = 300
	manyWorlds = 20_000 // so many must cover everything
	often      = 1_000  // times
)

// Worlds allocate much and keep little: without this a third of their time goes to the collector.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}

func TestWorlds(t *testing.T) {
	few := *worlds == fewWorlds
	if testing.Short() && few {
		*worlds = 40
	}
	t.Logf("%d worlds from seed %d; run one again with -simnet.seed=N -simnet.worlds=1", *worlds, *seed)
	coverage := map[string]int{}
	start, played, failed := time.Now(), 0, 0
	for r := range play(simnet.Sound, *seed, *worlds, *twice || few) {
		if few && time.Since(start) > 25*time.Second {
			t.Logf("a slow machine: stopped after %d worlds", played)
			break
		}
		if played++; r.Failure != nil {
			failed++
			t.Errorf("seed %d: %v", r.Seed, r.Failure)
		}
		if r.second != nil && r.second.Trace != r.Trace {
			t.Errorf("seed %d: trace %x, then %x", r.Seed, r.Trace, r.second.Trace)
		}
		if played%1_000 == 0 {
			t.Logf("%d worlds in %.0f s, %d failed", played, time.Since(start).Seconds(), failed)
		}
		for what, n := range r.Coverage {
			coverage[what] += n
		}
	}
	t.Logf("%d worlds in %.0f s, %d failed", played, time.Since(start).Seconds(), failed)
	t.Logf("what happened:\n%s", table(coverage))
	for _, what := range simnet.Expected {
		if n := coverage[what]; played >= manyWorlds && n < often*played/manyWorlds {
			t.Errorf("%q happened %d times in %d worlds: too seldom", what, n, played)
		}
	}
	for what := range coverage {
		if !slices.Contains(simnet.Expected, what) && !strings.HasPrefix(what, "a phone's file") {
			t.Errorf("%q is counted, and nobody expects it: name it in Expected", what)
		}
	}
}

func table(coverage map[string]int) string {
	var lines []string
	for _, what := range slices.Sorted(maps.Keys(coverage)) {
		lines = append(lines, fmt.Sprintf("%9d  %s", coverage[what], what))
	}
	return strings.Join(lines, "\n")
}

// report is that of a world, and of the same world played a second time; nil if it was not.
type report struct {
	simnet.Report
	second *simnet.Report
}

// play runs worlds on all processors and yields their reports in the order of seeds, until the caller has enough.
func play(broken simnet.Broken, first uint64, n int, twice bool) func(func(report) bool) {
	return func(yield func(report) bool) {
		batch := 8 * runtime.GOMAXPROCS(0) // so that no processor waits for the longest world
		for done := 0; done < n; done += batch {
			reports := make([]report, min(batch, n-done))
			var wg sync.WaitGroup
			for i := range reports {
				wg.Go(func() { reports[i] = run(broken, first+uint64(done+i), twice) })
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

// run plays one world, or twice the same.
func run(broken simnet.Broken, seed uint64, twice bool) (r report) {
	w := simnet.World{Seed: seed, Broken: broken}
	if *trace {
		w.Log = os.Stdout
	}
	if r.Report = w.Run(); twice {
		second := (&simnet.World{Seed: seed, Broken: broken}).Run()
		r.second = &second
	}
	return r
}

func TestBrokenEnginesAreCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of worlds; they are one goroutine each, so the race detector has nothing to find in them")
	}
	for _, m := range simnet.Mistakes {
		t.Run(strings.ReplaceAll(string(m.Broken), " ", "-"), func(t *testing.T) {
			others := map[int]int{}
			for r := range play(m.Broken, *seed, 500, false) {
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
