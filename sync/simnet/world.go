package simnet

import (
	"encoding/json"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// World is one simulated world. Its fields are set before Run.
type World struct {
	Seed   uint64
	Steps  int // 0 = 400
	Broken Broken
	Log    io.Writer      // where to tell all that happens; nil: nowhere
	Engine replica.Server // without rules: Engine()

	// CardStore and PhoneFile make real stores that stand beside those in memory: see real.go. nil: in memory alone.
	CardStore func(card, epoch string) (CardStore, error)
	PhoneFile func(card string) (PhoneFile, error)

	rand   *rand.Rand
	now    time.Time
	cards  []*cardWorld
	seats  []*seat
	wires  []envelope
	sent   []envelope // every request that was ever delivered, for replays
	oracle *oracle
	calm   bool // no faults any more: the world comes to rest
	nextID int
	values int
	taken  map[payload][32]byte // mutations that passed, by their number
	hash   hash.Hash64
	report Report

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

// envelope is a message on its way.
type envelope struct {
	id    int
	to    *seat // whose request or answer it is
	reply bool
	enrol bool
	body  []byte
}

// Run plays the world to its end.
func (w *World) Run() (report Report) {
	w.rand = rand.New(rand.NewPCG(w.Seed, 20))
	w.now = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	w.oracle, w.hash, w.taken = newOracle(), fnv.New64a(), map[payload][32]byte{}
	w.report = Report{Seed: w.Seed, Coverage: map[string]int{}}
	if w.Steps == 0 {
		w.Steps = 400
	}
	if w.Engine.Rules == nil {
		w.Engine = Engine()
	}
	defer func() {
		switch f := recover().(type) {
		case nil:
		case *Breach:
			w.report.Failure = f
		default:
			panic(f)
		}
		w.report.Trace = w.hash.Sum64()
		report = w.report
	}()
	w.operations = operations()
	for _, op := range w.operations {
		w.odds += op.odds
	}
	w.people()
	for range w.Steps {
		w.step()
	}
	w.rest()
	w.verify()
	return w.report
}

// people seats two people with two phones each: all four at their own cards, one of each also at the other's, where he
// sees a part.
func (w *World) people() {
	for range 2 {
		id := w.newID()
		w.cards = append(w.cards, &cardWorld{id: id, book: w.book(id)})
	}
	for person := range 2 {
		for phone := range 2 {
			device := w.newID()
			w.seat(fmt.Sprintf("p%d.%d", person, phone), device, w.cards[person], replica.Scopes{"*"})
			if phone == 0 {
				w.seat(fmt.Sprintf("p%d.%d/other", person, phone), device, w.cards[1-person], replica.Scopes{"note.general", "lab.general"})
			}
		}
	}
}

func (w *World) seat(name, device string, c *cardWorld, scopes replica.Scopes) {
	s := &seat{name: name, device: device, card: c, shelf: w.shelf(c.id), grants: []grant{{0, scopes}},
		skew: time.Duration(w.rand.IntN(600)-300) * time.Second, rewritten: map[string]wire.Mutation{}, could: map[string]bool{}}
	c.seats = append(c.seats, s)
	w.seats = append(w.seats, s)
	w.start(s)
}

// step lets one thing happen.
func (w *World) step() {
	w.now = w.now.Add(time.Duration(1+w.rand.IntN(3000)) * time.Millisecond)
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

// fate strikes a phone: its clock jumps, it is backed up, or an old backup takes its place.
func (w *World) fate(s *seat) {
	switch w.rand.IntN(6) {
	case 0, 1:
		s.skew = time.Duration(w.rand.IntN(7200)-3600) * time.Second
		w.count("clock jump")
	case 2, 3:
		s.backup = s.shelf.Copy()
	case 4:
		if s.backup == nil {
			return
		}
		w.count("phone restored")
		w.trace("restored", s.name)
		for _, item := range s.shelf.state.items {
			w.oracle.forget(item.Mutation)
		}
		w.retire(s.shelf)
		s.shelf = s.backup.Copy()
		for _, item := range s.shelf.state.items {
			w.oracle.remember(item.Mutation)
		}
		s.drafts = nil
		w.start(s)
	case 5:
		w.crashed(s, errCrash)
	}
}

// send puts a request on the network, which may lose it or deliver it twice.
func (w *World) send(s *seat, e envelope, body any) {
	raw, err := wire.Marshal(body)
	w.must(err)
	w.nextID++
	e.id, e.to, e.body = w.nextID, s, raw
	s.await, s.patience = e.id, 5+w.rand.IntN(60)
	w.trace("send", s.name, len(raw))
	w.post(e)
}

func (w *World) post(e envelope) {
	if !w.calm {
		switch w.rand.IntN(12) {
		case 0:
			w.count("dropped")
			return
		case 1:
			w.count("doubled")
			w.wires = append(w.wires, e)
		case 2:
			if e.reply && len(e.body) > 0 { // the commit happened, the answer breaks off
				e.body = e.body[:w.rand.IntN(len(e.body))]
			}
		}
	}
	w.wires = append(w.wires, e)
}

// deliver takes one message off the network, in any order.
func (w *World) deliver(i int) {
	e := w.wires[i]
	w.wires = slices.Delete(w.wires, i, i+1)
	if e.reply {
		w.hear(e.to, e)
		return
	}
	w.sent = append(w.sent, e)
	e.body = w.serve2(e)
	e.reply = true
	w.post(e)
}

func (w *World) serve2(e envelope) []byte {
	w.trace("request", e.to.name, string(e.body))
	body := w.serve(e.to, e)
	w.trace("serve", e.to.name, string(body))
	return body
}

// rest heals the network and lets every phone sync until it has nothing to say and nothing to hear.
func (w *World) rest() {
	w.calm = true
	for _, s := range w.seats {
		s.drafts = nil
	}
	for range 200 {
		before := w.state()
		for _, s := range w.seats {
			if s.await != 0 { // its answer may be older than what others did since
				w.hangUp(s)
			}
			s.offline, s.done = false, false
			w.ask(s)
		}
		for len(w.wires) > 0 {
			w.deliver(w.rand.IntN(len(w.wires)))
		}
		w.now = w.now.Add(time.Second)
		busy := func(s *seat) bool { return !s.done }
		if !slices.ContainsFunc(w.seats, busy) && w.state() == before {
			return // all have synced and nothing moved
		}
	}
}

func (w *World) newID() string {
	w.nextID++
	return fmt.Sprintf("%08x-%04x-7000-8000-%012x", w.now.Unix(), w.rand.Uint32()&0xffff, w.nextID)
}

func (w *World) newValue() string {
	w.values++
	return fmt.Sprintf("v%d", w.values)
}

func (w *World) tick() uint64 { return uint64(w.now.Unix()) / 20 }

func (w *World) count(what string) { w.report.Coverage[what]++ }

func (w *World) trace(what ...any) {
	fmt.Fprintln(w.hash, what...)
	if w.Log != nil {
		fmt.Fprintln(w.Log, what...)
	}
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// verify holds the world at rest against the invariants.
func (w *World) verify() {
	for _, c := range w.cards {
		for _, s := range c.seats {
			w.hold(converged(c, s))
			w.must(s.shelf.compare())
		}
		w.must(c.book.compare())
		w.hold(w.oracle.lost(c.id, c.book.pages.records))
	}
	w.hold(w.oracle.unanswered())
	for _, c := range w.cards {
		for _, s := range c.seats {
			w.anew(c, s)
		}
	}
	before := w.state()
	for range 40 {
		if len(w.sent) > 0 {
			w.serve2(pick(w.rand, w.sent))
		}
	}
	if w.state() != before {
		w.fail(8, "requests that came again changed the server")
	}
	for _, s := range w.seats {
		w.retire(s.shelf)
	}
}

// converged says whether a phone holds exactly what the server would show it, byte for byte.
func converged(c *cardWorld, s *seat) *Breach {
	st := &s.shelf.state
	open, _ := st.Open()
	if len(open) > 0 {
		return breach(9, "%d edits of %s are still in the outbox, the first %s", len(open), s.name, open[0].State)
	}
	want := map[string]wire.Row{}
	for id, rec := range c.book.pages.records {
		if rec.Deleted || !s.sight().Now.Holds(rec.Scope) {
			continue
		}
		row := wire.Row{ID: id, Kind: rec.Kind, Scope: rec.Scope, Date: rec.Date, VV: rec.VV, Atoms: map[string][]wire.Version{}}
		for name, versions := range rec.Atoms {
			for _, v := range versions {
				row.Atoms[name] = append(row.Atoms[name], wire.Version{Dot: v.Dot, HLC: v.HLC, Value: v.Value})
			}
		}
		want[id] = row
	}
	for id, row := range want {
		got, ok := st.base[id]
		if !ok {
			return breach(7, "%s lacks %s", s.name, id)
		}
		if a, b := encode(got), encode(row); a != b {
			return breach(1, "%s has %s, the server %s", s.name, a, b)
		}
		if screen, _ := replica.Rebase(&got, nil); screen.Pending {
			return breach(1, "pending with an empty outbox")
		}
	}
	for id := range st.base {
		if _, ok := want[id]; !ok {
			if !s.sight().Now.Holds(c.book.pages.records[id].Scope) {
				return breach(4, "%s still has %s, which it may not see", s.name, id)
			}
			return breach(1, "%s still has %s", s.name, id)
		}
	}
	return nil
}

// state is what replays must not change: the records, and which mutations were processed.
func (w *World) state() string {
	var all []any
	for _, c := range w.cards {
		p := c.book.pages
		all = append(all, p.head, p.records)
		for _, ordinal := range slices.Sorted(maps.Keys(p.actors)) {
			if lmid := p.actors[ordinal].LMID; lmid > 0 {
				all = append(all, lmid)
			}
		}
	}
	return encode(all)
}

func encode(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}
