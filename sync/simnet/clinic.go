package simnet

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/medcard/medcard/sync/replica"
)

// publish has a clinic post a document, new or anew, under the old label or another one; or write into what a person wrote.
func (w *World) publish(c *cardWorld) {
	fact := replica.Fact{ID: w.newID(), Kind: kindDocument, Scope: pick(w.rand, allScopes), Atoms: map[string]json.RawMessage{},
		Date: time.UnixMilli(w.now.UnixMilli()).UTC()}
	switch n := w.rand.IntN(10); {
	case len(c.docs) > 0 && n < 6:
		fact.ID = pick(w.rand, c.docs)
		if old, ok := c.book.pages.records[fact.ID]; ok && w.rand.IntN(2) == 0 {
			fact.Scope = old.Scope
		}
	case n == 6:
		if id, ok := w.authored(c); ok {
			old := c.book.pages.records[id]
			fact.ID, fact.Kind, fact.Scope, fact.Date = id, old.Kind, old.Scope, old.Date
			w.count("a clinic writes where a person did")
		}
	}
	if fact.Kind == kindDocument && !slices.Contains(c.docs, fact.ID) {
		c.docs = append(c.docs, fact.ID)
	}
	old := c.whole(fact.ID)
	if old.Seq > 0 && old.Scope != fact.Scope {
		w.count("another label")
	}
	for _, atom := range atoms {
		wr := w.oracle.wrote(w.newValue(), &write{card: c.id, record: fact.ID, atom: atom, saved: true, answered: true, accepted: true})
		fact.Atoms[atom] = quote(wr.value)
		for _, v := range old.Atoms[atom] {
			if fact.Kind == kindDocument || v.Dot.Actor == 0 {
				wr.seen = append(wr.seen, text(v.Value))
			}
		}
	}
	w.trace("publish", fact.ID, fact.Scope)
	w.unmovedBy(c, func() replica.Scopes {
		w.must(c.book.Update(func(l replica.Ledger) error {
			effects, err := w.Engine.Publish(w.spoiltWrite(l), []replica.Fact{fact, fact}, w.now)
			if err == nil && effects[1] != replica.Same {
				w.fail(8, "publishing the same twice changed something")
			}
			w.count("publish " + string(effects[0]))
			return err
		}))
		w.committed(c)
		return touched(old.Scope, fact.Scope)
	})
}

// authored is a record that a person wrote and everybody may write into.
func (w *World) authored(c *cardWorld) (id string, ok bool) {
	var ids []string
	for id, rec := range c.book.pages.records {
		if !rec.Deleted && (rec.Kind == kindComment || rec.Kind == kindMeasurement) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return "", false
	}
	slices.Sort(ids)
	return pick(w.rand, ids), true
}

// withdraw has the server delete a record, whatever anybody wrote in it.
func (w *World) withdraw(c *cardWorld) {
	ids := slices.Sorted(maps.Keys(c.book.pages.records))
	if len(ids) == 0 {
		return
	}
	id := pick(w.rand, ids)
	rec := c.book.pages.records[id]
	if rec.Kind != kindDocument && w.rand.IntN(4) > 0 {
		return
	}
	e := &erasure{card: c.id, accepted: true}
	for _, versions := range rec.Atoms {
		for _, v := range versions {
			e.seen = append(e.seen, text(v.Value))
		}
	}
	w.oracle.deletes[id] = append(w.oracle.deletes[id], e)
	w.trace("withdraw", id)
	w.unmovedBy(c, func() replica.Scopes {
		w.must(c.book.Update(func(l replica.Ledger) error {
			n, err := w.Engine.Withdraw(w.spoiltWrite(l), []string{id})
			if n > 0 {
				w.count("withdraw")
			}
			return err
		}))
		w.committed(c)
		return touched(rec.Scope)
	})
}
