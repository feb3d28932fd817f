package prescription

import (
	"errors"
	"testing"

	"github.com/medcard/medcard/domain/fault"
)

func beneficiary() Benefit {
	return Benefit{Category: 83, Discount: 100, Diagnosis: "E11.9", Series: "4526", Number: "0012345", Ground: Pensioner}
}

// What each form forbids has a word of its own, and a place.
func TestWhatAFormForbids(t *testing.T) {
	on := func(form Form, v Validity, change func(*Sheet)) Sheet {
		s := goodSheet()
		s.Form, s.Validity = form, v
		if form == Preferential {
			s.Benefit = beneficiary()
		}
		change(&s)
		return s
	}
	as := func(*Sheet) {}
	items := func(n int) func(*Sheet) {
		return func(s *Sheet) {
			for len(s.Items) < n {
				s.Items = append(s.Items, goodItem())
			}
		}
	}
	days := func(n uint16) func(*Sheet) { return func(s *Sheet) { s.Items[0].Regimen.Days = n } }
	every := func(n uint16) func(*Sheet) { return func(s *Sheet) { s.Items[0].Regimen.Every = n } }
	for name, c := range map[string]struct {
		sheet Sheet
		rule  fault.Code
		where string
	}{
		"three on an ordinary form":     {on(Ordinary, Days60, items(3)), "", ""},
		"three for a beneficiary":       {on(Preferential, Days30, items(3)), "", ""},
		"two on an accounted form":      {on(Accounted, Days15, items(2)), "prescription.too_many_items", "items"},
		"two narcotics":                 {on(Narcotic, Days15, items(2)), "prescription.too_many_items", "items"},
		"an ordinary form for 15 days":  {on(Ordinary, Days15, as), "prescription.validity_not_allowed", "validity"},
		"an accounted form for 60 days": {on(Accounted, Days60, as), "prescription.validity_not_allowed", "validity"},
		"a narcotic for a year":         {on(Narcotic, UpToYear, every(30)), "prescription.validity_not_allowed", "validity"},
		"a beneficiary for a year":      {on(Preferential, UpToYear, every(30)), "prescription.validity_not_allowed", "validity"},
		"a year with a period":          {on(Ordinary, UpToYear, every(30)), "", ""},
		"a year without":                {on(Ordinary, UpToYear, as), "prescription.period_required", "items[0].regimen.every"},
		"an absurd period":              {on(Ordinary, UpToYear, every(367)), "prescription.period_too_long", "items[0].regimen.every"},
		"an accounted one twice":        {on(Accounted, Days15, every(7)), "prescription.repeat_forbidden", "items[0].regimen.every"},
		"a narcotic twice":              {on(Narcotic, Days15, every(7)), "prescription.repeat_forbidden", "items[0].regimen.every"},
		"half a year on 90 days":        {on(Preferential, Days90, days(180)), "", ""},
		"more than half a year":         {on(Preferential, Days90, days(181)), "prescription.course_too_long", "items[0].regimen.days"},
		"half a year on 30 days":        {on(Preferential, Days30, days(180)), "prescription.course_too_long", "items[0].regimen.days"},
		"90 days without a ground":      {on(Preferential, Days90, func(s *Sheet) { s.Benefit.Ground = NoGround }), "prescription.ground_required", "benefit.ground"},
		"two months of an accounted":    {on(Accounted, Days15, days(60)), "prescription.course_too_long", "items[0].regimen.days"},
		"under the mark":                {on(Accounted, Days15, func(s *Sheet) { s.Items[0].Regimen.Days, s.Special = 60, true }), "", ""},
		"the mark on an ordinary form":  {on(Ordinary, Days60, func(s *Sheet) { s.Special = true }), "prescription.special_forbidden", "special"},
		"a trade name":                  {on(Ordinary, Days60, func(s *Sheet) { s.Items[0].Trade = "Глюкофаж" }), "prescription.commission_required", "commission"},
		"a trade name, decided":         {on(Ordinary, Days60, func(s *Sheet) { s.Items[0].Trade, s.Commission = "Глюкофаж", "17/2026" }), "", ""},
		"no benefit":                    {on(Preferential, Days30, func(s *Sheet) { s.Benefit.Category = 0 }), "prescription.benefit_category", "benefit.category"},
		"a discount of 30":              {on(Preferential, Days30, func(s *Sheet) { s.Benefit.Discount = 30 }), "prescription.benefit_discount", "benefit.discount"},
		"no diagnosis":                  {on(Preferential, Days30, func(s *Sheet) { s.Benefit.Diagnosis = "E1" }), "prescription.benefit_diagnosis", "benefit.diagnosis"},
		"a benefit that is none":        {on(Preferential, Days30, func(s *Sheet) { s.Benefit.Ground = "rich" }), "prescription.ground_unknown", "benefit.ground"},
		"a benefit elsewhere":           {on(Ordinary, Days60, func(s *Sheet) { s.Benefit = beneficiary() }), "prescription.benefit_forbidden", "benefit"},
		"a form that is none":           {on("148", Days60, as), "prescription.form_not_in_force", "form"},
	} {
		err := c.sheet.Check(written)
		if c.rule == "" {
			if err != nil {
				t.Errorf("%s: %v %+v", name, err, fault.From(err).Fields)
			}
			continue
		}
		f := fault.From(err)
		if !errors.Is(err, ErrSheet) || len(f.Fields) != 1 || f.Fields[0].Code != c.rule || f.Fields[0].Where != c.where {
			t.Errorf("%s: %v %+v, want %s at %s", name, err, f.Fields, c.rule, c.where)
		}
	}
	// Orders have a first day.
	if err := goodSheet().Check(day(2022, 2, 28)); fault.From(err).Fields[0].Code != "prescription.form_not_in_force" {
		t.Error(err)
	}
}

func TestCodesOfDiagnoses(t *testing.T) {
	for code, good := range map[string]bool{"I10": true, "E11.9": true, "M05.80": true, "": false, "I1": false, "I10.": false, "i10": false, "I.10": false, "I1023": false, "E119": false, "E11.9.1": false, "Я10": false} {
		if icd10(code) != good {
			t.Errorf("%q: %v", code, !good)
		}
	}
}
