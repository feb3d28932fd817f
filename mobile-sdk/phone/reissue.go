package phone

import (
	"encoding/json"
	"errors"
	"maps"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Reissuable says whether the edit was refused because its record is gone, so that its text can be kept as a new record: see Card.Reissue.
func (e Edit) Reissuable() bool {
	return e.State == Refused && (e.Code == wire.CodeRecordDeleted || e.Code == wire.CodeUnknownRecord) && e.Op != wire.OpDelete
}

// Reissue makes a new record of an edit that was refused because its record was deleted. fact is what the new record says; nil = what the edit said,
// with what this phone wrote to the record before. An edit of a comment's text does not say what the comment is about: if this
// phone did not write that either, the new comment is about nothing in particular unless the app has the person say so, in fact.
//
// The refused edit leaves the outbox with it. ErrInvalid for any other edit, and for a fact that the server would not take or that is of another
// kind; ErrNoRecord if the edit was dismissed or reissued already; ErrNoFile.
func (k *Card) Reissue(e Edit, fact card.Fact) (Edit, error) {
	if !e.Reissuable() || fact != nil && fact.Kind() != e.Kind {
		return Edit{}, ErrInvalid
	}
	written, err := k.written(e)
	if err != nil {
		return Edit{}, err
	}
	atoms := written
	if fact != nil {
		atoms = cardsync.Atoms(fact)
	} else if _, err := cardsync.ToFact(e.Kind, atoms); err != nil {
		return Edit{}, ErrInvalid // a part of a fact that says nothing by itself
	}
	if err := acceptable(string(e.Kind), atoms); err != nil {
		return Edit{}, err
	}
	if err := k.attached(atoms, []values{written}); err != nil {
		return Edit{}, err
	}
	id, err := k.client.newID()
	if err != nil {
		return Edit{}, err
	}
	item, err := k.engine.Reissue(e.item, id, atoms)
	if errors.Is(err, replica.ErrUnknown) {
		err = ErrNoRecord
	}
	return k.saved(item, err)
}

// written is what this phone wrote to the edit's record up to the edit, in the order of saving.
func (k *Card) written(e Edit) (values, error) {
	atoms := values{}
	err := k.store.View(func(tx replica.PhoneTx) error {
		atoms = values{}
		items, err := tx.ItemsOf(string(e.Record))
		for _, item := range items {
			if item.Mutation.HLC <= e.item.Mutation.HLC {
				maps.Copy(atoms, valuesOf(item.Mutation))
			}
		}
		return err
	})
	maps.DeleteFunc(atoms, func(_ string, v json.RawMessage) bool { return string(v) == "null" })
	return atoms, err
}

// valuesOf are the atoms that a mutation writes.
func valuesOf(m wire.Mutation) values {
	atoms := make(values, len(m.Atoms))
	for name, change := range m.Atoms {
		atoms[name] = change.V
	}
	return atoms
}
