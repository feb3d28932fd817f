package simnet

import (
	"maps"
	"slices"

	"github.com/medcard/medcard/sync/replica"
)

// collect has the server forget, and sees that of the actors that are forgotten nothing stands in any clock (12).
func (w *World) collect(c *cardWorld) {
	var out replica.Collected
	w.must(c.book.Update(func(l replica.Ledger) (err error) {
		if w.Broken == HoardedClocks {
			l = hoarder{l}
		}
		out, err = w.Engine.Collect(l, w.now)
		return err
	}))
	if w.Broken == NoStones {
		c.book.pages.records = maps.Clone(c.book.pages.records)
		maps.DeleteFunc(c.book.pages.records, func(_ string, rec replica.Record) bool { return rec.Deleted })
	}
	w.committed(c)
	w.trace("collect", c.id)
	for what, n := range map[string]int{"retired": out.Retired, "emptied": out.Emptied, "pruned": out.Pruned} {
		if n > 0 {
			w.count(what)
		}
	}
	for _, a := range c.book.pages.actors {
		for id, rec := range c.book.pages.records {
			if a.State == replica.Forgotten && rec.VV.Get(a.Ordinal) > 0 {
				w.fail(12, "actor %d is forgotten, and the clock of %s is %v", a.Ordinal, id, rec.VV)
			}
		}
	}
}

// risen tells of a record that was deleted and stands there again, with nothing in it that its deleter had not seen (3). A clone that
// sends again what its like had sent, and deleted since, is nobody that the server could know: it brings the record back.
func (o *oracle) risen(records map[string]replica.Record) *Breach {
	for _, id := range slices.Sorted(maps.Keys(o.deletes)) {
		rec, ok := records[id]
		if !ok || rec.Deleted || o.again[id] {
			continue
		}
		for _, e := range o.deletes[id] {
			if e.accepted && !news(rec, e.seen) {
				return breach(3, "%s was deleted by who had seen all of it, and is there", id)
			}
		}
	}
	return nil
}

// news says whether a record holds a value that is none of these.
func news(rec replica.Record, seen []string) bool {
	for _, versions := range rec.Atoms {
		for _, v := range versions {
			if !slices.Contains(seen, text(v.Value)) {
				return true
			}
		}
	}
	return false
}

// hoarder is a Ledger that finds nothing to prune.
type hoarder struct{ replica.Ledger }

func (hoarder) Written(uint32, uint64, int) ([]replica.Record, error) { return nil, nil }
