package card

// Report is a finished piece of diagnostic work: a laboratory sheet, an imaging study, an ECG, with its results.
type Report struct {
	Status      string
	Categories  []Concept
	Code        Concept
	At          Period
	Issued      Date
	Performers  []Party
	Results     []RecordID // observations of the same card, in the sheet's order
	Conclusion  string
	Findings    []Concept // the conclusion in codes
	Attachments []Attachment
	Visit       RecordID
}

// Kind is KindReport.
func (Report) Kind() Kind { return KindReport }

// When is the study, else the release.
func (r Report) When() Date {
	if r.At.Start != "" {
		return r.At.Start
	}
	return r.Issued
}
