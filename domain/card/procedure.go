package card

// Procedure is something that was done to or with the patient: an operation, a dressing, a consultation.
type Procedure struct {
	Status     string
	Reason     Concept // why it was not done or not finished
	Category   Concept
	Code       Concept
	At         Period
	AtText     string // where the source gives words or an age, not a date
	Performers []Party
	Location   string
	Reasons    []Concept
	For        []RecordID // conditions of the same card
	Sites      []Concept
	Outcome    Concept
	Followups  []Concept
	Visit      RecordID
	Notes      []string
}

// Kind is KindProcedure.
func (Procedure) Kind() Kind { return KindProcedure }

// When is the beginning.
func (p Procedure) When() Date { return p.At.Start }
