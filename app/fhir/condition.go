package fhir

import "github.com/medcard/medcard/domain/card"

// condition maps Condition.
func condition(n *node, r resolver) card.Condition {
	return card.Condition{
		Code:         n.concept("code"),
		Categories:   n.concepts("category"),
		Clinical:     n.status("clinicalStatus"),
		Verification: n.status("verificationStatus"),
		Severity:     n.concept("severity"),
		Onset:        n.when("onset").Start,
		OnsetText:    n.age("onset"),
		Abated:       n.when("abatement").Start,
		Recorded:     n.date("recordedDate"),
		Recorder:     r.party(n.get("recorder")),
		Visit:        r.to(n.get("encounter")),
		Notes:        n.notes("note"),
	}
}

// allergy maps AllergyIntolerance.
func allergy(n *node, r resolver) card.Allergy {
	a := card.Allergy{
		Code:         n.concept("code"),
		Type:         n.str("type"),
		Categories:   n.strs("category"),
		Criticality:  n.str("criticality"),
		Clinical:     n.status("clinicalStatus"),
		Verification: n.status("verificationStatus"),
		Onset:        n.when("onset").Start,
		Recorded:     n.date("recordedDate"),
		Last:         n.date("lastOccurrence"),
		Recorder:     r.party(n.get("recorder")),
		Visit:        r.to(n.get("encounter")),
		Notes:        n.notes("note"),
	}
	for _, reaction := range n.list("reaction") {
		a.Reactions = append(a.Reactions, card.Reaction{
			Substance: reaction.concept("substance"), Manifestations: reaction.concepts("manifestation"), Severity: reaction.str("severity"),
			Onset: reaction.date("onset"), Description: reaction.str("description"),
		})
	}
	return a
}
