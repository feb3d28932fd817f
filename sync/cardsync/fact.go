package cardsync

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/medcard/medcard/domain/card"
)

// The names of atoms. They travel and are stored: they never change.
const (
	AtomFact    = "fact"    // all of a clinic's fact
	AtomReading = "reading" // all of the patient's own measurement
	AtomText    = "text"    // of a comment
	AtomAbout   = "about"   // of a comment: which record, and when it was begun
	AtomFiles   = "files"   // of what the patient writes: its attachments
)

// about is the part of a comment that does not change with its text.
type about struct {
	Record  card.RecordID
	Written card.Date
}

// FromFact makes the record of a fact, under a label of its kind's scope. A medicine that its author calls active stands among what is current.
func FromFact(id card.RecordID, fact card.Fact, label string) Record {
	scope := card.ScopeOf(fact.Kind(), label)
	if m, ok := fact.(card.Medication); ok && m.Current() {
		scope = scope.Current()
	}
	return Record{ID: id, Kind: fact.Kind(), Scope: scope, Dated: fact.When().Earliest(), Atoms: Atoms(fact)}
}

// Atoms writes a fact down as atoms. The same fact always gives the same bytes.
func Atoms(fact card.Fact) map[string]json.RawMessage {
	switch f := fact.(type) {
	case card.Measurement:
		reading := f
		reading.Attachments = nil
		return withFiles(map[string]json.RawMessage{AtomReading: encode(reading)}, f.Attachments)
	case card.Comment:
		return withFiles(map[string]json.RawMessage{AtomText: encode(f.Text), AtomAbout: encode(about{f.About, f.Written})}, f.Attachments)
	default:
		return map[string]json.RawMessage{AtomFact: encode(fact)}
	}
}

// ToFact reads a fact from atoms. Fields that it does not know are skipped: a newer server may have sent them.
func ToFact(kind card.Kind, atoms map[string]json.RawMessage) (card.Fact, error) {
	switch kind {
	case card.KindComment:
		var c card.Comment
		var a about
		if text, ok := atoms[AtomText]; ok {
			if err := decode(text, &c.Text, lenient); err != nil {
				return nil, err
			}
		}
		if where, ok := atoms[AtomAbout]; ok {
			if err := decode(where, &a, lenient); err != nil {
				return nil, err
			}
		}
		c.About, c.Written = a.Record, a.Written
		var err error
		c.Attachments, err = readFiles(atoms)
		return c, err
	case card.KindMeasurement:
		var m card.Measurement
		if err := decode(atoms[AtomReading], &m, lenient); err != nil {
			return m, err
		}
		var err error
		m.Attachments, err = readFiles(atoms)
		return m, err
	}
	shape, ok := shapes[kind]
	if !ok {
		return nil, fmt.Errorf("%w: no fact of this kind is known", ErrShape)
	}
	fact := reflect.New(shape)
	if err := decode(atoms[AtomFact], fact.Interface(), lenient); err != nil {
		return nil, err
	}
	return fact.Elem().Interface().(card.Fact), nil //nolint:forcetypeassert // shapes holds nothing else
}

var shapes = func() map[card.Kind]reflect.Type {
	m := map[card.Kind]reflect.Type{}
	for _, fact := range card.Facts() {
		m[fact.Kind()] = reflect.TypeOf(fact)
	}
	return m
}()
