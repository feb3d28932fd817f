package simnet

import (
	"maps"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/vclock"
)

// memory is what a card's server has forgotten, and the simulation has not: to hold what the server does against what it would
// have done. A restored backup brings its own.
type memory struct {
	entries map[string]vclock.Clock   // per record: what its clock lost
	stones  map[string]replica.Record // what stood in a record that was collected
	buried  map[string]bool           // records of people that were collected
}

func (m memory) clone() memory {
	if m.entries == nil {
		return memory{map[string]vclock.Clock{}, map[string]replica.Record{}, map[string]bool{}}
	}
	return memory{maps.Clone(m.entries), maps.Clone(m.stones), maps.Clone(m.buried)}
}

// saved takes note of what a record was before it is replaced.
func (m memory) saved(old, rec replica.Record) {
	if lost := dropped(old.VV, rec.VV); len(lost) > 0 {
		m.entries[rec.ID] = m.entries[rec.ID].Merge(lost)
	}
	switch {
	case rec.Collected && !old.Collected:
		m.stones[rec.ID] = old
		if rec.Kind != kindDocument {
			m.buried[rec.ID] = true
		}
	case !rec.Collected:
		delete(m.stones, rec.ID)
	}
}

// whole is a record as it was before it was collected: what clinics, who have their own files, remember.
func (c *cardWorld) whole(id string) replica.Record {
	rec := c.book.pages.records[id]
	if stone, ok := c.book.pages.memory.stones[id]; ok {
		rec.Atoms = stone.Atoms
	}
	return rec
}

// dropped are the entries that one clock has and the next lacks.
func dropped(old, next vclock.Clock) (lost vclock.Clock) {
	for _, d := range old {
		if next.Get(d.Actor) == 0 {
			lost = append(lost, d)
		}
	}
	return lost
}

// unforgetting is the card as it would be had nothing been pruned, and nothing emptied either if stones are to be lifted.
type unforgetting struct {
	replica.Ledger
	memory memory
	lift   bool
}

func (u unforgetting) Records(ids []string) (map[string]replica.Record, error) {
	out, err := u.Ledger.Records(ids)
	for id, rec := range out {
		if stone, ok := u.memory.stones[id]; ok && u.lift {
			rec.Atoms, rec.Collected = stone.Atoms, false
		}
		rec.VV = rec.VV.Merge(u.memory.entries[id])
		out[id] = rec
	}
	return out, err
}
