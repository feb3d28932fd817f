package family

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
)

func TestWhoIsNamed(t *testing.T) {
	named := func(family, born string, given ...string) Named {
		return Named{Name: card.Name{Family: family, Given: given}, Born: card.Date(born)}
	}
	known := card.Person{Name: card.Name{Family: "Семёнова", Given: []string{"Анна", "Игоревна"}}, Former: []card.Name{{Family: "Лебедева", Given: []string{"Анна", "Игоревна"}}}}
	for name, c := range map[string]struct {
		who  Named
		born card.Date
		want bool
	}{
		"as on the card":                 {named("Семёнова", "2017-05-10", "Анна", "Игоревна"), "2017-05-10", true},
		"in capitals, with spaces":       {named(" СЕМЕНОВА ", "2017-05-10", "анна  игоревна"), "2017-05-10", true},
		"by her former name":             {named("Лебедева", "2017-05-10", "Анна", "Игоревна"), "2017-05-10", true},
		"the card knows but the year":    {named("Семёнова", "2017-05-10", "Анна", "Игоревна"), "2017", true},
		"the card knows no date":         {named("Семёнова", "2017-05-10", "Анна", "Игоревна"), "", false},
		"another day":                    {named("Семёнова", "2017-05-11", "Анна", "Игоревна"), "2017-05-10", false},
		"without the patronymic":         {named("Семёнова", "2017-05-10", "Анна"), "2017-05-10", false},
		"another given name":             {named("Семёнова", "2017-05-10", "Алла", "Игоревна"), "2017-05-10", false},
		"the document tells but a year":  {named("Семёнова", "2017", "Анна", "Игоревна"), "2017-05-10", false},
		"nobody":                         {named(" ", "2017-05-10", " "), "2017-05-10", false},
		"a time of birth, to the minute": {named("Семёнова", "2017-05-10", "Анна", "Игоревна"), "2017-05-10T03:00:00+03:00", true},
	} {
		if got := c.who.Is(known, c.born); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if (Named{}).Is(card.Person{}, "") || named("", "2017-05-10").Is(card.Person{}, "2017-05-10") {
		t.Error("nobody is somebody")
	}
}

// The list is gone through to its end, and says of each line that does not fit which it is, but of a patient never more than that.
func TestExamineAClaim(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	claim := func(change func(*Claim)) Claim {
		c := Claim{
			Basis: BirthCertificate, Level: Full,
			Patient: Named{Name: card.Name{Family: "Семёнова", Given: []string{"Анна"}}, Born: "2017-05-10", SNILS: "11223344595"},
			Agent:   Named{Name: card.Name{Family: "Семёнов", Given: []string{"Пётр"}}, Born: "1985-01-02"},
		}
		change(&c)
		return c
	}
	letter := func(c *Claim) {
		c.Basis, c.Powers, c.Until, c.Patient.Born = PowerOfAttorney, Powers{View: true}, now.AddDate(1, 0, 0), "1950-01-01"
	}
	for name, c := range map[string]struct {
		claim   Claim
		agent   Finding
		patient bool
		codes   []fault.Code
		err     error // in place of a list
	}{
		"a parent":                    {claim(func(*Claim) {}), Matched, true, nil, nil},
		"a parent whom nobody knows":  {claim(func(*Claim) {}), Unknown, true, nil, nil},
		"an attorney":                 {claim(letter), Unknown, true, nil, nil},
		"no such patient":             {claim(func(*Claim) {}), Unknown, false, []fault.Code{CodePatientMismatch}, nil},
		"another agent":               {claim(func(*Claim) {}), Mismatched, true, []fault.Code{CodeAgentMismatch}, nil},
		"a parent of somebody of age": {claim(func(c *Claim) { c.Patient.Born = "2000-01-01" }), Unknown, true, []fault.Code{CodeAge}, nil},
		"a parent younger than the child": {
			claim(func(c *Claim) { c.Agent.Born = "2018-01-01" }), Unknown, true, []fault.Code{CodeAge}, nil,
		},
		"a letter that has run out": {
			claim(func(c *Claim) { letter(c); c.Until = now }), Unknown, true, []fault.Code{CodeTermOver}, nil,
		},
		"nothing fits": {
			claim(func(c *Claim) { c.Patient.Born, c.Until = "2000-01-01", now.Add(-time.Hour) }), Mismatched, false,
			[]fault.Code{CodeTermOver, CodeAge, CodeAgentMismatch, CodePatientMismatch}, nil,
		},
		"a letter for ever":        {claim(func(c *Claim) { letter(c); c.Until = time.Time{} }), Unknown, true, nil, ErrTerm},
		"no basis that there is":   {claim(func(c *Claim) { c.Basis = "friendship" }), Unknown, true, nil, ErrKind},
		"a parent with powers":     {claim(func(c *Claim) { c.Powers = Powers{View: true} }), Unknown, true, nil, ErrKind},
		"no number of the patient": {claim(func(c *Claim) { c.Patient.SNILS = "" }), Unknown, true, nil, ErrClaim},
		"no day of birth":          {claim(func(c *Claim) { c.Patient.Born = "2017" }), Unknown, true, nil, ErrClaim},
		"nobody who claims":        {claim(func(c *Claim) { c.Agent = Named{} }), Unknown, true, nil, ErrClaim},
	} {
		list, err := c.claim.Examine(c.agent, c.patient, time.UTC, now)
		if c.err != nil {
			if !errors.Is(err, c.err) || len(list) > 0 {
				t.Errorf("%s: %v, %v", name, list, err)
			}
			continue
		}
		var codes []fault.Code
		if err != nil {
			for _, f := range fault.From(err).Fields {
				codes = append(codes, f.Code)
			}
		}
		if !slices.Equal(codes, c.codes) || len(list) != 5 || (err != nil) != (len(c.codes) > 0) {
			t.Errorf("%s: %v, %v", name, codes, list)
		}
		for _, check := range list {
			if check.Subject == TheAgent && check.Finding != c.agent || check.Subject == ThePatient && check.Finding != fits(c.patient) {
				t.Errorf("%s: %v", name, check)
			}
		}
	}
	if len(ErrMismatch.Fields) > 0 {
		t.Error("a claim's fields stay for the next one")
	}
	c := claim(func(*Claim) {})
	for name, same := range map[string]bool{"the same": true, "another term": false, "another child": false} {
		other := c
		switch name {
		case "another term":
			other.Until = now
		case "another child":
			other.Patient.Born = "2019-01-01"
		}
		if c.Repeats(other) != same {
			t.Errorf("%s: %v", name, !same)
		}
	}
}
