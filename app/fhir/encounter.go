package fhir

import "github.com/medcard/medcard/domain/card"

// visit maps Encounter.
func visit(n *node, r resolver) card.Visit {
	v := card.Visit{
		Status:      n.str("status"),
		Class:       n.coding("class"),
		Types:       n.concepts("type"),
		Period:      n.period("period"),
		Reasons:     n.concepts("reasonCode"),
		Institution: r.organisation(n.get("serviceProvider")),
		Discharge:   n.get("hospitalization").concept("dischargeDisposition"),
	}
	for _, participant := range n.list("participant") {
		doctor := r.party(participant.get("individual"))
		if role := firstLabel(participant.concepts("type")); doctor.Role == "" {
			doctor.Role = role
		}
		if doctor != (card.Party{}) {
			v.Doctors = append(v.Doctors, doctor)
		}
	}
	return v
}
