package card

// Document is a paper or a picture that a clinic filed as such, with next to nothing said in fields: a discharge letter, a certificate,
// a photo of a wound. What it says stands in its files.
type Document struct {
	Status      string
	Code        Concept // what kind of document
	Categories  []Concept
	At          Period // the time that it tells of, or when the picture was taken
	Date        Date   // when it was filed
	Authors     []Party
	Description string
	Site        Concept // of a picture: what of the body it shows
	Notes       []string
	Attachments []Attachment
	Visit       RecordID
}

// Kind is KindDocument.
func (Document) Kind() Kind { return KindDocument }

// When is the time that it tells of, else that of its filing.
func (d Document) When() Date {
	if d.At.Start != "" {
		return d.At.Start
	}
	return d.Date
}
