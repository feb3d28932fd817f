package replica

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// Phone is the phone's side of one card. Its methods may be called from several goroutines, as far as its store allows.
type Phone struct {
	card  string
	store PhoneStore
	clock func() time.Time
	busy  atomic.Bool // an exchange is under way
}

// NewPhone returns the engine over a store that keeps the card.
func NewPhone(card string, store PhoneStore, clock func() time.Time) *Phone {
	return &Phone{card: card, store: store, clock: clock}
}

var errNotJSON = errors.New("value is not JSON")

// Enrolment says whether the phone needs an actor before it can exchange, and what to ask for.
func (p *Phone) Enrolment() (ask wire.DeviceCard, needed bool, err error) {
	meta, err := p.Meta()
	// One that never had an actor may get the one whose reply was lost; one that lost its own must not.
	return wire.DeviceCard{Card: p.card, Fresh: meta.Next > 0 && meta.Epoch != ""}, meta.Actor == 0, err
}

// Enrolled takes up the actor that the server gave. Edits that were made under another actor (or under none yet) and wait
// go under the new one, unchanged but for their n.
func (p *Phone) Enrolled(e wire.Enrolment) error {
	return p.store.Update(func(tx PhoneTx) error {
		meta, err := tx.Meta()
		if err != nil || meta.Actor == e.Actor {
			return err
		}
		restored := meta.Epoch != "" && meta.Epoch != e.Epoch
		meta.Actor, meta.Next, meta.Acked = e.Actor, e.LMID+1, e.LMID
		if meta.Epoch == "" {
			meta.Epoch = e.Epoch
		}
		meta.Leases, meta.Own = e.Leases, e.Own
		if err := renumber(tx, &meta, restored); err != nil {
			return err
		}
		return tx.SaveMeta(meta)
	})
}

// renumber gives waiting items of other actors new numbers, in their old order. Of a server that was restored nobody
// knows what it still has, so there the settled ones are sent again too.
func renumber(tx PhoneTx, meta *Meta, restored bool) error {
	open, err := tx.Open()
	if err != nil {
		return err
	}
	if restored {
		settled, err := tx.Items(Settled)
		if err != nil {
			return err
		}
		open = append(settled, open...)
		slices.SortFunc(open, func(a, b Item) int { return cmp.Compare(a.Mutation.HLC, b.Mutation.HLC) })
	}
	for _, item := range open {
		if item.Actor == meta.Actor || item.State != Waiting && !restored {
			continue
		}
		if err := tx.DropItem(item.Actor, item.Mutation.N); err != nil {
			return err
		}
		item.Actor, item.Mutation.N = meta.Actor, meta.Next
		if item.State != Waiting {
			item.State, item.Outcome, item.Code, item.Settled = Waiting, "", "", time.Time{}
		}
		meta.Next++
		if err := tx.PutItem(item); err != nil {
			return err
		}
	}
	return nil
}

// Screen returns a record as it is to be shown. ErrUnknown if there is none.
func (p *Phone) Screen(id string) (Screen, error) {
	var screen Screen
	err := p.store.View(func(tx PhoneTx) (err error) {
		screen, _, err = look(tx, id)
		return err
	})
	return screen, err
}

func look(tx PhoneTx, id string) (Screen, []Item, error) {
	row, found, err := tx.Row(id)
	if err != nil {
		return Screen{}, nil, err
	}
	items, err := tx.ItemsOf(id)
	if err != nil {
		return Screen{}, nil, err
	}
	base := &row
	if !found {
		base = nil
	}
	screen, ok := Rebase(base, items)
	if !ok {
		return Screen{}, nil, ErrUnknown
	}
	return screen, items, nil
}

// Open opens an editor on a record and returns it with what it shows.
func (p *Phone) Open(id string) (Draft, Screen, error) {
	var draft Draft
	var screen Screen
	err := p.store.View(func(tx PhoneTx) error {
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		var items []Item
		if screen, items, err = look(tx, id); err != nil {
			return err
		}
		if screen.Deleted {
			return ErrUnknown
		}
		draft = draftOf(screen, meta, items, p.clock())
		return nil
	})
	return draft, screen, err
}

