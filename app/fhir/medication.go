package fhir

import "github.com/medcard/medcard/domain/card"

// medication maps MedicationRequest.
func medication(n *node, r resolver) card.Medication {
	dispense := n.get("dispenseRequest")
	m := card.Medication{
		Status:    n.str("status"),
		Intent:    n.str("intent"),
		Drug:      n.concept("medicationCodeableConcept"),
		Written:   n.date("authoredOn"),
		Requester: r.party(n.get("requester")),
		Reasons:   n.concepts("reasonCode"),
		For:       r.all(n.list("reasonReference")),
		Valid:     dispense.period("validityPeriod"),
		Repeats:   dispense.str("numberOfRepeatsAllowed"),
		Quantity:  dispense.quantity("quantity"),
		Group:     n.get("groupIdentifier").str("value"),
		Visit:     r.to(n.get("encounter")),
		Notes:     n.notes("note"),
	}
	if reference := n.get("medicationReference"); reference != nil {
		m.Drug = r.resourceOf(reference).concept("code")
		if m.Drug.Empty() {
			m.Drug.Text = reference.str("display")
		}
	}
	for _, d := range n.list("dosageInstruction") {
		m.Dosages = append(m.Dosages, dosage(&d))
	}
	return m
}

func dosage(n *node) card.Dosage {
	timing := n.get("timing")
	repeat := timing.get("repeat")
	d := card.Dosage{
		Text:      n.str("text"),
		Patient:   n.str("patientInstruction"),
		AsNeeded:  n.yes("asNeededBoolean") || n.get("asNeededCodeableConcept") != nil,
		Condition: n.concept("asNeededCodeableConcept"),
		Route:     n.concept("route"),
		Site:      n.concept("site"),
		Method:    n.concept("method"),
		Timing: card.Timing{
			Code: timing.concept("code"), Frequency: repeat.str("frequency"), Period: repeat.str("period"), Unit: repeat.str("periodUnit"),
			When: repeat.strs("when"), Bounds: repeat.period("boundsPeriod"),
		},
		Instructions: n.concepts("additionalInstruction"),
	}
	for _, rate := range n.list("doseAndRate") { // several would be phases of an infusion, which a card does not show
		d.Dose, d.DoseRange = rate.quantity("doseQuantity"), rate.rng("doseRange")
		break
	}
	return d
}
