package simnet

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/vclock"
)

// World is one simulated world. Its fields are set before Run.
type World struct {
	Seed   uint64
	Steps  int // 0 = 250
	Broken Broken
	Log    io.Writer      // where to tell all that happens; nil: nowhere
	Engine replica.Server // without rules: Engine()

	// CardStore and PhoneFile make real stores that stand beside those in memory: see real.go. nil: in memory alone.
	CardStore func(card, epoch string) (CardStore, error)
	PhoneFile func(card string) (PhoneFile, error)

	rand    *rand.Rand
	now     time.Time
	cards   []*cardWorld
	devices []*device
	seats   []*seat
	wires   []envelope
	sent    []envelope // every request that was ever carried out, for replays
	undone  bool       // something of the request at hand was not carried out
	oracle  *oracle
	taken   map[payload][32]byte // mutations that passed, by their number
	clocks  []vclock.Clock       // the last vectors that were met
	slow    bool                 // a season passes
	calm    bool                 // no faults any more: the world comes to rest
	nextID  int
	values  int
	tracer  tracer
	report  Report

	operations []operation
	odds       int // the sum of theirs
}

// Report is what a world came to.
type Report struct {
	Seed     uint64
	Trace    uint64 // hash of everything that happened, in order
	Failure  error  // nil: all invariants held; else a *Breach
	Coverage map[string]int
}

// Run plays the world to its end.
func (w *World) Run() (report Report) {
	w.begin()
	defer func() {
		switch f := recover().(type) {
		case nil:
		case *Breach:
			w.report.Failure = f
		default:
			panic(f)
		}
		w.report.Trace = w.tracer.sum
		report = w.report
	}()
	w.people()
	for range w.Steps {
		w.step()
	}
	w.rest()
	w.settle()
	w.mend()
	w.verify()
	return w.report
}

func (w *World) begin() {
	w.rand = rand.New(rand.NewPCG(w.Seed, 20))
	w.now = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	w.oracle, w.taken, w.tracer = newOracle(), map[payload][32]byte{}, tracer{log: w.Log}
	w.report = Report{Seed: w.Seed, Coverage: map[string]int{}}
	if w.Steps == 0 {
		w.Steps = 250
	}
	if w.Engine.Rules == nil {
		w.Engine = Engine()
	}
	w.operations = operations()
	for _, op := range w.operations {
		w.odds += op.odds
	}
}

// step lets one thing happen: a message arrives, or somebody does something.
func (w *World) step() {
	if w.rand.IntN(4) > 0 { // now and then two things happen at one instant
		w.now = w.now.Add(time.Duration(1+w.rand.IntN(3000)) * time.Millisecond)
	}
	for _, s := range w.seats {
		if s.await != 0 {
			if s.patience--; s.patience < 0 {
				w.hangUp(s)
			}
		}
	}
	if len(w.wires) > 0 && w.rand.IntN(2) == 0 {
		w.deliver(w.rand.IntN(len(w.wires)))
		return
	}
	w.operate()
}

func (w *World) newID() string {
	w.nextID++
	return fmt.Sprintf("%08x-%04x-7000-8000-%012x", w.now.Unix(), w.rand.Uint32()&0xffff, w.nextID)
}

// newValue is a value that was never written before.
func (w *World) newValue() string {
	w.values++
	return fmt.Sprintf("v%d", w.values)
}

func (w *World) tick() uint64 { return uint64(w.now.Unix()) / 20 }

func (w *World) count(what string) { w.report.Coverage[what]++ }

func (w *World) trace(what ...string) { w.tracer.say(what...) }

// chance is one in n, and none at all once the world comes to rest.
func (w *World) chance(n int) bool { return !w.calm && w.rand.IntN(n) == 0 }

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }
