package replica

import (
	"encoding/json"

	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// Reissue makes a new record of an edit that was refused because its record is gone. The id is a new UUID, made by the caller; values are the
// new record's atoms. The refused edit goes in the same transaction, so that it is offered once. ErrUnknown if it is not there any more.
func (p *Phone) Reissue(refused Item, id string, values map[string]json.RawMessage) (Item, error) {
	draft := Draft{ID: id, Kind: refused.Mutation.Kind, New: true}
	m, err := draft.mutation(wire.OpCreate, values)
	if err != nil {
		return Item{}, err
	}
	var item Item
	err = p.store.Update(func(tx PhoneTx) error {
		there, err := stillRefused(tx, refused)
		if err != nil {
			return err
		}
		if !there {
			return ErrUnknown
		}
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		now := p.clock()
		if meta.Next == 0 {
			meta.Next = 1
		}
		meta.HLC = vclock.Stamp(now, meta.HLC)
		m.N, m.At, m.HLC = meta.Next, meta.At, meta.HLC
		meta.Next++
		item = Item{Actor: meta.Actor, Mutation: m, Gen: meta.Gen, State: Waiting, Saved: now}
		// First the new one: a file that both name must not be without a name in between.
		if err := tx.PutItem(item); err != nil {
			return err
		}
		if err := tx.DropItem(refused.Actor, refused.Mutation.N); err != nil {
			return err
		}
		return tx.SaveMeta(meta)
	})
	return item, err
}

func stillRefused(tx PhoneTx, refused Item) (bool, error) {
	items, err := tx.ItemsOf(refused.Mutation.ID)
	for _, item := range items {
		if item.Actor == refused.Actor && item.Mutation.N == refused.Mutation.N && item.State == Rejected {
			return true, err
		}
	}
	return false, err
}
