// Package evidence names by what a person shows who he is and for whom he may act: documents that somebody looks at, and a policy whose
// insurer confirms it. Demand says which of them an operator wants to see before a card is opened.
package evidence

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Slot is a kind of document that a person may send, one of a closed set of words.
type Slot string

// The slots.
const (
	Passport          Slot = "passport"
	SNILS             Slot = "snils"
	Policy            Slot = "policy"
	PolicyApplication Slot = "policyApplication" // the certificate that a policy was applied for
	INN               Slot = "inn"
	DataConsent       Slot = "dataConsent" // to the processing of personal data, signed

	// By these somebody acts for another person.
	BirthCertificate    Slot = "birthCertificate"
	GuardianOrder       Slot = "guardianOrder"
	TrusteeOrder        Slot = "trusteeOrder"
	PowerOfAttorney     Slot = "powerOfAttorney"
	AdoptionCertificate Slot = "adoptionCertificate"
)

// profile is what follows from a slot.
type profile struct {
	slot   Slot
	code   int                          // in the NSI list 1.2.643.5.1.13.13.99.2.313, "documents of a patient's representative"; 0 = not in it
	number func(string) (string, error) // reads the number that is typed with the document; nil = it has none
}

// profiles in the order in which people see them.
var profiles = []profile{
	{slot: Passport, number: checked(identity.ParsePassport)},
	{slot: SNILS, number: checked(identity.ParseSNILS)},
	{slot: Policy, number: checked(identity.ParsePolicy)},
	{slot: PolicyApplication, number: checked(identity.ParsePolicyCertificate)},
	{slot: INN, number: personalINN},
	{slot: DataConsent},
	{slot: BirthCertificate, code: 1, number: free},
	{slot: GuardianOrder, code: 2, number: free},
	{slot: TrusteeOrder, code: 3, number: free},
	{slot: PowerOfAttorney, code: 4, number: free},
	{slot: AdoptionCertificate, code: 5, number: free},
}

// Slots lists them all, in the order in which people see them.
func Slots() []Slot {
	all := make([]Slot, len(profiles))
	for i, p := range profiles {
		all[i] = p.slot
	}
	return all
}

func (s Slot) profile() (profile, bool) {
	for _, p := range profiles {
		if p.slot == s {
			return p, true
		}
	}
	return profile{}, false
}

// Known reports whether the slot is one of those above.
func (s Slot) Known() bool { _, known := s.profile(); return known }

// Code is the slot's place in the NSI list of representatives' documents (1.2.643.5.1.13.13.99.2.313), 0 where it has none.
func (s Slot) Code() int { p, _ := s.profile(); return p.code }

// Numbered reports whether a number is typed with the document.
func (s Slot) Numbered() bool { p, _ := s.profile(); return p.number != nil }

// Why a slot or a number is refused, beside the reasons of package identity.
var (
	ErrSlot     = fault.New(fault.NotFound, "document.unknown_slot", "There is no such slot for a document. GET /v1/me/documents lists them.")
	ErrNumber   = fault.New(fault.Invalid, "document.number", "The number of this document has 1 to 64 letters, digits and signs.")
	ErrNoNumber = fault.New(fault.Invalid, "document.no_number", "This document is sent without a number.")
	ErrCompany  = fault.New(fault.Invalid, "inn.person", "This is the INN of an organisation: a person's has 12 digits.")
)

// Number reads the number that a person typed with the document, checks its check digits and gives its canonical form. No refusal
// repeats it.
func (s Slot) Number(typed string) (string, error) {
	p, known := s.profile()
	if !known {
		return "", ErrSlot
	}
	if p.number == nil {
		if typed != "" {
			return "", ErrNoNumber
		}
		return "", nil
	}
	return p.number(typed)
}

func checked[N ~string](parse func(string) (N, error)) func(string) (string, error) {
	return func(typed string) (string, error) {
		n, err := parse(typed)
		return string(n), err
	}
}

func personalINN(typed string) (string, error) {
	n, err := identity.ParseINN(typed)
	if err == nil && len(n) != 12 {
		return "", ErrCompany
	}
	return string(n), err
}

// free reads a number that many offices write in many ways.
func free(typed string) (string, error) {
	n := strings.ToUpper(strings.Join(strings.Fields(typed), " "))
	if n == "" || utf8.RuneCountInString(n) > 64 || strings.ContainsFunc(n, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", ErrNumber
	}
	return n, nil
}
