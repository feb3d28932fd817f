package fhir

import "github.com/medcard/medcard/domain/card"

// person maps Patient.
func person(n *node) card.Person {
	p := card.Person{
		Sex:      n.str("gender"),
		Born:     n.date("birthDate"),
		Died:     n.date("deceasedDateTime"),
		Deceased: n.yes("deceasedBoolean") || n.get("deceasedDateTime") != nil,
	}
	p.Name, p.Former = names(n)
	for _, i := range identifiersOf(n) {
		if i.Value != "" {
			p.Numbers = append(p.Numbers, i.Number)
		}
	}
	for _, t := range n.list("telecom") {
		p.Telecom = append(p.Telecom, card.Contact{System: t.str("system"), Value: t.str("value"), Use: t.str("use")})
	}
	for _, a := range n.list("address") {
		p.Addresses = append(p.Addresses, card.Address{
			Use: a.str("use"), Text: a.str("text"), Lines: a.strs("line"), City: a.str("city"), Region: a.str("state"),
			PostalCode: a.str("postalCode"), Country: a.str("country"),
		})
	}
	for _, c := range n.list("communication") {
		p.Languages = append(p.Languages, c.concept("language"))
	}
	return p
}

// names gives the name to use now and the others: the official one, else one in use, else the first.
func names(n *node) (now card.Name, others []card.Name) {
	list := n.list("name")
	best, rank := -1, 0
	for i := range list {
		worth := map[string]int{"official": 4, "usual": 3, "": 2, "old": 0, "maiden": 0}
		w, known := worth[list[i].str("use")]
		if !known {
			w = 1
		}
		if over := list[i].get("period").str("end"); over != "" {
			w = 0
		}
		if best < 0 || w > rank {
			best, rank = i, w
		}
	}
	for i := range list {
		name := card.Name{Use: list[i].str("use"), Text: list[i].str("text"), Family: list[i].str("family"), Given: list[i].strs("given")}
		if i == best {
			now = name
		} else {
			others = append(others, name)
		}
	}
	return now, others
}

// nameOf is the name of a Practitioner or another person than the patient.
func nameOf(n *node) card.Name {
	now, _ := names(n)
	return now
}
