package card

// Visit is one contact with a clinic: an appointment, a stay, a house call.
type Visit struct {
	Status      string
	Class       Coding // ambulatory, inpatient, emergency ...
	Types       []Concept
	Period      Period
	Reasons     []Concept
	Institution string
	Doctors     []Party
	Discharge   Concept // where the patient went afterwards
}

// Kind is KindEncounter.
func (Visit) Kind() Kind { return KindEncounter }

// When is the beginning.
func (v Visit) When() Date { return v.Period.Start }
