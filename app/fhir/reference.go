package fhir

import (
	"net/url"
	"strings"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/posting"
)

// target is where a reference leads.
type target struct {
	entry int         // of the bundle; -1 = not there
	key   posting.Key // also of what was posted before; empty where the reference says nothing that can be followed
	inner bool        // "#id": a resource contained in the same one
}

// follow finds where a Reference leads.
func (b *Bundle) follow(reference *node) target {
	literal := reference.str("reference")
	if literal == "" {
		i := identifierOf(reference.get("identifier"))
		if i.Value == "" {
			return target{entry: -1}
		}
		return b.named(posting.Key{Type: reference.str("type"), Name: i.name()})
	}
	if strings.HasPrefix(literal, "#") {
		return target{entry: -1, inner: true}
	}
	if i, ok := b.byURL[literal]; ok {
		return target{entry: i, key: b.Entries[i].Key}
	}
	if kind, query, ok := strings.Cut(literal, "?"); ok {
		name, _ := nameInQuery(query)
		return b.named(posting.Key{Type: kind, Name: name})
	}
	literal, _, _ = strings.Cut(literal, "/_history/")
	if i, ok := b.byURL[literal]; ok {
		return target{entry: i, key: b.Entries[i].Key}
	}
	kind, id, relative := strings.Cut(literal, "/")
	if !relative || strings.Contains(literal, ":") { // an address elsewhere: its last words say what it is, but not whose
		if parts := strings.Split(literal, "/"); len(parts) > 2 {
			return target{entry: -1, key: posting.Key{Type: parts[len(parts)-2]}}
		}
		return target{entry: -1, key: posting.Key{Type: reference.str("type")}}
	}
	return b.named(posting.Key{Type: kind, Name: "id|" + id})
}

func (b *Bundle) named(key posting.Key) target {
	if i, ok := b.byName[key]; ok && i != shared {
		return target{entry: i, key: b.Entries[i].Key}
	}
	return target{entry: -1, key: key}
}

func unescape(query string) string {
	if plain, err := url.QueryUnescape(query); err == nil {
		return plain
	}
	return query
}

func normal(system, value string) identifier {
	return identifierOf(&node{kind: object, fields: []field{
		{"system", node{kind: text, text: system}}, {"value", node{kind: text, text: value}},
	}})
}

// Outside lists the keys that resources of the bundle refer to and that are not in it: what was posted before, perhaps.
func (b *Bundle) Outside() []posting.Key {
	var keys []posting.Key
	seen := map[posting.Key]bool{}
	for _, e := range b.Entries {
		walkReferences(e.node, e.place+".resource", func(reference *node, _ string) {
			t := b.follow(reference)
			if t.entry < 0 && t.key.Name != "" && kinds[t.key.Type] != "" && !seen[t.key] {
				seen[t.key] = true
				keys = append(keys, t.key)
			}
		})
	}
	return keys
}

// subjects names the elements that say, at the top of a resource, about whom it is.
var subjects = []string{"subject", "patient", "beneficiary"}

// checkSubjects makes sure that no resource is about anybody else.
func (b *Bundle) checkSubjects() error {
	for i, e := range b.Entries {
		if err := b.checkReferences(e); err != nil {
			return err
		}
		about := false
		for _, name := range subjects {
			for _, reference := range e.node.list(name) {
				if reference.kind != object || reference.get("coding") != nil {
					continue // a subject that is a concept, as in some definitional resources
				}
				if b.follow(&reference).entry != b.patient {
					return ErrForeignSubject.At(e.place+".resource."+name, "is not the bundle's Patient")
				}
				about = true
			}
		}
		if e.Kind != "" && i != b.patient && !about {
			return ErrForeignSubject.At(e.place+".resource", "names no patient")
		}
	}
	return nil
}

// checkReferences refuses every reference to a patient who is not the bundle's, wherever in the resource it stands, and patients
// hidden inside other resources.
func (b *Bundle) checkReferences(e Entry) error {
	for _, inner := range e.node.list("contained") {
		if inner.str("resourceType") == "Patient" {
			return ErrOnePatient.At(e.place+".resource.contained", "a Patient inside another resource")
		}
	}
	var err error
	walkReferences(e.node, e.place+".resource", func(reference *node, place string) {
		t := b.follow(reference)
		if (t.key.Type == "Patient" || reference.str("type") == "Patient") && t.entry != b.patient && err == nil {
			err = ErrForeignSubject.At(place, "refers to another Patient")
		}
		if t.entry == b.patient && b.contradicts(reference) && err == nil {
			err = ErrForeignSubject.At(place, "leads to the bundle's Patient and names somebody else by an identifier")
		}
	})
	return err
}

