package card

// Allergy is an allergy or an intolerance.
type Allergy struct {
	Code         Concept // the substance, or the statement that there is none
	Type         string  // allergy, intolerance
	Categories   []string
	Criticality  string // low, high, unable-to-assess
	Clinical     string // active, inactive, resolved
	Verification string
	Onset        Date
	Recorded     Date
	Last         Date // the last known reaction
	Reactions    []Reaction
	Recorder     Party
	Visit        RecordID
	Notes        []string
}

// Reaction is how the body answered.
type Reaction struct {
	Substance      Concept
	Manifestations []Concept
	Severity       string // mild, moderate, severe
	Onset          Date
	Description    string
}

// Kind is KindAllergy.
func (Allergy) Kind() Kind { return KindAllergy }

// When is the onset, else the day it was written down.
func (a Allergy) When() Date {
	if a.Onset != "" {
		return a.Onset
	}
	return a.Recorded
}
