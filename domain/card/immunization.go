package card

// Immunization is a vaccination that was given, or that was not and why.
type Immunization struct {
	Status      string // completed, entered-in-error, not-done
	Reason      Concept
	Vaccine     Concept
	At          Date
	AtText      string // where the source gives words, not a date
	Recorded    Date
	Reported    bool // told by the patient or from papers, not given by the source itself
	Lot         string
	Expires     Date
	Maker       string
	Institution string
	Performers  []Party
	Site        Concept
	Route       Concept
	Dose        Quantity
	Doses       []Dose
	Visit       RecordID
	Notes       []string
}

// Dose is which step of which series it was.
type Dose struct {
	Series   string
	Number   string // "2", or words
	Of       string // how many doses the series has
	Diseases []Concept
}

// Kind is KindImmunization.
func (Immunization) Kind() Kind { return KindImmunization }

// When is the vaccination, else the day it was written down.
func (i Immunization) When() Date {
	if i.At != "" {
		return i.At
	}
	return i.Recorded
}
