package card

import "testing"

func TestLabelOf(t *testing.T) {
	icd := func(code string) Concept {
		return Concept{Codings: []Coding{{System: SystemICD10, Code: code}}}
	}
	act := func(code string) Coding {
		return Coding{System: "http://terminology.hl7.org/CodeSystem/v3-ActCode", Code: code}
	}
	for name, c := range map[string]struct {
		fact   Fact
		marks  []Coding
		around []string
		want   string
	}{
		"a cold":                         {fact: Condition{Code: icd("J06.9")}, want: General},
		"the last before psychiatry":     {fact: Condition{Code: icd("E99")}, want: General},
		"the first of psychiatry":        {fact: Condition{Code: icd("F00")}, want: Psychiatric},
		"a depression, small letters":    {fact: Condition{Code: icd(" f32.1 ")}, want: Psychiatric},
		"the last before addiction":      {fact: Condition{Code: icd("F09")}, want: Psychiatric},
		"alcohol":                        {fact: Condition{Code: icd("F10.2")}, want: Addiction},
		"the last of addiction":          {fact: Condition{Code: icd("F19.9")}, want: Addiction},
		"behind it":                      {fact: Condition{Code: icd("F20")}, want: Psychiatric},
		"HIV":                            {fact: Condition{Code: icd("B24")}, want: HIV},
		"carrier":                        {fact: Condition{Code: icd("Z21")}, want: HIV},
		"hepatitis is none":              {fact: Condition{Code: icd("B19.9")}, want: General},
		"syphilis":                       {fact: Condition{Code: icd("A53.0")}, want: Venereal},
		"the code of another dictionary": {fact: Condition{Code: Concept{Codings: []Coding{{System: SystemLOINC, Code: "F32.1"}}}}, want: General},
		"as the reason of a visit":       {fact: Visit{Reasons: []Concept{icd("F41")}}, want: Psychiatric},
		"its author says so":             {fact: Observation{}, marks: []Coding{act("PSY")}, want: Psychiatric},
		"its author says only: secret":   {fact: Observation{}, marks: []Coding{{System: "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", Code: "R"}}, want: Restricted},
		"normal confidentiality":         {fact: Observation{}, marks: []Coding{{System: "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", Code: "N"}}, want: General},
		"of a visit that has a label":    {fact: Observation{}, around: []string{HIV}, want: HIV},
		"of a visit that has none":       {fact: Observation{}, around: []string{General}, want: General},
		"the gravest counts":             {fact: Condition{Code: icd("F32")}, marks: []Coding{act("HIV")}, want: HIV},
		"the person is never labelled":   {fact: Person{}, marks: []Coding{act("HIV")}, want: General},
		"too short to be a code":         {fact: Condition{Code: icd("F3")}, want: General},
	} {
		if got := LabelOf(c.fact, c.marks, c.around...); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := VisitOf(Condition{Visit: "v"}); got != "v" {
		t.Errorf("the visit of a diagnosis: %q", got)
	}
	if got := VisitOf(Comment{}); got != "" {
		t.Errorf("the visit of a comment: %q", got)
	}
}

func TestHiddenScopes(t *testing.T) {
	for _, s := range []Scope{"lab.general", "dx.hiv", "rx.psychiatric", Scope("rx.general").Current()} {
		h := s.Hide()
		if !h.Hidden() || s.Hidden() || h.Show() != s || h.Hide() != h || s.Show() != s || !h.Whole().Plausible() || h.Class() != s.Class() || !h.Sensitive() {
			t.Errorf("%s, hidden: %s, shown: %s", s, h, h.Show())
		}
	}
}

// TestCurrent: a scope holds its part, a part holds nothing else, and nobody gives a part by hand.
func TestCurrent(t *testing.T) {
	whole, part := Scope("rx.general"), Scope("rx.general").Current()
	for name, c := range map[string]struct {
		set   Scopes
		scope Scope
		holds bool
	}{
		"the whole holds its part":   {Scopes{whole}, part, true},
		"the class too":              {Scopes{"rx.*"}, part, true},
		"the part holds itself":      {Scopes{part}, part, true},
		"and not the whole":          {Scopes{part}, whole, false},
		"nor what is hidden":         {Scopes{part}, part.Hide(), false},
		"another label has its own":  {Scopes{whole}, Scope("rx.hiv").Current(), false},
		"a label that begins alike":  {Scopes{whole}, "rx.generally", false},
		"hidden, it is of the class": {Scopes{"rx.*"}, part.Hide(), true},
	} {
		if got := c.set.Holds(c.scope); got != c.holds {
			t.Errorf("%s: %t", name, got)
		}
	}
	if part.Plausible() || part.Label() != General || part.Class() != "rx" || part.Sensitive() || part.Whole() != whole || part.Current() != part || !part.Hide().Sensitive() {
		t.Errorf("%s: label %q, class %q", part, part.Label(), part.Class())
	}
}
