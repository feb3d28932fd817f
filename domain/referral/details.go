package referral

import "time"

// Details are the fields of form 057/u (order 519n of 2.09.2025) that only the clinic referred to has to know. All may be missing: a
// clinic's system sends what it has.
type Details struct {
	ClinicAddress string
	Registration  string     // where the patient is registered, also for a stay
	Residence     Residence  // town or country
	Care          CareKind   // which care is needed
	Conditions    Conditions // in which it is given
	Policy        string     // number of the insurance policy, 16 digits
	PolicyIssued  string     // its date, 2006-01-02
	Insurer       string
	Diagnosis     string // ICD-10
	Indications   string
	Courses       uint8 // how many; 0 = not given
}

// Residence, CareKind and Conditions are words of the form. They travel and are stored; "" = not given.
type (
	Residence  string
	CareKind   string
	Conditions string
)

// The words.
const (
	Urban Residence = "urban"
	Rural Residence = "rural"

	PrimaryCare     CareKind = "primary"
	SpecialisedCare CareKind = "specialised"
	HighTechCare    CareKind = "highTech"
	PalliativeCare  CareKind = "palliative"

	Outpatient Conditions = "outpatient"
	DayCare    Conditions = "dayHospital"
	Inpatient  Conditions = "inpatient"
)

const (
	maxLine        = 300   // bytes of an address, an insurer
	maxIndications = 2_000 // bytes
)

func (d Details) wrong(add func(bad bool, where, why string)) {
	short := func(s string, limit int) bool { return s == "" || text(s, limit) }
	add(!short(d.ClinicAddress, maxLine), "details.clinicAddress", "needs at most 300 bytes of text")
	add(!short(d.Registration, maxLine), "details.registration", "needs at most 300 bytes of text")
	add(!one(d.Residence, "", Urban, Rural), "details.residence", "is unknown")
	add(!one(d.Care, "", PrimaryCare, SpecialisedCare, HighTechCare, PalliativeCare), "details.care", "is unknown")
	add(!one(d.Conditions, "", Outpatient, DayCare, Inpatient), "details.conditions", "is unknown")
	add(d.Policy != "" && (len(d.Policy) != 16 || !digits(d.Policy)), "details.policy", "needs 16 digits")
	_, err := time.Parse(time.DateOnly, d.PolicyIssued)
	add(d.PolicyIssued != "" && err != nil, "details.policyIssued", "needs a date")
	add(!short(d.Insurer, maxLine), "details.insurer", "needs at most 300 bytes of text")
	add(!short(d.Diagnosis, 10), "details.diagnosis", "needs a code of ICD-10")
	add(!short(d.Indications, maxIndications), "details.indications", "needs at most 2,000 bytes of text")
}

func one[W ~string](word W, of ...W) bool {
	for _, w := range of {
		if w == word {
			return true
		}
	}
	return false
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}
