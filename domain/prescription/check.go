package prescription

import (
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/fault"
)

// check notes what is wrong: the rule that is broken, a stable word, and the place.
type check func(bad bool, rule fault.Code, where, why string)

// Check reports everything that is wrong with the sheet on the day it is written, or nil. The fault names places and rules and never
// repeats what was written there.
func (s Sheet) Check(at time.Time) error {
	wrong := ErrSheet
	var add check = func(bad bool, rule fault.Code, where, why string) {
		if bad {
			wrong = wrong.Against(rule, where, why)
		}
	}
	add(s.Urgency > Statim, "prescription.urgency_unknown", "urgency", "is unknown")
	add(!s.Bearer.Valid(), "prescription.patient", "patient", "needs initials and a year of birth")
	add(!digits(s.Clinic, 13, 15), "prescription.clinic", "clinic", "needs an OGRN of 13 or 15 digits")
	add(!text(s.Prescriber, MaxShortName), "prescription.prescriber", "prescriber", "needs a name of at most 60 bytes")
	add(s.Commission != "" && !text(s.Commission, MaxProtocol), "prescription.commission", "commission", "needs the number of a protocol, at most 40 bytes")
	for i, item := range s.Items {
		item.wrong(add.under(fmt.Sprintf("items[%d].", i)))
		add(item.Trade != "" && s.Commission == "", "prescription.commission_required", "commission", "a trade name is prescribed by decision of a medical commission only")
	}
	if rules, known := RulesOn(s.Form, at); known {
		s.against(rules, add)
	} else {
		add(true, "prescription.form_not_in_force", "form", "is no form in force on that day")
	}
	if len(wrong.Fields) == 0 {
		return nil
	}
	return wrong
}

// against notes what the form forbids.
func (s Sheet) against(rules Rules, add check) {
	switch {
	case len(s.Items) < 1:
		add(true, "prescription.no_items", "items", "needs a medicine")
	case len(s.Items) > rules.MaxItems:
		add(true, "prescription.too_many_items", "items", "has more medicines than the form may hold: write several")
	}
	if rules.Benefit {
		s.Benefit.wrong(add)
	} else {
		add(s.Benefit != Benefit{}, "prescription.benefit_forbidden", "benefit", "belongs on the form for beneficiaries only")
	}
	term, allowed := rules.term(s.Validity)
	if !allowed {
		add(true, "prescription.validity_not_allowed", "validity", "is not allowed for this form")
		return
	}
	add(s.Special && term.Special == 0, "prescription.special_forbidden", "special", "the form knows no such mark")
	add(term.Ground && s.Benefit.Ground == NoGround, "prescription.ground_required", "benefit.ground", "that validity is for those whom the order names")
	for i, item := range s.Items {
		item.against(rules, term, s.Special, add.under(fmt.Sprintf("items[%d].", i)))
	}
}

func (i Item) against(rules Rules, term Term, special bool, add check) {
	longest := term.Course
	if special {
		longest = max(longest, term.Special)
	}
	add(int(i.Regimen.Days) > longest, "prescription.course_too_long", "regimen.days", "is longer than the form allows")
	add(i.Regimen.Every > 0 && !rules.Parts, "prescription.repeat_forbidden", "regimen.every", "the form is handed out once and never again")
	add(i.Regimen.Every == 0 && term.Periodic, "prescription.period_required", "regimen.every", "a prescription for up to a year needs days between hand-outs")
	add(int(i.Regimen.Every) > term.Course, "prescription.period_too_long", "regimen.every", "is longer than the course may be")
}

func (i Item) wrong(add check) {
	add(i.Code == 0, "prescription.item_code", "code", "is missing")
	add(!text(i.Name, MaxName), "prescription.item_name", "name", "needs at most 200 bytes of text")
	add(i.Trade != "" && !text(i.Trade, MaxName), "prescription.item_trade", "trade", "needs at most 200 bytes of text")
	add(!i.Shape.Known(), "prescription.item_shape", "shape", "is unknown")
	add(len(i.Strength) < 1 || len(i.Strength) > 3, "prescription.item_strength", "strength", "needs one to three amounts")
	for n, s := range i.Strength {
		add(s.Amount == 0 || !s.Unit.Known(), "prescription.item_strength", fmt.Sprintf("strength[%d]", n), "needs an amount and a known unit")
	}
	add(i.Quantity < 1 || i.Quantity > MaxQuantity, "prescription.item_quantity", "quantity", "is out of range")
	add(i.Regimen.Portion == 0, "prescription.item_portion", "regimen.portion", "is missing")
}

// under notes places below another.
func (c check) under(where string) check {
	return func(bad bool, rule fault.Code, at, why string) { c(bad, rule, where+at, why) }
}
