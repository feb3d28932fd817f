package simnet

import (
	"errors"
	"maps"
	"math"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// The mistakes of a server that forgets.
const (
	ForgetSilent  Broken = "a collection that is not told"  // who comes from before it is not started anew
	CursorAsLow   Broken = "the cursor is the low"          // of edits that wait and editors that are open nobody thinks
	CollectAtOnce Broken = "a collection of all"            // nobody is waited for
	PruneEarly    Broken = "a prune of what is not settled" // a deletion leaves the clock before all know of it
	PruneLive     Broken = "a prune of live actors"         // whose count begins anew
)

// silence is how long a simulated phone may be silent: short, since worlds are.
const silence = 4 * 24 * time.Hour

// season lets some weeks pass, so slowly that whoever is not away speaks to the server now and then, and few things happen in
// between. Then lows rise.
func (w *World) season() {
	if w.slow || w.rand.IntN(2) == 0 {
		return
	}
	w.slow = true
	defer func() { w.slow = false }()
	w.count("weeks went by")
	for _, c := range w.cards {
		w.quarrel(c)
	}
	old := w.drawer(pick(w.rand, w.seats))
	defer old()
	late := w.now.Add(silence + 12*time.Hour) // whoever does not speak is retired by then
	for range 14 + w.rand.IntN(10) {
		w.now = w.now.Add(time.Duration(12+w.rand.IntN(24)) * time.Hour)
		for _, d := range w.devices {
			if w.rand.IntN(3) > 0 {
				w.ask(d, d.seats)
			}
		}
		for len(w.wires) > 0 {
			w.deliver(w.rand.IntN(len(w.wires)))
		}
		for _, s := range w.seats {
			if s.await != 0 {
				w.hangUp(s)
			}
		}
		w.operate()
		w.operate()
		if w.rand.IntN(3) == 0 {
			w.collect(pick(w.rand, w.cards))
		}
		if !late.IsZero() && w.now.After(late) {
			late = time.Time{}
			w.saveLate()
		}
	}
}

// saveLate has everybody tell how far he is and the server collect, and then people save what they opened days ago and have not saved
// yet: that an editor may be open is all that kept the server from forgetting.
func (w *World) saveLate() {
	for range 3 {
		for _, d := range w.devices {
			w.ask(d, d.seats)
		}
		for len(w.wires) > 0 {
			w.deliver(w.rand.IntN(len(w.wires)))
		}
	}
	for _, c := range w.cards {
		w.collect(c)
	}
	for _, s := range w.seats {
		for len(s.drafts) > 0 {
			w.save(s, 0)
		}
	}
}

// quarrel has one person delete, and perhaps switch his phone off, what others are about to edit.
func (w *World) quarrel(c *cardWorld) {
	id, ok := w.authored(c)
	if !ok {
		return
	}
	var deleter *seat
	for _, i := range w.rand.Perm(len(c.seats)) {
		s := c.seats[i]
		d, screen, err := s.phone.Open(id)
		switch {
		case err != nil, s.shelf.state.damaged: // what stands there nobody wrote
		case deleter == nil:
			deleter = s
			w.erase(s, draft{d, screen})
			w.ask(s.device, []*seat{s})
		default:
			w.trace("open", s.name, id)
			s.drafts = append(s.drafts, draft{d, screen})
		}
	}
	for len(w.wires) > 0 {
		w.deliver(w.rand.IntN(len(w.wires)))
	}
	if deleter != nil && w.rand.IntN(2) == 0 {
		deleter.device.offline = true
	}
}

// drawer has a phone be backed up with a record that nobody knows yet, which is then made known and deleted. In the end, long
// after that, the backup takes the phone's place.
func (w *World) drawer(s *seat) (end func()) {
	w.create(s)
	w.backUp(s.device)
	speak := func() {
		w.ask(s.device, []*seat{s})
		for len(w.wires) > 0 {
			w.deliver(0)
		}
	}
	speak()
	if items, _ := s.shelf.state.Items(replica.Settled); len(items) > 0 && !s.shelf.state.damaged {
		if d, screen, err := s.phone.Open(items[len(items)-1].Mutation.ID); err == nil {
			w.erase(s, draft{d, screen})
			speak()
		}
	}
	return func() {
		if w.rand.IntN(2) == 0 {
			w.restore(s.device)
		}
	}
}

// collect has the server forget what nobody can ask for any more.
func (w *World) collect(c *cardWorld) {
	w.unmovedBy(c, func() (touched replica.Scopes) {
		for more := true; more; {
			before := c.book.pages
			var out replica.Collected
			err := w.update(c, func(l replica.Ledger) (err error) {
				out, err = w.Engine.Collect(w.spoiltCollection(l), w.now)
				return err
			})
			if err != nil && !errors.Is(err, errDown) {
				w.must(err)
			}
			more = err == nil && out.More
			w.trace("collect", c.id, encode(out))
			w.tally("retired", out.Retired)
			w.tally("emptied", out.Emptied)
			w.tally("pruned", out.Pruned)
			touched = append(touched, w.collected(c, before)...)
			if err == nil && !out.More {
				w.lean(c)
			}
		}
		if w.Broken == NoStones {
			c.book.pages.records = maps.Clone(c.book.pages.records)
			maps.DeleteFunc(c.book.pages.records, func(_ string, rec replica.Record) bool { return rec.Deleted })
		}
		w.committed(c)
		return touched
	})
}

// collected looks at what a collection did, and lists the scopes of which somebody may notice it.
func (w *World) collected(c *cardWorld, before pages) (touched replica.Scopes) {
	now := &c.book.pages
	for id, old := range before.records {
		rec := now.records[id]
		if old.Seq != rec.Seq {
			touched = append(touched, rec.Scope)
		}
		for _, d := range dropped(old.VV, rec.VV) {
			if a := now.actors[d.Actor]; rec.ID != "" && (d.Actor == 0 || a.State == replica.Live || a.State == replica.Writing) {
				w.fail(12, "the entry of actor %d is gone, who may write again", d.Actor)
			}
		}
	}
	for scope, last := range now.forgot {
		if before.forgot[scope] != last {
			touched = append(touched, scope)
		}
	}
	for ordinal, a := range now.actors {
		if before.actors[ordinal].State != a.State {
			return allScopes // whoever was retired notices
		}
	}
	return touched
}

func (w *World) tally(what string, n int) {
	for range n {
		w.count(what)
	}
}

// lean sees that the clocks of settled records hold live actors only, and the server (12).
func (w *World) lean(c *cardWorld) {
	p := &c.book.pages
	for id, rec := range p.records {
		for _, d := range rec.VV {
			switch state := p.actors[d.Actor].State; {
			case state == replica.Forgotten, state == replica.Retired && rec.Seq <= p.head.GC:
				w.fail(12, "the clock of %s holds actor %d, who is %s", id, d.Actor, state)
			}
		}
	}
}

// unrisen sees that nothing is there again that was collected (3). What clinics publish may be.
func (w *World) unrisen(c *cardWorld) {
	for id := range c.book.pages.memory.buried {
		if rec, ok := c.book.pages.records[id]; ok && !rec.Deleted {
			w.fail(3, "%s was deleted and collected, and is there again", id)
		}
	}
}

// astray notes what a phone can no longer promise: it came back from a backup, was cloned, or away for too long, and what was opened
// on it up to now may be older than the low that the server knows of.
func (s *seat) astray() { s.stray = max(s.stray, s.shelf.state.meta.Gen) }

// unforgotten is what would become of the edits had the server forgotten nothing: its clocks (12), or of edits on which the server
// could rely, neither what was deleted.
func (w *World) unforgotten(s *seat, ask wire.SyncCard, lift bool) (results []wire.Result) {
	p := s.card.book.pages.clone()
	out, err := w.Engine.Push(unforgetting{&p, p.memory, lift}, replica.Push{
		Device: s.device.id, Actor: ask.Actor, Epoch: ask.Epoch, Acked: ask.Acked, Mutations: ask.Mutations,
		Sight: w.sight(s.place), Seal: w.sealer(s), Now: w.now,
	})
	if err != nil {
		return nil
	}
	return out.Results
}

// asBefore makes what the server is to answer to edits of records of which it has forgotten something; the check holds that
// against what it answers.
func (w *World) asBefore(s *seat, ask wire.SyncCard) (check func([]wire.Result)) {
	m := s.card.book.pages.memory
	pruned, emptied := false, false
	for _, mutation := range ask.Mutations {
		_, stone := m.stones[mutation.ID]
		pruned, emptied = pruned || len(m.entries[mutation.ID]) > 0, emptied || stone
	}
	var lean, whole []wire.Result
	if pruned {
		w.count("an edit after a prune")
		lean = w.unforgotten(s, ask, false)
	}
	if emptied {
		w.count("an edit of a stone")
		whole = w.unforgotten(s, ask, true)
	}
	return func(results []wire.Result) {
		for i, r := range results {
			if lean != nil && lean[i] != r {
				w.fail(12, "an edit of %s is %s %s; before the prune it were %s %s", ask.Mutations[i].ID, r.Outcome, r.Code, lean[i].Outcome, lean[i].Code)
			}
			if whole != nil && whole[i] != r && s.reliable(ask.Actor, ask.Mutations[i]) {
				w.fail(12, "an edit of %s is %s %s; had the record not been collected it were %s %s",
					ask.Mutations[i].ID, r.Outcome, r.Code, whole[i].Outcome, whole[i].Code)
			}
		}
	}
}

// reliable says whether the phone's low held for an edit: it was opened after whatever may have led the phone astray.
func (s *seat) reliable(actor uint32, m wire.Mutation) bool {
	item, ok := s.shelf.state.items[itemKey{actor, m.N}]
	return ok && item.Mutation.Hash() == m.Hash() && item.Gen > s.stray && m.At != ""
}

func (w *World) spoiltCollection(l replica.Ledger) replica.Ledger {
	switch w.Broken {
	case CollectAtOnce:
		return rash{l}
	case PruneEarly:
		return early{l}
	case PruneLive:
		return murderous{l}
	case HoardedClocks:
		return hoarder{l}
	}
	return l
}

// rash is a Ledger by which every device has left everything behind.
type rash struct{ replica.Ledger }

func (r rash) Actors() ([]replica.Actor, error) {
	actors, err := r.Ledger.Actors()
	for i := range actors {
		actors[i].Low = math.MaxUint64
	}
	return actors, err
}

// early is a Ledger by which everything is settled.
type early struct{ replica.Ledger }

func (e early) Written(actor uint32, _ uint64, limit int) ([]replica.Record, error) {
	return e.Ledger.Written(actor, math.MaxUint64, limit)
}

// murderous is a Ledger by which the first actor is retired, whatever he is.
type murderous struct{ replica.Ledger }

func (m murderous) Actors() ([]replica.Actor, error) {
	actors, err := m.Ledger.Actors()
	if len(actors) > 0 {
		actors[0].State = replica.Retired
	}
	return actors, err
}

func (m murderous) SaveActor(a replica.Actor) error {
	if a.State == replica.Forgotten {
		return nil
	}
	return m.Ledger.SaveActor(a)
}

// silentLedger is a Ledger that does not say what was forgotten.
type silentLedger struct{ replica.Ledger }

func (silentLedger) Forgotten(replica.Scopes) (uint64, error) { return 0, nil }

// hoarder is a Ledger that finds nothing to prune.
type hoarder struct{ replica.Ledger }

func (hoarder) Written(uint32, uint64, int) ([]replica.Record, error) { return nil, nil }
