package fhir

import (
	"slices"

	"github.com/medcard/medcard/domain/card"
)

// observation maps Observation, with its components.
func observation(n *node, r resolver) card.Observation {
	o := card.Observation{
		Status:     n.str("status"),
		Categories: n.concepts("category"),
		Code:       n.concept("code"),
		At:         n.when("effective"),
		Issued:     n.date("issued"),
		Value:      valueOf(n),
		Normal:     references(n),
		Meaning:    n.concepts("interpretation"),
		Members:    r.all(n.list("hasMember")),
		Performers: r.parties(n.list("performer")),
		Method:     n.concept("method"),
		Site:       n.concept("bodySite"),
		Specimen:   r.resourceOf(n.get("specimen")).concept("type"),
		Visit:      r.to(n.get("encounter")),
		Notes:      n.notes("note"),
	}
	for _, c := range n.list("component") {
		o.Components = append(o.Components, card.Component{
			Code: c.concept("code"), Value: valueOf(&c), Normal: references(&c), Meaning: c.concepts("interpretation"),
		})
	}
	return o
}

// valueOf maps value[x] of an observation or a component.
func valueOf(n *node) card.Value {
	v := card.Value{
		Quantity: n.quantity("valueQuantity"),
		Concept:  n.concept("valueCodeableConcept"),
		Text:     n.str("valueString"),
		Range:    n.rng("valueRange"),
		Date:     n.date("valueDateTime"),
		Period:   n.period("valuePeriod"),
		Absent:   n.concept("dataAbsentReason"),
	}
	if i := n.str("valueInteger"); i != "" {
		v.Quantity.Value = i
	}
	if t := n.str("valueTime"); t != "" {
		v.Text = t
	}
	if b := n.get("valueBoolean"); b != nil {
		yes := b.text == "true"
		v.Yes = &yes
	}
	if ratio := n.get("valueRatio"); ratio != nil {
		v.Ratio = card.Ratio{Numerator: ratio.quantity("numerator"), Denominator: ratio.quantity("denominator")}
	}
	if s := n.get("valueSampledData"); s != nil {
		v.Series = &card.Series{
			Origin: s.quantity("origin"), Period: s.str("period"), Factor: s.str("factor"), Low: s.str("lowerLimit"), High: s.str("upperLimit"),
			Dimensions: s.str("dimensions"), Data: s.str("data"),
		}
	}
	return v
}

func references(n *node) (all []card.Reference) {
	for _, ref := range n.list("referenceRange") {
		all = append(all, card.Reference{
			Range: card.Range{Low: ref.quantity("low"), High: ref.quantity("high")}, Type: ref.concept("type"),
			AppliesTo: ref.concepts("appliesTo"), Text: ref.str("text"),
		})
	}
	return all
}

// report maps DiagnosticReport.
func report(n *node, r resolver) card.Report {
	return card.Report{
		Status:      n.str("status"),
		Categories:  n.concepts("category"),
		Code:        n.concept("code"),
		At:          n.when("effective"),
		Issued:      n.date("issued"),
		Performers:  r.parties(slices.Concat(n.list("performer"), n.list("resultsInterpreter"))),
		Results:     r.all(n.list("result")),
		Conclusion:  n.str("conclusion"),
		Findings:    n.concepts("conclusionCode"),
		Attachments: attachments(n),
		Visit:       r.to(n.get("encounter")),
	}
}
