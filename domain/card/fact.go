package card

// Fact is what one clinical record says. Each kind of fact is a plain struct in a file of its own; all of them together are
// the clinical part of a card. A fact knows when it happened, because lists are sorted by that and not by when we heard of it.
type Fact interface {
	// Kind says which record kind carries the fact.
	Kind() Kind
	// When is the clinical date: of a visit its start, of a result the sampling. Empty where the source names none.
	When() Date
}

// Each fact is one, and a kind that is added later has to be added here too.
var facts = []Fact{
	Person{}, Visit{}, Condition{}, Allergy{}, Observation{}, Report{}, Medication{}, Immunization{}, Procedure{}, Plan{},
	Measurement{}, Comment{}, Document{},
}

// Facts gives one empty fact of each kind, for whoever must be complete (a codec, a test).
func Facts() []Fact { return append([]Fact(nil), facts...) }
