// Package card names what stands in a patient's electronic medical card.
//
// A card is a set of records. A record has a Kind (what it is), a Scope (who may see it: the unit in which access is given
// and taken) and, for a clinical record, a fact: Visit, Condition, Observation and so on, one file each.
package card

import (
	"maps"
	"slices"
	"strings"
)

// ID names a card, RecordID a record of it. Both are UUIDs in canonical text form; new ones are version 7.
type (
	ID       string
	RecordID string
)

// Kind says what a record is.
type Kind string

// The kinds of records. The names travel and are stored: they never change.
const (
	KindPatient      Kind = "patient"
	KindEncounter    Kind = "encounter"
	KindCondition    Kind = "condition"
	KindAllergy      Kind = "allergy"
	KindObservation  Kind = "observation"
	KindReport       Kind = "report"
	KindMedication   Kind = "medication"
	KindImmunization Kind = "immunization"
	KindProcedure    Kind = "procedure"
	KindCarePlan     Kind = "carePlan"
	KindMeasurement  Kind = "measurement"
	KindComment      Kind = "comment"
	KindPrescription Kind = "prescription"
	KindReferral     Kind = "referral"
	KindDocument     Kind = "document"
	KindCertificate  Kind = "certificate"
)

// Classes are the classes of access that there are.
func Classes() []string { return slices.Compact(slices.Sorted(maps.Values(classes))) }

// Known reports whether the kind is one of these.
func (k Kind) Known() bool {
	_, known := classes[k]
	return known
}

// Scope is the unit of access: a class of kinds, a dot, a label ("lab.general", "lab.psychiatric"). What is in force at present stands in a
// part of its scope, behind a second dot ("rx.general.current"): who sees the scope sees its part, and who sees the part sees that alone.
type Scope string

// current is the part of a scope in which stands what is in force at present.
const current = ".current"

// General is the label of everything that is not sensitive.
const General = "general"

// classes says to which class of access each kind belongs.
var classes = map[Kind]string{
	KindPatient:      "identity",
	KindEncounter:    "visit",
	KindCondition:    "dx",
	KindAllergy:      "dx",
	KindObservation:  "lab",
	KindReport:       "lab",
	KindMedication:   "rx",
	KindImmunization: "vaccine",
	KindProcedure:    "visit",
	KindCarePlan:     "plan",
	KindMeasurement:  "vitals",
	KindComment:      "note",
	KindPrescription: "rx",
	KindReferral:     "referral",
	KindDocument:     "doc", // not "lab": a letter holds diagnoses, which who sees laboratory results must not
	KindCertificate:  "doc",
}

// ScopeOf gives the scope of a kind under a label. An unknown kind gets a class of its own name, which no grant of today
// names, so that a kind that was forgotten here is hidden rather than shown.
func ScopeOf(kind Kind, label string) Scope {
	class, ok := classes[kind]
	if !ok {
		class = string(kind)
	}
	return Scope(class + "." + label)
}

// Class is the part before the dot.
func (s Scope) Class() string { class, _, _ := strings.Cut(string(s), "."); return class }

// Label is what stands after the dot, without what may follow it.
func (s Scope) Label() string { _, label, _ := strings.Cut(string(s.Whole()), "."); return label }

// Current gives the part of the scope in which stands what is in force at present: prescriptions that a pharmacy would still take.
func (s Scope) Current() Scope { return s.Whole() + current }

// Whole is the contrary of Current.
func (s Scope) Whole() Scope { return Scope(strings.TrimSuffix(string(s), current)) }

// Sensitive reports whether what stands in the scope is of a kind that harms a person when the wrong one reads it: psychiatry, HIV,
// addiction. Whatever is not labelled as general is taken for it.
func (s Scope) Sensitive() bool { return s.Label() != General }

// hidden begins the label of what its owner hid; what the label was follows.
const hidden = "hidden"

// Hidden reports whether the owner hid what stands in the scope from everybody else.
func (s Scope) Hidden() bool { return strings.HasPrefix(s.Label(), hidden) }

// Hide gives the scope in which a record of this one is hidden, Show the one to which it comes back.
func (s Scope) Hide() Scope {
	if s.Hidden() {
		return s
	}
	class, label, _ := strings.Cut(string(s), ".")
	return Scope(class + "." + hidden + label)
}

// Show is the contrary of Hide.
func (s Scope) Show() Scope {
	class, label, _ := strings.Cut(string(s), ".")
	return Scope(class + "." + strings.TrimPrefix(label, hidden))
}

// Section is how a scope of a card stands.
type Section struct {
	Scope Scope
	Head  uint64 // the last commit that touched it: that a record left it does so, too
	Live  bool   // a record stands in it
}

// Scopes is a set of scopes. A member holds its part, too, and may be a pattern: "lab.*" holds every label of a class, "*.hiv" one
// label of all classes, "*" holds everything.
type Scopes []Scope

// Everything holds every scope.
func Everything() Scopes { return Scopes{"*"} }

// Holds reports whether the set holds the scope.
func (s Scopes) Holds(scope Scope) bool {
	for _, pattern := range s {
		if pattern == "*" || pattern == scope || pattern == scope.Whole() {
			return true
		}
		if class, ok := strings.CutSuffix(string(pattern), ".*"); ok && class == scope.Class() {
			return true
		}
		if label, ok := strings.CutPrefix(string(pattern), "*."); ok && label == scope.Label() {
			return true
		}
	}
	return false
}

// ScopesOf makes a set of scopes as they are written in JSON and in tables.
func ScopesOf(words []string) Scopes {
	scopes := make(Scopes, len(words))
	for i, word := range words {
		scopes[i] = Scope(word)
	}
	return scopes
}

// Words are the scopes as ScopesOf reads them; none is an empty list, not nil.
func (s Scopes) Words() []string {
	words := make([]string, len(s))
	for i, scope := range s {
		words[i] = string(scope)
	}
	return words
}

// Plausible reports whether the scope is written like one: a class, a dot and a label of letters and digits, either but
// not both of them a star. It does not say that such a scope exists: see Known. The parts of scopes are not for people to give: levels of access name them.
func (s Scope) Plausible() bool {
	class, label, dotted := strings.Cut(string(s), ".")
	return dotted && (word(class) && (label == "*" || word(label)) || class == "*" && word(label))
}

// Known reports whether there are such a class and such a label: to let somebody see what does not exist is a slip, and to keep it from him
// is one that harms.
func (s Scope) Known() bool {
	class, label, _ := strings.Cut(string(s), ".")
	return (class == "*" || slices.Contains(Classes(), class)) && (label == "*" || slices.Contains(Labels(), label))
}

func word(s string) bool {
	if s == "" || len(s) > 40 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') {
			return false
		}
	}
	return true
}
