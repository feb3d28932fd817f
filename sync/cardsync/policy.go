package cardsync

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/medcard/medcard/domain/card"
)

// Policy says what becomes of two writes of one atom that did not know of each other.
type Policy string

// The policies.
const (
	Versions Policy = "versions" // only the publisher writes, whole versions in order: there is no conflict
	Siblings Policy = "siblings" // both are kept, the newest shown; the person decides
	Machine  Policy = "machine"  // a state machine on the server decides; phones send commands, not edits
)

// policies is the table of sync.md, section 5, for the kinds of records that a card holds.
var policies = map[card.Kind]Policy{
	card.KindPatient:      Versions,
	card.KindEncounter:    Versions,
	card.KindCondition:    Versions,
	card.KindAllergy:      Versions,
	card.KindObservation:  Versions,
	card.KindReport:       Versions,
	card.KindMedication:   Versions,
	card.KindImmunization: Versions,
	card.KindProcedure:    Versions,
	card.KindCarePlan:     Versions,
	card.KindMeasurement:  Siblings,
	card.KindComment:      Siblings,
	card.KindPrescription: Machine,
	card.KindReferral:     Machine,
}

// PolicyOf gives the policy of a kind. An unknown kind has the one under which a phone may write nothing.
func PolicyOf(kind card.Kind) Policy {
	if p, ok := policies[kind]; ok {
		return p
	}
	return Versions
}

// Editable reports whether a phone may create, change and delete records of the kind.
func Editable(kind card.Kind) bool { return PolicyOf(kind) == Siblings }

// Why a phone's write is refused. The text holds nothing of the write.
var (
	ErrNotEditable = errors.New("cardsync: a phone does not write records of this kind")
	ErrUnknownAtom = errors.New("cardsync: records of this kind have no such atom")
	ErrImplausible = errors.New("cardsync: the value is outside of what can be")
)

// maxComment bounds a comment, in bytes: enough for two pages.
const maxComment = 8_000

// CheckWrite says whether an atom that a phone sends may be stored: it is strict where ToFact is lenient, because a phone is a
// stranger and what it sends reaches other phones.
func CheckWrite(kind card.Kind, atom string, value json.RawMessage) error {
	if !Editable(kind) {
		return ErrNotEditable
	}
	switch {
	case kind == card.KindMeasurement && atom == AtomReading:
		var m card.Measurement
		if err := decode(value, &m, strict); err != nil {
			return err
		}
		if !m.Plausible() {
			return fmt.Errorf("%w: pressure, pulse, unit or time", ErrImplausible)
		}
		return nil
	case kind == card.KindComment && atom == AtomText:
		var text string
		if err := decode(value, &text, strict); err != nil {
			return err
		}
		if len(text) > maxComment {
			return fmt.Errorf("%w: the text is too long", ErrImplausible)
		}
		return nil
	case kind == card.KindComment && atom == AtomAbout:
		var a about
		if err := decode(value, &a, strict); err != nil {
			return err
		}
		if len(a.Record) > 64 || len(a.Written) > 64 || (a.Written != "" && a.Written.Precision() == card.Unknown) {
			return fmt.Errorf("%w: the record or the date", ErrImplausible)
		}
		return nil
	}
	return ErrUnknownAtom
}
