package card

// Plan is what is intended: a care plan with its activities.
type Plan struct {
	Status      string
	Intent      string
	Title       string
	Description string
	Categories  []Concept
	Period      Period
	Created     Date
	Author      Party
	For         []RecordID // conditions of the same card
	Activities  []Activity
	Visit       RecordID
	Notes       []string
}

// Activity is one step of a plan.
type Activity struct {
	Code        Concept
	Status      string
	Scheduled   Period
	When        string // in words
	Where       string
	Who         []Party
	Description string
	Reference   RecordID // the record that carries the step out, of the same card
}

// Kind is KindCarePlan.
func (Plan) Kind() Kind { return KindCarePlan }

// When is the beginning, else the day it was made.
func (p Plan) When() Date {
	if p.Period.Start != "" {
		return p.Period.Start
	}
	return p.Created
}
