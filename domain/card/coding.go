package card

// Coding is one code of one dictionary: ICD-10 "J06.9", LOINC "718-7", FSLI "1017128".
type Coding struct{ System, Code, Display string }

// Concept is a thing named by codes of several dictionaries, by free text, or by both. The codes mean the same.
type Concept struct {
	Codings []Coding
	Text    string
}

// Label is what to show a person: the text the author wrote, else the first display, else the first code.
func (c Concept) Label() string {
	if c.Text != "" {
		return c.Text
	}
	for _, coding := range c.Codings {
		if coding.Display != "" {
			return coding.Display
		}
	}
	for _, coding := range c.Codings {
		if coding.Code != "" {
			return coding.Code
		}
	}
	return ""
}

// Code is the concept's code in a dictionary, "" if it has none there.
func (c Concept) Code(system string) string {
	for _, coding := range c.Codings {
		if coding.System == system {
			return coding.Code
		}
	}
	return ""
}

// Empty reports whether the concept says nothing.
func (c Concept) Empty() bool { return len(c.Codings) == 0 && c.Text == "" }

// The dictionaries that this country's and the world's systems name most.
const (
	SystemLOINC  = "http://loinc.org"
	SystemSNOMED = "http://snomed.info/sct"
	SystemUCUM   = "http://unitsofmeasure.org"
	SystemICD10  = "urn:oid:1.2.643.5.1.13.13.11.1005" // the Russian edition of ICD-10
	SystemFSLI   = "urn:oid:1.2.643.5.1.13.13.11.1080" // the federal directory of laboratory tests
)

// Quantity is a measured amount. Value is the decimal as the laboratory wrote it: "7.10" is more precise than "7.1", and a
// float would lose that.
type Quantity struct {
	Value      string
	Comparator string // "<", "<=", ">=", ">" where the value is only a bound
	Unit       string // as shown
	System     string // the dictionary of Code, usually UCUM
	Code       string // the unit as a computer reads it
}

// Range is an interval of amounts. A bound without a value is open.
type Range struct{ Low, High Quantity }

// Party is somebody who did something: a person, an institution or both.
type Party struct {
	Name         string // of the person
	Role         string // position or specialty
	Organisation string
}