// contradicts reports whether a reference that leads to the bundle's Patient carries an identifier that is not hers: a number of a
// state register that she is not introduced with, or another one where she has one of the same system. Which half of such a
// reference is the mistake nobody can tell.
func (b *Bundle) contradicts(reference *node) bool {
	given := identifierOf(reference.get("identifier"))
	if given.Value == "" {
		return false
	}
	other := given.official
	for _, own := range identifiersOf(b.Entries[b.patient].node) {
		if own.Number == given.Number {
			return false
		}
		other = other || own.System != "" && own.System == given.System
	}
	return other
}

// walkReferences visits every Reference of a resource, also inside of contained ones. Nothing else in R4 has a text under the
// name "reference"; a logical reference has an identifier and a type.
func walkReferences(n *node, place string, visit func(reference *node, place string)) {
	if r := n.get("reference"); r != nil && r.kind == text || n.get("identifier") != nil && n.get("type") != nil && n.get("type").kind == text {
		if n.get("resourceType") == nil {
			visit(n, place)
		}
	}
	for i := range n.fields {
		walkReferences(&n.fields[i].value, place+"."+n.fields[i].name, visit)
	}
	for i := range n.items {
		walkReferences(&n.items[i], place, visit)
	}
}

// resolver answers the references of one resource while it is mapped.
type resolver struct {
	bundle   *Bundle
	resource *node
	record   func(posting.Key) card.RecordID
}

// to finds the record of the card to which a reference leads; "" where there is none.
func (r resolver) to(reference *node) card.RecordID {
	if reference == nil {
		return ""
	}
	t := r.bundle.follow(reference)
	if t.key.Name == "" || kinds[t.key.Type] == "" {
		return ""
	}
	return r.record(t.key)
}

func (r resolver) all(references []node) (ids []card.RecordID) {
	for _, reference := range references {
		if id := r.to(&reference); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// resource finds the resource itself, in the bundle or contained.
func (r resolver) resourceOf(reference *node) *node {
	if reference == nil {
		return nil
	}
	if id, ok := strings.CutPrefix(reference.str("reference"), "#"); ok {
		for _, inner := range r.resource.list("contained") {
			if inner.str("id") == id {
				return &inner
			}
		}
		return nil
	}
	if t := r.bundle.follow(reference); t.entry >= 0 {
		return r.bundle.Entries[t.entry].node
	}
	return nil
}

// party says who it was to whom a reference leads.
func (r resolver) party(reference *node) (p card.Party) {
	if reference == nil {
		return p
	}
	resource := r.resourceOf(reference)
	switch resource.str("resourceType") {
	case "Practitioner", "RelatedPerson":
		p.Name = nameOf(resource).Full()
		p.Role = firstLabel(qualifications(resource))
	case "PractitionerRole":
		p = r.party(resource.get("practitioner"))
		p.Organisation = r.organisation(resource.get("organization"))
		if role := firstLabel(resource.concepts("specialty")); role != "" {
			p.Role = role
		} else if role := firstLabel(resource.concepts("code")); role != "" {
			p.Role = role
		}
	case "Organization", "Location", "HealthcareService":
		p.Organisation = resource.str("name")
	}
	if p == (card.Party{}) {
		p.Name = reference.str("display")
	}
	return p
}

func (r resolver) parties(references []node) (all []card.Party) {
	for _, reference := range references {
		if p := r.party(&reference); p != (card.Party{}) {
			all = append(all, p)
		}
	}
	return all
}

// organisation is the name of the institution to which a reference leads.
func (r resolver) organisation(reference *node) string {
	if resource := r.resourceOf(reference); resource.str("name") != "" {
		return resource.str("name")
	}
	return reference.str("display")
}

func qualifications(practitioner *node) (all []card.Concept) {
	for _, q := range practitioner.list("qualification") {
		all = append(all, q.concept("code"))
	}
	return all
}

func firstLabel(concepts []card.Concept) string {
	for _, c := range concepts {
		if label := c.Label(); label != "" {
			return label
		}
	}
	return ""
}
