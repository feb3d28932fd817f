package fhir

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/posting"
)

// MaxEntries is how many entries one transaction may have.
const MaxEntries = 5_000

// Why a bundle that is valid R4 is not taken.
var (
	ErrNotTransaction = fault.New(fault.Invalid, "bundle.not_transaction", "Send a Bundle of type transaction.")
	ErrTooManyEntries = fault.New(fault.TooLarge, "bundle.too_many_entries", "A bundle has at most 5000 entries: send it in parts.")
	ErrRequest        = fault.New(fault.Invalid, "bundle.request", "Each entry needs a resource and a request that creates or updates it: POST with its type, or PUT with its type and id.")
	ErrOnePatient     = fault.New(fault.Invalid, "bundle.one_patient", "A bundle is about exactly one Patient, who is one of its entries.")
	ErrForeignSubject = fault.New(fault.Invalid, "bundle.foreign_subject", "Every resource has to be about the bundle's one Patient.")
	ErrDuplicate      = fault.New(fault.Invalid, "bundle.duplicate", "Two entries are the same resource: they share type and identifier, or type and id.")
)

// Bundle is a transaction about exactly one patient.
type Bundle struct {
	Entries []Entry
	patient int // the entry that is the Patient

	byURL  map[string]int
	byName map[posting.Key]int // every type and id, and type and identifier, of each entry
}

// shared stands for an identifier that several entries have, like the number of an order: it leads to none of them.
const shared = -1

// Entry is one resource of a bundle.
type Entry struct {
	Type   string
	Kind   card.Kind // "" where the card has no place for the type: it is kept as posted
	Key    posting.Key
	Digest posting.Digest
	Body   []byte // the resource, byte for byte

	IfNone  bool // create only: what is there stays as it is
	IfMatch int  // update only this version; 0 = any

	node    *node
	place   string
	fullURL string
}

// Place is where the entry stands in the document.
func (e Entry) Place() string { return e.place }

// kinds says which kind of record a resource type becomes.
var kinds = map[string]card.Kind{
	"Patient":            card.KindPatient,
	"Encounter":          card.KindEncounter,
	"Condition":          card.KindCondition,
	"AllergyIntolerance": card.KindAllergy,
	"Observation":        card.KindObservation,
	"DiagnosticReport":   card.KindReport,
	"MedicationRequest":  card.KindMedication,
	"Immunization":       card.KindImmunization,
	"Procedure":          card.KindProcedure,
	"CarePlan":           card.KindCarePlan,
	"DocumentReference":  card.KindDocument,
	"Media":              card.KindDocument,
}

// ReadBundle reads a transaction and checks all that can be checked without knowing what is stored.
func ReadBundle(data []byte) (*Bundle, error) {
	root, err := parse(data)
	if err != nil {
		return nil, err
	}
	// A bundle with too many entries is refused before each of them is looked at.
	if len(root.list("entry")) > MaxEntries {
		return nil, ErrTooManyEntries
	}
	if err := validate(root); err != nil {
		return nil, err
	}
	if root.str("resourceType") != "Bundle" || root.str("type") != "transaction" {
		return nil, ErrNotTransaction
	}
	b := &Bundle{byURL: map[string]int{}, byName: map[posting.Key]int{}, patient: -1}
	for i, n := range root.list("entry") {
		e, err := readEntry(&n, fmt.Sprintf("Bundle.entry[%d]", i))
		if err != nil {
			return nil, err
		}
		e.Body = data[e.node.start:e.node.end]
		if e.Type == "Patient" {
			if b.patient >= 0 {
				return nil, ErrOnePatient.At(e.place, "a second Patient")
			}
			b.patient = i
		}
		b.Entries = append(b.Entries, e)
	}
	if b.patient < 0 {
		return nil, ErrOnePatient
	}
	if err := b.index(); err != nil {
		return nil, err
	}
	if err := b.checkSubjects(); err != nil {
		return nil, err
	}
	return b, b.checkNumbers()
}

