package fhir

import "github.com/medcard/medcard/domain/card"

// procedure maps Procedure.
func procedure(n *node, r resolver) card.Procedure {
	p := card.Procedure{
		Status:    n.str("status"),
		Reason:    n.concept("statusReason"),
		Category:  n.concept("category"),
		Code:      n.concept("code"),
		At:        n.when("performed"),
		AtText:    n.age("performed"),
		Location:  r.organisation(n.get("location")),
		Reasons:   n.concepts("reasonCode"),
		For:       r.all(n.list("reasonReference")),
		Sites:     n.concepts("bodySite"),
		Outcome:   n.concept("outcome"),
		Followups: n.concepts("followUp"),
		Visit:     r.to(n.get("encounter")),
		Notes:     n.notes("note"),
	}
	for _, performer := range n.list("performer") {
		who := r.party(performer.get("actor"))
		if role := performer.concept("function").Label(); role != "" {
			who.Role = role
		}
		if who != (card.Party{}) {
			p.Performers = append(p.Performers, who)
		}
	}
	return p
}

// plan maps CarePlan.
func plan(n *node, r resolver) card.Plan {
	p := card.Plan{
		Status:      n.str("status"),
		Intent:      n.str("intent"),
		Title:       n.str("title"),
		Description: n.str("description"),
		Categories:  n.concepts("category"),
		Period:      n.period("period"),
		Created:     n.date("created"),
		Author:      r.party(n.get("author")),
		For:         r.all(n.list("addresses")),
		Visit:       r.to(n.get("encounter")),
		Notes:       n.notes("note"),
	}
	for _, a := range n.list("activity") {
		detail := a.get("detail")
		p.Activities = append(p.Activities, card.Activity{
			Code: detail.concept("code"), Status: detail.str("status"), Scheduled: detail.when("scheduled"), When: detail.str("scheduledString"),
			Where: r.organisation(detail.get("location")), Who: r.parties(detail.list("performer")), Description: detail.str("description"),
			Reference: r.to(a.get("reference")),
		})
	}
	return p
}
