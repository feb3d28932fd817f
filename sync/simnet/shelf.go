package simnet

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Shelf is one card of a phone, in memory: a PhoneStore for simulations and tests.
type Shelf struct {
	mu    sync.Mutex
	state shelfState
	// Fault is asked at each durable write, if set: it may fail the write before it happened, or after.
	Fault func() (before, after error)

	file     PhoneFile                 // beside it; nil: none
	thaw     func() (PhoneFile, error) // of a copy: makes its file, when it is first used
	card     string                    // whose records the file holds
	searched int                       // how often the file was searched for traces
}

type itemKey struct {
	actor uint32
	n     uint64
}

type shelfState struct {
	meta   replica.Meta
	base   map[string]wire.Row
	shadow map[string]wire.Row
	items  map[itemKey]replica.Item
	losses []replica.Loss

	damaged bool // its base, behind the engine's back
}

// NewShelf returns an empty store.
func NewShelf() *Shelf {
	return &Shelf{state: shelfState{base: map[string]wire.Row{}, shadow: map[string]wire.Row{}, items: map[itemKey]replica.Item{}}}
}

var _ replica.PhoneStore = (*Shelf)(nil)

// View runs f on a snapshot; what it writes is lost.
func (s *Shelf) View(f func(replica.PhoneTx) error) error {
	s.mu.Lock()
	s.open()
	snapshot := s.state.clone()
	s.mu.Unlock()
	if s.file == nil {
		return f(&snapshot)
	}
	return s.file.View(once(func(tx replica.PhoneTx) error { return f(twinPhone{&snapshot, tx}) }))
}

