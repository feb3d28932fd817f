package simnet

import (
	"maps"
	"slices"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Damage changes the base as no engine does: as a bad memory chip would, or a mistake in a store.
func (s *Shelf) Damage(spoil func(base map[string]wire.Row)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open()
	before := s.state.base
	s.state.base = maps.Clone(before)
	spoil(s.state.base)
	if s.file != nil {
		sound("Damage", s.file.Update(func(tx replica.PhoneTx) error { return overwrite(tx, before, s.state.base) }))
	}
}

// overwrite makes a base in a file what it became in memory.
func overwrite(tx replica.PhoneTx, before, after map[string]wire.Row) error {
	for id := range before {
		if _, ok := after[id]; !ok {
			if err := tx.DropRow(id); err != nil {
				return err
			}
		}
	}
	for id, row := range after {
		if old, ok := before[id]; ok && encode(old) == encode(row) {
			continue
		}
		if err := tx.PutRow(row); err != nil {
			return err
		}
	}
	return nil
}

// damage spoils a row of some phone. Until a check has mended it the person opens no editor there: what he would take for the
// record's value is none, and nobody can hold the engine to it.
func (w *World) damage() {
	s := pick(w.rand, w.seats)
	ids := slices.Sorted(maps.Keys(s.shelf.state.base))
	if len(ids) == 0 || s.checkup != nil || !w.sums() {
		return
	}
	id := pick(w.rand, ids)
	what := pick(w.rand, []string{"a flipped letter", "a lost row", "a stray row", "another scope"})
	s.shelf.Damage(func(base map[string]wire.Row) {
		row := base[id]
		switch what {
		case "a flipped letter":
			row.Atoms = flipped(row.Atoms)
			base[id] = row
		case "a lost row":
			delete(base, id)
		case "a stray row":
			row.ID = w.newID()
			base[row.ID] = row
		case "another scope":
			row.Scope = pick(w.rand, slices.DeleteFunc(slices.Clone(allScopes), func(scope string) bool { return scope == row.Scope }))
			base[id] = row
		}
	})
	s.shelf.state.damaged = true
	w.count("damage: " + what)
	w.trace("damage", s.name, what, id)
}

// flipped changes a letter of one value.
func flipped(atoms map[string][]wire.Version) map[string][]wire.Version {
	atoms = maps.Clone(atoms)
	for _, name := range slices.Sorted(maps.Keys(atoms)) {
		for i, v := range atoms[name] {
			if len(v.Value) < 3 || v.Value[0] != '"' {
				continue
			}
			v.Value = slices.Clone(v.Value)
			v.Value[len(v.Value)/2] ^= 1
			atoms[name] = slices.Clone(atoms[name])
			atoms[name][i] = v
			return atoms
		}
	}
	return atoms
}
