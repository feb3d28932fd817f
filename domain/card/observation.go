package card

// Observation is one measured or stated thing: a laboratory value, a vital sign, an answer of a questionnaire.
type Observation struct {
	Status     string // final, preliminary, corrected ...
	Categories []Concept
	Code       Concept
	At         Period // a single moment has no end
	Issued     Date   // when it was released
	Value      Value
	Normal     []Reference
	Meaning    []Concept // interpretation: high, low, normal ...
	Components []Component
	Members    []RecordID // of a panel
	Performers []Party
	Method     Concept
	Site       Concept
	Specimen   Concept
	Visit      RecordID
	Notes      []string
}

// Component is one of several values taken together, like the two of a blood pressure.
type Component struct {
	Code    Concept
	Value   Value
	Normal  []Reference
	Meaning []Concept
}

// Value is what was found. At most one of its parts is filled, and Absent says why there is none.
type Value struct {
	Quantity Quantity
	Concept  Concept
	Text     string
	Yes      *bool
	Range    Range
	Ratio    Ratio
	Date     Date
	Period   Period
	Series   *Series
	Absent   Concept
}

// Ratio is one amount in another, like a titre of 1:128.
type Ratio struct{ Numerator, Denominator Quantity }

// Series is a sampled signal, like an electrocardiogram.
type Series struct {
	Origin     Quantity
	Period     string // milliseconds between samples, a decimal
	Factor     string
	Low, High  string
	Dimensions string
	Data       string
}

// Reference is a reference interval: the values that are usual for people like this one.
type Reference struct {
	Range     Range
	Type      Concept // normal, treatment target ...
	AppliesTo []Concept
	Text      string
}

// Kind is KindObservation.
func (Observation) Kind() Kind { return KindObservation }

// When is the sampling or measuring, else the release.
func (o Observation) When() Date {
	if o.At.Start != "" {
		return o.At.Start
	}
	return o.Issued
}
