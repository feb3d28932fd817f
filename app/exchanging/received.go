package exchanging

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/medcard/medcard/app/fhir"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
)

// State is what became of one resource.
type State string

// The states.
const (
	Created   State = "created"   // a new record of the card
	Updated   State = "updated"   // a new version of a record
	Unchanged State = "unchanged" // the card has it already
	Kept      State = "kept"      // as posted; the card has no place for its type
)

// Received is what became of a bundle.
type Received struct {
	Card    card.ID
	Opened  bool               // the card is new
	Claim   identity.ClaimCode // for the person at the desk; "" where the card has an owner
	Entries []Became           // in the bundle's order
}

// Became is what became of one entry.
type Became struct {
	Type    string
	State   State
	Record  card.RecordID // "" where the card has no place for the type
	Version int
}

// Count sums up one resource type.
type Count struct {
	Type                              string
	Created, Updated, Unchanged, Kept int
}

// Counts sums up every type, in the order of their names.
func (r Received) Counts() []Count {
	byType := map[string]*Count{}
	for _, e := range r.Entries {
		c := byType[e.Type]
		if c == nil {
			c = &Count{Type: e.Type}
			byType[e.Type] = c
		}
		switch e.State {
		case Created:
			c.Created++
		case Updated:
			c.Updated++
		case Unchanged:
			c.Unchanged++
		case Kept:
			c.Kept++
		}
	}
	counts := make([]Count, 0, len(byType))
	for _, c := range byType {
		counts = append(counts, *c)
	}
	slices.SortFunc(counts, func(a, b Count) int { return cmp.Compare(a.Type, b.Type) })
	return counts
}

// Response is the answer to the sender, as FHIR writes it.
func (r Received) Response() []byte {
	answers := make([]fhir.Answer, len(r.Entries))
	for i, e := range r.Entries {
		a := fhir.Answer{Created: e.Version == 1 && e.State != Unchanged, Version: e.Version}
		switch {
		case e.Type == "Patient": // on the FHIR face the patient's id is the card's
			a.Location = fmt.Sprintf("Patient/%s/_history/%d", r.Card, e.Version)
		case e.Record != "":
			a.Location = fmt.Sprintf("%s/%s/_history/%d", e.Type, e.Record, e.Version)
		}
		if e.Type == "Patient" && r.Claim != "" {
			a.Claim = r.Claim.Printed()
		}
		answers[i] = a
	}
	return fhir.Response(answers)
}
