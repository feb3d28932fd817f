package simnet

import (
	"maps"

	"github.com/medcard/medcard/sync/wire"
)

// Damage changes the base as no engine does: as a bad memory chip would, or a mistake in a store.
func (s *Shelf) Damage(spoil func(base map[string]wire.Row)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.base = maps.Clone(s.state.base)
	spoil(s.state.base)
}
