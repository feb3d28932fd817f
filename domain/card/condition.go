package card

// Condition is a diagnosis or a problem.
type Condition struct {
	Code         Concept
	Categories   []Concept
	Clinical     string // active, recurrence, relapse, inactive, remission, resolved
	Verification string // confirmed, provisional, differential, refuted ...
	Severity     Concept
	Onset        Date
	OnsetText    string // where the source gives words or an age, not a date
	Abated       Date
	Recorded     Date
	Recorder     Party
	Visit        RecordID
	Notes        []string
}

// Kind is KindCondition.
func (Condition) Kind() Kind { return KindCondition }

// When is the onset, else the day it was written down.
func (c Condition) When() Date {
	if c.Onset != "" {
		return c.Onset
	}
	return c.Recorded
}