// Update runs f in a transaction.
func (s *Shelf) Update(f func(replica.PhoneTx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open()
	before, next := s.state, s.state.clone()
	var err, after error
	if s.file == nil {
		after, err = s.commit(f, &next, &next)
	} else {
		err = s.file.Update(once(func(tx replica.PhoneTx) (err error) {
			after, err = s.commit(f, &next, twinPhone{&next, tx})
			return err
		}))
	}
	if err != nil {
		return err
	}
	s.state = next
	if s.file != nil && next.lost(before) {
		s.traces()
	}
	return after
}

// commit runs f and lets fate strike the write, before it happens or after.
func (s *Shelf) commit(f func(replica.PhoneTx) error, next *shelfState, tx replica.PhoneTx) (after, err error) {
	if err := f(tx); err != nil || s.Fault == nil {
		return nil, err
	}
	before, after := s.Fault()
	if errors.Is(before, errTorn) { // a store that is not atomic: see TornPage
		s.state.meta = next.meta
		return nil, errCrash
	}
	return after, before
}

// Copy is the store as it stands: a backup, or a clone of the phone.
func (s *Shelf) Copy() *Shelf {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &Shelf{state: s.state.clone(), card: s.card, thaw: s.thaw}
	if s.file != nil {
		var err error
		c.thaw, err = s.file.Backup()
		sound("Backup", err)
	}
	return c
}

// open makes the file of a copy.
func (s *Shelf) open() {
	if s.file == nil && s.thaw != nil {
		var err error
		s.file, err = s.thaw()
		sound("Open", err)
	}
}

func (s shelfState) clone() shelfState {
	s.base, s.shadow, s.items = maps.Clone(s.base), maps.Clone(s.shadow), maps.Clone(s.items)
	return s
}

var _ replica.PhoneTx = (*shelfState)(nil)

func (s *shelfState) Meta() (replica.Meta, error) { return s.meta, nil }

func (s *shelfState) SaveMeta(meta replica.Meta) error { s.meta = meta; return nil }

func (s *shelfState) Row(id string) (wire.Row, bool, error) {
	row, ok := s.base[id]
	return row, ok, nil
}

func (s *shelfState) PutRow(row wire.Row) error { s.base[row.ID] = row; return nil }

func (s *shelfState) DropRow(id string) error { delete(s.base, id); return nil }

func (s *shelfState) DropRowsOutside(keep replica.Scopes) error {
	outside := func(_ string, row wire.Row) bool { return !keep.Holds(row.Scope) }
	maps.DeleteFunc(s.base, outside)
	maps.DeleteFunc(s.shadow, outside)
	return nil
}

func (s *shelfState) ShadowRow(id string) (wire.Row, bool, error) {
	row, ok := s.shadow[id]
	return row, ok, nil
}

func (s *shelfState) PutShadowRow(row wire.Row) error { s.shadow[row.ID] = row; return nil }

func (s *shelfState) DropShadowRow(id string) error { delete(s.shadow, id); return nil }

func (s *shelfState) ClearShadow() error { clear(s.shadow); return nil }

func (s *shelfState) SwapShadow() error {
	s.base, s.shadow, s.damaged = s.shadow, map[string]wire.Row{}, false
	return nil
}

func (s *shelfState) Open() ([]replica.Item, error) {
	return s.some(func(i replica.Item) bool { return i.State == replica.Waiting || i.State == replica.Answered }), nil
}

func (s *shelfState) ItemsOf(id string) ([]replica.Item, error) {
	return s.some(func(i replica.Item) bool { return i.Mutation.ID == id }), nil
}

func (s *shelfState) PutItem(item replica.Item) error {
	s.items[itemKey{item.Actor, item.Mutation.N}] = item
	return nil
}

func (s *shelfState) Answer(actor uint32, first, last uint64, outcome wire.Outcome, code string, settled time.Time) error {
	for key, item := range s.items {
		if key.actor != actor || key.n < first || key.n > last || item.State != replica.Waiting {
			continue
		}
		item.State, item.Outcome, item.Code = replica.Answered, outcome, code
		if !settled.IsZero() {
			item.State, item.Settled = replica.Settled, settled
		}
		s.items[key] = item
	}
	return nil
}

func (s *shelfState) FirstWaiting(actor uint32) (first uint64, err error) {
	for key, item := range s.items {
		if key.actor == actor && item.State == replica.Waiting && (first == 0 || key.n < first) {
			first = key.n
		}
	}
	return first, nil
}

func (s *shelfState) DropItem(actor uint32, n uint64) error {
	delete(s.items, itemKey{actor, n})
	return nil
}

func (s *shelfState) Items(state replica.ItemState) ([]replica.Item, error) {
	return s.some(func(i replica.Item) bool { return i.State == state }), nil
}

func (s *shelfState) DropSettled(before time.Time) error {
	maps.DeleteFunc(s.items, func(_ itemKey, i replica.Item) bool { return i.State == replica.Settled && i.Settled.Before(before) })
	return nil
}

func (s *shelfState) Wipe() error {
	losses := s.losses
	*s = NewShelf().state
	s.losses = losses
	return nil
}

func (s *shelfState) Lose(loss replica.Loss) error {
	s.losses = append(slices.Clip(s.losses), loss)
	return nil
}

func (s *shelfState) Scopes() (scopes replica.Scopes, err error) {
	for _, rows := range []map[string]wire.Row{s.base, s.shadow} {
		for _, row := range rows {
			if !slices.Contains(scopes, row.Scope) {
				scopes = append(scopes, row.Scope)
			}
		}
	}
	slices.Sort(scopes)
	return scopes, nil
}

// some returns the items that fit, in the order of saving.
func (s *shelfState) some(fits func(replica.Item) bool) []replica.Item {
	var out []replica.Item
	for _, item := range s.items {
		if fits(item) {
			out = append(out, item)
		}
	}
	slices.SortFunc(out, func(a, b replica.Item) int {
		return cmp.Compare(a.Mutation.HLC, b.Mutation.HLC)
	})
	return out
}

// Losses lists what the person was told of edits that were destroyed.
func (s *Shelf) Losses() []replica.Loss {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.state.losses)
}
