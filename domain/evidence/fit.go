package evidence

import (
	"slices"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/family"
)

// MaxMismatches is how often somebody who waits for a card may prove that he is somebody else: a document with a mistyped number is put right
// in one or two tries, and who tries out whose card it is has no more than these of a code from a desk, each of them a reviewer's work.
const MaxMismatches = 5

// Proof is what was found to be true of a person: a document that a reviewer approved, or a policy that its insurer confirmed.
type Proof struct {
	Slot   Slot         // or ByInsurer
	Number string       // canonical; "" = none
	Holder family.Named // whose it is, as the reviewer read it; zero = he did not say
}

// Lasting gives the proof's number as a card may know it. ok is false where no card knows such numbers, or a person has one after the other:
// passports are renewed.
func (p Proof) Lasting() (n card.Number, ok bool) {
	system := map[Slot]string{SNILS: card.SystemSNILS, Policy: card.SystemOMS, ByInsurer: card.SystemOMS}[p.Slot]
	return card.Number{System: system, Value: p.Number}, system != "" && p.Number != ""
}

// Fit says how a proof stands to what a card knows of its patient.
type Fit struct {
	Slot   Slot
	Number family.Finding
	Holder family.Finding // by name and date of birth
}

// Unfit says why these proofs do not show that their person is a card's patient; nothing if they do. Numbers decide. Where the card
// knows none of them, the reviewer's word does, whose the documents are. What says nothing either way opens nothing.
func Unfit(fits []Fit) []Lack {
	for _, of := range []func(Fit) family.Finding{
		func(f Fit) family.Finding { return f.Number },
		func(f Fit) family.Finding { return f.Holder },
	} {
		var lacks []Lack
		for _, f := range fits {
			if of(f) == family.Mismatched {
				lacks = append(lacks, Lack{Code: OtherPatient, Document: f.Slot})
			}
		}
		if len(lacks) > 0 || slices.ContainsFunc(fits, func(f Fit) bool { return of(f) == family.Matched }) {
			return lacks
		}
	}
	return []Lack{{Code: NotShown}}
}
