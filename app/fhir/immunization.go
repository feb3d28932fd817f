package fhir

import "github.com/medcard/medcard/domain/card"

// immunization maps Immunization.
func immunization(n *node, r resolver) card.Immunization {
	i := card.Immunization{
		Status:      n.str("status"),
		Reason:      n.concept("statusReason"),
		Vaccine:     n.concept("vaccineCode"),
		At:          n.date("occurrenceDateTime"),
		AtText:      n.str("occurrenceString"),
		Recorded:    n.date("recorded"),
		Reported:    n.get("primarySource") != nil && !n.yes("primarySource"),
		Lot:         n.str("lotNumber"),
		Expires:     n.date("expirationDate"),
		Maker:       r.organisation(n.get("manufacturer")),
		Institution: r.organisation(n.get("location")),
		Site:        n.concept("site"),
		Route:       n.concept("route"),
		Dose:        n.quantity("doseQuantity"),
		Visit:       r.to(n.get("encounter")),
		Notes:       n.notes("note"),
	}
	for _, performer := range n.list("performer") {
		if p := r.party(performer.get("actor")); p != (card.Party{}) {
			i.Performers = append(i.Performers, p)
		}
	}
	for _, p := range n.list("protocolApplied") {
		i.Doses = append(i.Doses, card.Dose{
			Series: p.str("series"), Number: p.str("doseNumberPositiveInt") + p.str("doseNumberString"),
			Of: p.str("seriesDosesPositiveInt") + p.str("seriesDosesString"), Diseases: p.concepts("targetDisease"),
		})
	}
	return i
}
