package prescription

// Benefit is what form 148-1/u-04 says beyond the medicine: why its bearer pays less. It stands in the card and never in a code.
type Benefit struct {
	Category  uint16 // code of the benefit's category, 1 to 999
	Discount  uint8  // percent that the bearer need not pay: 50 or 100
	Diagnosis string // ICD-10
	Series    string // of the form, if the region numbers them
	Number    string
	Ground    Ground // for a longer term; else NoGround
}

// Ground is why a beneficiary's prescription may be valid, and its course last, longer than others'. The words travel and are stored.
type Ground string

// The grounds of the order.
const (
	NoGround      Ground = ""
	Pensioner     Ground = "pensioner"
	DisabledFirst Ground = "disabledGroup1"
	DisabledChild Ground = "disabledChild"
	ChronicIll    Ground = "chronic"
)

// Known reports whether the ground is one of the list; none is one.
func (g Ground) Known() bool {
	switch g {
	case NoGround, Pensioner, DisabledFirst, DisabledChild, ChronicIll:
		return true
	}
	return false
}

func (b Benefit) wrong(add check) {
	add(b.Category < 1 || b.Category > 999, "prescription.benefit_category", "benefit.category", "needs a code from 1 to 999")
	add(b.Discount != 50 && b.Discount != 100, "prescription.benefit_discount", "benefit.discount", "must be 50 or 100 percent")
	add(!icd10(b.Diagnosis), "prescription.benefit_diagnosis", "benefit.diagnosis", "needs a code of ICD-10")
	add(b.Series != "" && !text(b.Series, 20) || b.Number != "" && !text(b.Number, 20), "prescription.benefit_number", "benefit.number", "series and number have at most 20 bytes")
	add(!b.Ground.Known(), "prescription.ground_unknown", "benefit.ground", "is unknown")
}

// icd10 reports whether the text is written like a code: I10, E11.9.
func icd10(s string) bool {
	if len(s) < 3 || len(s) > 6 || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	for i, r := range s[1:] {
		if dot := i == 2 && r == '.' && len(s) > 4; !dot && (r < '0' || r > '9') {
			return false
		}
	}
	return len(s) == 3 || s[3] == '.'
}