// New opens an editor on a record that does not exist yet. The id is a new UUID, made by the caller.
func (p *Phone) New(id, kind string) (Draft, error) {
	var draft Draft
	err := p.store.View(func(tx PhoneTx) error {
		meta, err := tx.Meta()
		draft = Draft{ID: id, Kind: kind, New: true, At: meta.At, Gen: meta.Gen, HLC: meta.HLC, Opened: p.clock()}
		return err
	})
	return draft, err
}

// Save puts the edited atoms into the outbox, each in place of the value that the editor showed. Where it showed one of
// several siblings the others stay: see Resolve.
func (p *Phone) Save(d Draft, values map[string]json.RawMessage) (Item, error) {
	if d.New {
		return p.enqueue(d, wire.OpCreate, values)
	}
	return p.enqueue(d, wire.OpPatch, values)
}

// Resolve puts values into the outbox that replace all siblings that the editor showed.
func (p *Phone) Resolve(d Draft, values map[string]json.RawMessage) (Item, error) {
	return p.enqueue(d, wire.OpResolve, values)
}

// Delete puts the deletion of the record into the outbox.
func (p *Phone) Delete(d Draft) (Item, error) { return p.enqueue(d, wire.OpDelete, nil) }

// Command puts a request to the record's state machine into the outbox.
func (p *Phone) Command(d Draft, values map[string]json.RawMessage) (Item, error) {
	return p.enqueue(d, wire.OpCommand, values)
}

func (p *Phone) enqueue(d Draft, op wire.Op, values map[string]json.RawMessage) (Item, error) {
	m, err := d.mutation(op, values)
	if err != nil {
		return Item{}, err
	}
	var item Item
	err = p.store.Update(func(tx PhoneTx) error {
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		now := p.clock()
		if !d.New && d.Gen < meta.Low.Gen {
			return ErrOutdated // the server was told that none so old comes any more
		}
		if err := current(tx, meta, d, values, now); err != nil {
			return err
		}
		if meta.Next == 0 {
			meta.Next = 1 // edited before the phone was ever enrolled: numbered anew then
		}
		meta.HLC = vclock.Stamp(now, meta.HLC)
		m.N, m.HLC = meta.Next, meta.HLC
		meta.Next++
		item = Item{Actor: meta.Actor, Mutation: m, Gen: d.Gen, State: Waiting, Saved: now}
		if err := tx.PutItem(item); err != nil {
			return err
		}
		return tx.SaveMeta(meta)
	})
	return item, err
}

// current fails if this phone itself wrote the same atoms since the draft was opened. The server takes it that a writer
// has seen his own writes; two editors open at once on one phone would make that a lie.
func current(tx PhoneTx, meta Meta, d Draft, values map[string]json.RawMessage, now time.Time) error {
	if meta.Synced.After(now) {
		now = meta.Synced // the clock was set back since; what was forgotten then stays so
	}
	if meta.Dropped > d.HLC || now.Sub(d.Opened) > editorLife {
		return ErrOutdated
	}
	items, err := tx.ItemsOf(d.ID)
	if err != nil {
		return err
	}
	for _, item := range items {
		if item.Mutation.HLC > d.HLC && item.State != Rejected && touched(item, values) {
			return ErrOutdated
		}
	}
	return nil
}

// Rejected returns the edits that the server refused and the person has not dismissed, oldest first.
func (p *Phone) Rejected() ([]Item, error) {
	var items []Item
	err := p.store.View(func(tx PhoneTx) (err error) {
		items, err = tx.Items(Rejected)
		return err
	})
	return items, err
}

// Dismiss forgets a refused edit: the person has seen it.
func (p *Phone) Dismiss(item Item) error {
	return p.store.Update(func(tx PhoneTx) error { return tx.DropItem(item.Actor, item.Mutation.N) })
}

// Meta returns where the phone stands.
func (p *Phone) Meta() (Meta, error) {
	var meta Meta
	err := p.store.View(func(tx PhoneTx) (err error) {
		meta, err = tx.Meta()
		return err
	})
	return meta, err
}

// compact brings JSON into the one form that is stored, hashed and compared.
func compact(value json.RawMessage) (json.RawMessage, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, value); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
