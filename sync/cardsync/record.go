// Package cardsync is the bridge between the card's facts and the records that sync carries: the only place that knows both.
//
// A record is a kind, a scope, a clinical date and named atoms, each a JSON document. An atom is the smallest unit of merge,
// so what must stay together is one atom: a clinic's fact is the single atom "fact", because a clinic publishes whole versions; the
// patient's own blood pressure is the single atom "reading", because a merge must not invent a reading that nobody took; a comment has
// two, "text" and "about". What the patient attaches is an atom of its own, "files": a photo that is added on one phone is no conflict
// with a text that is corrected on another.
package cardsync

import (
	"encoding/json"
	"time"

	"github.com/medcard/medcard/domain/card"
)

// Record is one record as sync sees it, without clocks: those belong to whoever keeps records.
type Record struct {
	ID    card.RecordID
	Kind  card.Kind
	Scope card.Scope
	Dated time.Time // of the fact, for sorting; zero = the source names none
	Atoms map[string]json.RawMessage
}
