package card

// Person is who the card is about, as a clinic knows the patient.
type Person struct {
	Name      Name
	Former    []Name // maiden names, earlier names, aliases
	Sex       string // male, female, other, unknown
	Born      Date
	Died      Date
	Deceased  bool // also where the date is not known
	Numbers   []Number
	Telecom   []Contact
	Addresses []Address
	Languages []Concept
}

// Name is a person's name. Russian practice: Given[0] is the first name, Given[1] the patronymic.
type Name struct {
	Use    string // official, maiden, nickname ...
	Text   string
	Family string
	Given  []string
}

// Full is the name in one line, the family name first, as Russian documents write it.
func (n Name) Full() string {
	full := n.Family
	for _, given := range n.Given {
		if full != "" {
			full += " "
		}
		full += given
	}
	if full == "" {
		return n.Text
	}
	return full
}

// Number is a number that some register gave the person. System is normalised: the Russian registers each have one name here,
// whatever way the source wrote it.
type Number struct{ System, Value string }

// Contact is a phone number, an e-mail address or the like.
type Contact struct{ System, Value, Use string }

// Address is a postal address. Lines is street, house and flat.
type Address struct {
	Use        string
	Text       string
	Lines      []string
	City       string
	Region     string
	PostalCode string
	Country    string
}

// Kind is KindPatient.
func (Person) Kind() Kind { return KindPatient }

// When is empty: a person is not an event.
func (Person) When() Date { return "" }

// The registers whose numbers a person has, under the one name that each has here.
const (
	SystemSNILS = "https://fhir.ru/ig/core/systems/snils"
	SystemOMS   = "https://fhir.ru/ig/core/systems/oms" // the unified number of the policy of compulsory medical insurance
	SystemINN   = "https://fhir.ru/ig/core/systems/inn"
)
