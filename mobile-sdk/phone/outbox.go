package phone

import (
	"cmp"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// EditState is how far an edit got.
type EditState string

// The states of an edit.
const (
	Waiting  EditState = "waiting"  // the server has not answered
	Accepted EditState = "accepted" // it is the value now
	Conflict EditState = "conflict" // kept, but not alone: Code says how it stands
	Refused  EditState = "refused"  // not kept: Code says why, Fact still holds the text
)

// Edit is one edit that was made on this phone.
type Edit struct {
	Record card.RecordID
	Kind   card.Kind
	Op     wire.Op // create, patch, resolve, delete
	State  EditState
	Code   string // of a conflict or a refusal: see the codes of results in sync/wire
	Saved  time.Time
	// Fact holds what was written; parts that the edit did not touch are empty. nil for a deletion.
	Fact card.Fact

	item replica.Item
}

// CodeUnreadable is the Code of a Refused edit whose text the file does not hold any more: its page of the memory chip was damaged, or its
// key was lost. It was not sent, or nobody knows whether it was.
const CodeUnreadable = replica.CodeUnreadable

// Outbox lists what was edited here, newest first: what waits, what the server answered within the last week, and what it
// refused, until that is dismissed.
func (k *Card) Outbox() ([]Edit, error) {
	var items []replica.Item
	err := k.store.View(func(tx replica.PhoneTx) error {
		items = nil
		for _, state := range []replica.ItemState{replica.Waiting, replica.Answered, replica.Settled, replica.Rejected} {
			some, err := tx.Items(state)
			if err != nil {
				return err
			}
			items = append(items, some...)
		}
		return nil
	})
	slices.SortFunc(items, func(a, b replica.Item) int { return cmp.Compare(b.Mutation.HLC, a.Mutation.HLC) })
	edits := make([]Edit, len(items))
	for i, item := range items {
		edits[i] = editOf(item)
	}
	return edits, err
}

// Dismiss forgets a refused edit: the person has seen it. Others stay.
func (k *Card) Dismiss(e Edit) error {
	if e.State != Refused {
		return nil
	}
	return k.engine.Dismiss(e.item)
}

// saved shows what the engine put into the outbox, and wakes the background sync.
func (k *Card) saved(item replica.Item, err error) (Edit, error) {
	if err != nil {
		return Edit{}, err
	}
	k.client.Wake()
	return editOf(item), nil
}

func editOf(item replica.Item) Edit {
	m := item.Mutation
	e := Edit{Record: card.RecordID(m.ID), Kind: card.Kind(m.Kind), Op: m.Op, Code: item.Code, Saved: item.Saved, State: Waiting, item: item}
	switch {
	case item.State == replica.Waiting:
	case item.Outcome == wire.Refused:
		e.State = Refused
	case item.Outcome == wire.Conflict:
		e.State = Conflict
	default:
		e.State = Accepted
	}
	if m.Op != wire.OpDelete && item.Code != CodeUnreadable {
		e.Fact, _ = cardsync.ToFact(e.Kind, valuesOf(m)) // our own writing reads; were it of another kind there would be no fact
	}
	return e
}
