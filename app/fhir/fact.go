package fhir

import (
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/posting"
)

// Marks are the security labels that its author gave entry i (meta.security).
func (b *Bundle) Marks(i int) (marks []card.Coding) {
	for _, label := range b.Entries[i].node.get("meta").list("security") {
		marks = append(marks, codingOf(&label))
	}
	return marks
}

// Fact gives what entry i says, in the card's own terms; nil where the card has no place for its type. record finds the record of
// the same card that a reference leads to, "" where there is none. What a fact has no field for stays in the resource as posted.
func (b *Bundle) Fact(i int, record func(posting.Key) card.RecordID) card.Fact {
	e := b.Entries[i]
	r := resolver{bundle: b, resource: e.node, record: record}
	switch e.Kind {
	case card.KindPatient:
		return person(e.node)
	case card.KindEncounter:
		return visit(e.node, r)
	case card.KindCondition:
		return condition(e.node, r)
	case card.KindAllergy:
		return allergy(e.node, r)
	case card.KindObservation:
		return observation(e.node, r)
	case card.KindReport:
		return report(e.node, r)
	case card.KindMedication:
		return medication(e.node, r)
	case card.KindImmunization:
		return immunization(e.node, r)
	case card.KindProcedure:
		return procedure(e.node, r)
	case card.KindCarePlan:
		return plan(e.node, r)
	case card.KindDocument:
		if e.Type == "Media" {
			return media(e.node, r)
		}
		return documentReference(e.node, r)
	}
	return nil
}
