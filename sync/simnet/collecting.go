package simnet

import (
	"maps"
	"slices"

	"github.com/medcard/medcard/sync/replica"
)

// risen tells of a record that was deleted and stands there again, with nothing in it that its deleter had not seen (3). An edit that
// comes again and that the server cannot know again may bring it back.
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
