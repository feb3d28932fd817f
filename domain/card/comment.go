package card

// Comment is what the patient writes about a record of the card. Text, About and Attachments change independently.
type Comment struct {
	Text        string
	About       RecordID
	Written     Date
	Attachments []Attachment
}

// Kind is KindComment.
func (Comment) Kind() Kind { return KindComment }

// When is the day it was first written.
func (c Comment) When() Date { return c.Written }