func readEntry(n *node, place string) (Entry, error) {
	resource, request := n.get("resource"), n.get("request")
	if resource == nil || request == nil {
		return Entry{}, ErrRequest.At(place, "no resource, or no request")
	}
	e := Entry{Type: resource.str("resourceType"), node: resource, place: place, fullURL: n.str("fullUrl")}
	e.Kind = kinds[e.Type]
	e.Key = posting.Key{Type: e.Type, Name: ownName(resource)}
	url, _, _ := strings.Cut(strings.TrimPrefix(request.str("url"), "/"), "#")
	switch path, query, asked := strings.Cut(url, "?"); request.str("method") {
	case "POST":
		if path != e.Type || asked {
			return Entry{}, ErrRequest.At(place+".request.url", "POST goes to the resource's type")
		}
		if query := request.str("ifNoneExist"); query != "" {
			if e.Key.Name, e.IfNone = nameInQuery(query); !e.IfNone {
				return Entry{}, ErrRequest.At(place+".request.ifNoneExist", "only identifier=system|value is searched for")
			}
		}
	case "PUT":
		id, hasID := strings.CutPrefix(path, e.Type+"/")
		name, byIdentifier := nameInQuery(query)
		switch {
		case hasID && !asked && id != "" && id == resource.str("id"):
			e.Key.Name = "id|" + id
		case path == e.Type && asked && byIdentifier:
			e.Key.Name = name
		default:
			return Entry{}, ErrRequest.At(place+".request.url", "PUT goes to the resource's type and its own id, or to its type?identifier=system|value")
		}
		if tag := request.str("ifMatch"); tag != "" {
			number, weak := strings.CutPrefix(strings.TrimSuffix(tag, `"`), `W/"`)
			version, err := strconv.Atoi(number)
			if !weak || err != nil || version < 1 {
				return Entry{}, ErrRequest.At(place+".request.ifMatch", `is no ETag of ours: W/"<version>"`)
			}
			e.IfMatch = version
		}
	default:
		return Entry{}, ErrRequest.At(place+".request.method", "only POST and PUT are taken here")
	}
	return e, nil
}

// ownName is by what the sender knows a resource: its first identifier with a system, else its id. Of a patient the numbers of
// state registers do not count: other organisations know the same ones.
func ownName(resource *node) string {
	for _, i := range identifiersOf(resource) {
		if i.System != "" && i.Value != "" && !i.official {
			return i.name()
		}
	}
	if id := resource.str("id"); id != "" {
		return "id|" + id
	}
	return ""
}

// nameInQuery reads "identifier=system|value".
func nameInQuery(query string) (string, bool) {
	value, ok := strings.CutPrefix(query, "identifier=")
	if !ok || strings.Contains(value, "&") {
		return "", false
	}
	system, value, ok := strings.Cut(unescape(value), "|")
	if !ok || system == "" || value == "" {
		return "", false
	}
	return normal(system, value).name(), true
}

// index makes the entries findable, then gives each its digest.
func (b *Bundle) index() error {
	for i, e := range b.Entries {
		if e.fullURL != "" {
			if _, twice := b.byURL[e.fullURL]; twice {
				return ErrDuplicate.At(e.place+".fullUrl", "stands at another entry as well")
			}
			b.byURL[e.fullURL] = i
		}
		names := []string{e.Key.Name}
		if id := e.node.str("id"); id != "" {
			names = append(names, "id|"+id)
		}
		for _, identifier := range identifiersOf(e.node) {
			if identifier.System != "" && identifier.Value != "" {
				names = append(names, identifier.name())
			}
		}
		for _, name := range names {
			key := posting.Key{Type: e.Type, Name: name}
			other, taken := b.byName[key]
			switch {
			case !taken || other == i:
				b.byName[key] = i
			case other != shared && (name == e.Key.Name || name == b.Entries[other].Key.Name):
				return ErrDuplicate.At(e.place, "the same as "+b.Entries[other].place)
			default:
				b.byName[key] = shared
			}
		}
	}
	for i := range b.Entries {
		e := &b.Entries[i]
		e.Digest = b.digest(e.node)
		if e.Key.Name == "" { // nothing to know it by but its content
			e.Key.Name = fmt.Sprintf("content|%x", e.Digest)
		}
	}
	return nil
}

// Introduction is by what the patient's card is found.
func (b *Bundle) Introduction() posting.Introduction {
	resource := b.Entries[b.patient].node
	who := posting.Introduction{Born: resource.date("birthDate")}
	for _, i := range identifiersOf(resource) {
		switch {
		case i.official:
			who.Numbers = append(who.Numbers, i.Number)
		case i.System != "" && i.Value != "":
			who.Names = append(who.Names, i.name())
		}
	}
	// An id is trusted only where there is nothing better: some systems write the same "patient-1" into every bundle.
	if key := b.Entries[b.patient].Key.Name; len(who.Names) == 0 && !strings.HasPrefix(key, "content|") {
		who.Names = append(who.Names, key)
	}
	return who
}

// checkNumbers refuses mistyped numbers of state registers: one that happens to be another person's would join two cards.
func (b *Bundle) checkNumbers() error {
	e := b.Entries[b.patient]
	for i, identifier := range identifiersOf(e.node) {
		if identifier.wrong != nil {
			f := fault.From(identifier.wrong)
			return f.At(fmt.Sprintf("%s.resource.identifier[%d].value", e.place, i), f.Text)
		}
	}
	return nil
}
