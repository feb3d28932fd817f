package phone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Editor is one record, opened to be changed. It remembers what was on the screen when it was opened: what is saved through it
// replaces that and nothing that came in since, so a value that the person never saw is never lost.
type Editor struct {
	card  *Card
	draft replica.Draft
	entry Entry[card.Fact]
	shown values   // the atoms that were shown
	rest  []values // the same with each of the siblings
	open  []string // the names of the atoms in which a conflict is open
}

type values = map[string]json.RawMessage

// Edit opens a record. ErrNoRecord, ErrReadOnly, *LeaseError.
func (k *Card) Edit(id card.RecordID) (*Editor, error) {
	if _, err := k.screen(id); err != nil { // the lease decides who may look
		return nil, err
	}
	draft, screen, err := k.engine.Open(string(id))
	if errors.Is(err, replica.ErrUnknown) {
		return nil, ErrNoRecord
	}
	if err != nil {
		return nil, err
	}
	if rules[draft.Kind].Policy != replica.Siblings {
		return nil, ErrReadOnly
	}
	entry, err := entryOf(screen, readFact(card.Kind(screen.Kind)))
	if err != nil {
		return nil, err
	}
	e := &Editor{card: k, draft: draft, entry: entry, shown: atomsOf(screen), rest: alternatives(screen)}
	for name, atom := range screen.Atoms {
		if len(atom.Siblings) > 0 {
			e.open = append(e.open, name)
		}
	}
	return e, nil
}

// Entry is what was shown when the editor was opened.
func (e *Editor) Entry() Entry[card.Fact] { return e.entry }

// Save puts a new version of the fact into the outbox. Where a conflict is open it takes the place of the value that is shown, and
// the siblings stay: see Resolve. ErrUnchanged, ErrInvalid, ErrOutdated.
func (e *Editor) Save(fact card.Fact) (Edit, error) {
	changed, err := e.changes(fact, nil)
	if err != nil {
		return Edit{}, err
	}
	if len(changed) == 0 {
		return Edit{}, ErrUnchanged
	}
	return e.card.saved(e.card.engine.Save(e.draft, changed))
}

// SaveText is Save for a comment.
func (e *Editor) SaveText(text string) (Edit, error) {
	comment, ok := e.entry.Fact.(card.Comment)
	if !ok {
		return Edit{}, ErrInvalid
	}
	comment.Text = text
	return e.Save(comment)
}

// Resolve puts the fact in place of all values of the open conflict: one of them, or what the person made of them.
func (e *Editor) Resolve(fact card.Fact) (Edit, error) {
	if len(e.open) == 0 {
		return e.Save(fact)
	}
	chosen, err := e.changes(fact, e.open)
	if err != nil {
		return Edit{}, err
	}
	return e.card.saved(e.card.engine.Resolve(e.draft, chosen))
}

// Delete deletes the record, as it was shown: what another phone has written to it meanwhile survives.
func (e *Editor) Delete() (Edit, error) { return e.card.saved(e.card.engine.Delete(e.draft)) }

// changes are the atoms of the fact that differ from those shown, and those named always.
func (e *Editor) changes(fact card.Fact, always []string) (values, error) {
	if fact == nil || fact.Kind() != card.Kind(e.draft.Kind) {
		return nil, ErrInvalid
	}
	changed := cardsync.Atoms(fact)
	if _, had := e.shown[cardsync.AtomFiles]; had && changed[cardsync.AtomFiles] == nil {
		changed[cardsync.AtomFiles] = cardsync.Files(nil) // all were taken away
	}
	for name, value := range changed {
		if bytes.Equal(value, e.shown[name]) && !slices.Contains(always, name) {
			delete(changed, name)
		}
	}
	if err := acceptable(e.draft.Kind, changed); err != nil {
		return nil, err
	}
	return changed, e.card.attached(changed, slices.Concat(e.rest, []values{e.shown})) // of siblings too, which a resolution may take over
}

// acceptable asks the rule by which the server will judge: better the person hears it now.
func acceptable(kind string, atoms values) error {
	if rule := rules[kind]; rule.Check != nil {
		if code := rule.Check(atoms); code != "" {
			return fmt.Errorf("%w (%s)", ErrInvalid, code)
		}
	}
	return nil
}

// keptEditor is an Editor as an app may keep it.
type keptEditor struct {
	Draft replica.Draft `json:"draft"`
	Shown values        `json:"shown"`
	Rest  []values      `json:"rest,omitempty"`
	Open  []string      `json:"open,omitempty"`
}

// Keep gives the editor as bytes, for an app that must survive being stopped in the middle of a sentence. They hold health
// data: Card.Resume takes them, and the app keeps them as safe as it keeps the key.
func (e *Editor) Keep() ([]byte, error) {
	return wire.Marshal(keptEditor{Draft: e.draft, Shown: e.shown, Rest: e.rest, Open: e.open})
}

// Resume opens a kept editor as it was.
func (k *Card) Resume(kept []byte) (*Editor, error) {
	var shape keptEditor
	if json.Unmarshal(kept, &shape) != nil || shape.Draft.ID == "" {
		return nil, ErrInvalid
	}
	e := &Editor{card: k, draft: shape.Draft, shown: shape.Shown, rest: shape.Rest, open: shape.Open}
	kind := card.Kind(shape.Draft.Kind)
	e.entry = Entry[card.Fact]{ID: card.RecordID(shape.Draft.ID), Kind: kind}
	var err error
	if e.entry.Fact, err = cardsync.ToFact(kind, e.shown); err != nil {
		return nil, ErrInvalid
	}
	for _, atoms := range e.rest {
		other, err := cardsync.ToFact(kind, atoms)
		if err != nil {
			return nil, ErrInvalid
		}
		e.entry.Siblings = append(e.entry.Siblings, other)
	}
	return e, nil
}
