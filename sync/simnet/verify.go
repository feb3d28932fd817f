package simnet

import (
	"encoding/json"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// verify holds the world at rest against the invariants.
func (w *World) verify() {
	for _, c := range w.cards {
		for _, s := range c.seats {
			w.hold(converged(c, s))
			w.must(s.shelf.compare())
		}
		w.must(c.book.compare())
		w.hold(w.oracle.lost(c.id, c.book.pages.records))
		w.hold(w.oracle.risen(c.book.pages.records))
	}
	w.hold(w.oracle.unanswered())
	for _, c := range w.cards {
		for _, p := range c.places {
			w.anew(p)
		}
	}
	before := w.state()
	for range 20 {
		if len(w.sent) > 0 {
			w.answer(pick(w.rand, w.sent))
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
	if open, _ := st.Open(); len(open) > 0 {
		return breach(9, "%d edits of %s are still in the outbox, the first %s", len(open), s.name, open[0].State)
	}
	want := map[string]wire.Row{}
	for id, rec := range c.book.pages.records {
		if !rec.Deleted && s.sight().Now.Holds(rec.Scope) {
			want[id] = project(rec)
		}
	}
	for id, row := range want {
		got, ok := st.base[id]
		if !ok {
			return breach(7, "%s lacks %s", s.name, id)
		}
		if rowHash(got) != rowHash(row) {
			return breach(1, "%s has %s, the server %s", s.name, encode(got), encode(row))
		}
		if screen, _ := replica.Rebase(&got, nil); screen.Pending {
			return breach(1, "pending with an empty outbox")
		}
	}
	for id := range st.base {
		if _, ok := want[id]; ok {
			continue
		}
		if !s.sight().Now.Holds(c.book.pages.records[id].Scope) {
			return breach(4, "%s still has %s, which it may not see", s.name, id)
		}
		return breach(1, "%s still has %s", s.name, id)
	}
	return nil
}

// project is a record as whoever sees all of it has it.
func project(rec replica.Record) wire.Row {
	row := wire.Row{ID: rec.ID, Kind: rec.Kind, Scope: rec.Scope, Date: rec.Date, VV: rec.VV,
		Atoms: make(map[string][]wire.Version, len(rec.Atoms))}
	for name, versions := range rec.Atoms {
		list := make([]wire.Version, len(versions))
		for i, v := range versions {
			list[i] = wire.Version{Dot: v.Dot, HLC: v.HLC, Value: v.Value}
		}
		row.Atoms[name] = list
	}
	return row
}

// anew sees that a phone that comes today holds what one holds that was there all the time (15).
func (w *World) anew(p *place) {
	if p.lost() {
		return
	}
	var old *seat
	for _, s := range p.card.seats {
		if s.place == p {
			old = s
		}
	}
	d := w.device(w.newID(), "a new phone")
	fresh := w.seat(d, d.name, p, w.shelf(p.card.id))
	for range 200 {
		if fresh.done {
			break
		}
		w.ask(d, d.seats)
		for len(w.wires) > 0 {
			w.deliver(0)
		}
	}
	a, b := fresh.shelf.state.base, old.shelf.state.base
	for id := range b {
		if rowHash(a[id]) != rowHash(b[id]) {
			w.fail(15, "of %s a new phone has %s, %s has %s", id, encode(a[id]), old.name, encode(b[id]))
		}
	}
	if len(a) != len(b) {
		w.fail(15, "a new phone has %d rows, %s has %d", len(a), old.name, len(b))
	}
}

func encode(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}
