package phone

import (
	"errors"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/sync/cardsync"
)

// AddMeasurement adds a blood pressure reading. Its time is now and its unit millimetres of mercury, where they are left
// empty. ErrInvalid for a reading that no living person has.
func (k *Card) AddMeasurement(m card.Measurement) (Edit, error) {
	if m.Unit == "" {
		m.Unit = card.MillimetresOfMercury
	}
	if m.At == "" {
		m.At = card.DateOf(k.client.time.now())
	}
	return k.add(m)
}

// Comment adds a comment on a record, with what was attached for it. ErrNoRecord, ErrInvalid, ErrNoFile, *LeaseError.
func (k *Card) Comment(about card.RecordID, text string, files ...card.Attachment) (Edit, error) {
	if _, err := k.screen(about); err != nil {
		return Edit{}, err
	}
	return k.add(card.Comment{Text: text, About: about, Written: card.DateOf(k.client.time.now()), Attachments: files})
}

func (k *Card) add(fact card.Fact) (Edit, error) {
	values := cardsync.Atoms(fact)
	if err := acceptable(string(fact.Kind()), values); err != nil {
		return Edit{}, err
	}
	if err := k.attached(values, nil); err != nil {
		return Edit{}, err
	}
	id, err := k.client.newID()
	if err != nil {
		return Edit{}, err
	}
	draft, err := k.engine.New(id, string(fact.Kind()))
	if err != nil {
		return Edit{}, err
	}
	return k.saved(k.engine.Save(draft, values))
}

// Conflicts opens an editor on each record in which a conflict is open. Show the value and its siblings, let the person
// choose or write, and Resolve.
func (k *Card) Conflicts() ([]*Editor, error) {
	ids, err := k.suspects()
	if err != nil {
		return nil, err
	}
	var open []*Editor
	for _, id := range ids {
		e, err := k.Edit(id)
		switch {
		case errors.Is(err, ErrNoRecord), errors.Is(err, ErrReadOnly), errors.Is(err, ErrLeaseEnded):
			continue // nothing that the person could resolve
		case err != nil:
			return nil, err
		}
		if e.entry.Conflicted() {
			open = append(open, e)
		}
	}
	return open, nil
}

// suspects are the records in which a conflict may be open: in the base, or between the base and the outbox.
func (k *Card) suspects() (ids []card.RecordID, err error) {
	err = k.store.Read(func(tx *vault.Tx) error {
		ids = nil
		seen := map[string]bool{}
		add := func(id string) {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, card.RecordID(id))
			}
		}
		rows, err := tx.Conflicted()
		if err != nil {
			return err
		}
		for _, row := range rows {
			add(row.ID)
		}
		items, err := tx.Open()
		if err != nil {
			return err
		}
		for _, item := range items {
			add(item.Mutation.ID)
		}
		return nil
	})
	return ids, err
}
