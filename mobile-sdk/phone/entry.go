package phone

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
)

// Entry is one record as a person sees it: what the server said, with what was edited here on top.
type Entry[F any] struct {
	ID      card.RecordID
	Kind    card.Kind
	Scope   card.Scope // "" while the record exists on this phone only
	When    time.Time  // when the fact happened; zero = nobody knows
	Fact    F          // the newest value
	Pending bool       // something of it was written here and the server has not answered
	// Siblings are the other values of an open conflict, newest first: all are kept, and the person resolves.
	Siblings []F
}

// Conflicted says whether the person has something to resolve.
func (e Entry[F]) Conflicted() bool { return len(e.Siblings) > 0 }

// reader makes a fact, or a paper, of a record's atoms.
type reader[F any] func(id card.RecordID, atoms map[string]json.RawMessage) (F, error)

// readFact reads any kind of fact, readAs a certain one.
func readFact(kind card.Kind) reader[card.Fact] {
	return func(_ card.RecordID, atoms map[string]json.RawMessage) (card.Fact, error) {
		return cardsync.ToFact(kind, atoms)
	}
}

func readAs[F card.Fact](kind card.Kind) reader[F] {
	return func(_ card.RecordID, atoms map[string]json.RawMessage) (F, error) {
		fact, err := cardsync.ToFact(kind, atoms)
		f, _ := fact.(F)
		return f, err
	}
}

// entryOf makes the entry of a screen.
func entryOf[F any](s replica.Screen, read reader[F]) (Entry[F], error) {
	e := Entry[F]{ID: card.RecordID(s.ID), Kind: card.Kind(s.Kind), Scope: card.Scope(s.Scope), When: whenOf(s), Pending: s.Pending}
	shown := atomsOf(s)
	var err error
	if e.Fact, err = read(e.ID, shown); err != nil {
		return e, err
	}
	for _, atoms := range alternatives(s) {
		other, err := read(e.ID, atoms)
		if err != nil {
			return e, err
		}
		e.Siblings = append(e.Siblings, other)
	}
	return e, nil
}

// atomsOf are the values that are shown.
func atomsOf(s replica.Screen) map[string]json.RawMessage {
	atoms := make(map[string]json.RawMessage, len(s.Atoms))
	for name, a := range s.Atoms {
		if !bytes.Equal(a.Value, []byte("null")) {
			atoms[name] = a.Value
		}
	}
	return atoms
}

// alternatives are what the record would be with each of the siblings in place of what is shown.
func alternatives(s replica.Screen) []map[string]json.RawMessage {
	var all []map[string]json.RawMessage
	for _, name := range slices.Sorted(maps.Keys(s.Atoms)) {
		for _, v := range s.Atoms[name].Siblings {
			atoms := atomsOf(s)
			atoms[name] = v.Value
			all = append(all, atoms)
		}
	}
	return all
}

// whenOf is the date by which lists are sorted. Of what only this phone knows it is read from the fact, as the server will.
func whenOf(s replica.Screen) time.Time {
	if s.Scope != "" {
		return s.Date
	}
	if rule := rules[s.Kind]; rule.Date != nil {
		if t := rule.Date(atomsOf(s)); !t.IsZero() {
			return t
		}
	}
	return s.Date
}
