package card

// Medication is a prescription as another system posted it: a line of the patient's history. A prescription that Medcard itself
// issues, with a code that a pharmacy accepts, is domain/prescription.
type Medication struct {
	Status    string // active, on-hold, cancelled, completed, stopped ...
	Intent    string // order, plan, proposal ...
	Drug      Concept
	Dosages   []Dosage
	Written   Date
	Requester Party
	Reasons   []Concept
	For       []RecordID // conditions of the same card
	Valid     Period
	Repeats   string // how often it may be dispensed again
	Quantity  Quantity
	Group     string // what several lines of one form share
	Visit     RecordID
	Notes     []string
}

// Dosage is how to take it.
type Dosage struct {
	Text         string
	Patient      string // in the patient's words
	Timing       Timing
	AsNeeded     bool
	Condition    Concept // as needed for this
	Route        Concept
	Site         Concept
	Method       Concept
	Dose         Quantity
	DoseRange    Range
	Instructions []Concept
}

// Timing is how often: Frequency times each Period of Unit.
type Timing struct {
	Code      Concept // "twice a day" as a code
	Frequency string
	Period    string
	Unit      string // s, min, h, d, wk, mo, a
	When      []string
	Bounds    Period
}

// Kind is KindMedication.
func (Medication) Kind() Kind { return KindMedication }

// Current reports whether its author says that it is in force.
func (m Medication) Current() bool { return m.Status == "active" || m.Status == "on-hold" }

// When is the day it was written.
func (m Medication) When() Date { return m.Written }
