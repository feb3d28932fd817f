package card

// Comment is what the patient writes about a record of the card. Text and About change independently.
type Comment struct {
	Text    string
	About   RecordID
	Written Date
}

// Kind is KindComment.
func (Comment) Kind() Kind { return KindComment }

// When is the day it was first written.
func (c Comment) When() Date { return c.Written }
