package cardsync

import (
	"encoding/json"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// policies is the table of conflicts by kind. What a clinic publishes comes in whole versions and nobody else writes it. Of what the
// patient writes all concurrent values are kept and a person decides. Prescriptions and referrals change on the server alone,
// by issuing and dispensing.
var policies = map[card.Kind]replica.Policy{
	card.KindPatient:      replica.Immutable,
	card.KindEncounter:    replica.Immutable,
	card.KindCondition:    replica.Immutable,
	card.KindAllergy:      replica.Immutable,
	card.KindObservation:  replica.Immutable,
	card.KindReport:       replica.Immutable,
	card.KindMedication:   replica.Immutable,
	card.KindImmunization: replica.Immutable,
	card.KindProcedure:    replica.Immutable,
	card.KindCarePlan:     replica.Immutable,
	card.KindMeasurement:  replica.Siblings,
	card.KindComment:      replica.Siblings,
	card.KindPrescription: replica.Immutable,
	card.KindReferral:     replica.Immutable,
	card.KindDocument:     replica.Immutable,
	card.KindCertificate:  replica.Immutable,
}

// Rules tells the sync engine all that it has to know about the card's kinds.
func Rules() replica.Rules {
	rules := replica.Rules{}
	for kind, policy := range policies {
		rule := replica.Rule{Policy: policy, Scope: string(card.ScopeOf(kind, card.General))}
		if policy == replica.Siblings {
			rule.Check = func(atoms map[string]json.RawMessage) string { return check(kind, atoms) }
			rule.Date = func(atoms map[string]json.RawMessage) time.Time { return dateOf(kind, atoms) }
		}
		rules[string(kind)] = rule
	}
	return rules
}

// maxComment bounds a comment, in bytes: enough for two pages.
const maxComment = 8_000

// check says whether atoms that a phone sends may be stored. It is strict where ToFact is lenient: a phone is a stranger, and
// what it sends reaches other phones. An edit may bring some of the atoms only.
func check(kind card.Kind, atoms map[string]json.RawMessage) (code string) {
	for name, value := range atoms {
		if !acceptable(kind, name, value) {
			return wire.CodeInvalid
		}
	}
	return ""
}

func acceptable(kind card.Kind, atom string, value json.RawMessage) bool {
	switch {
	case kind == card.KindMeasurement && atom == AtomReading:
		var m card.Measurement
		return decode(value, &m, strict) == nil && m.Plausible() && m.Attachments == nil
	case kind == card.KindComment && atom == AtomText:
		var text string
		return decode(value, &text, strict) == nil && len(text) <= maxComment
	case kind == card.KindComment && atom == AtomAbout:
		var a about
		return decode(value, &a, strict) == nil && len(a.Record) <= 64 && len(a.Written) <= 64 &&
			(a.Written == "" || a.Written.Precision() != card.Unknown)
	case atom == AtomFiles && (kind == card.KindComment || kind == card.KindMeasurement):
		var files []card.Attachment
		return decode(value, &files, strict) == nil && plausibleFiles(files)
	}
	return false
}

// dateOf is the clinical date that the atoms tell; zero where they tell none.
func dateOf(kind card.Kind, atoms map[string]json.RawMessage) time.Time {
	if kind == card.KindMeasurement && atoms[AtomReading] == nil || kind == card.KindComment && atoms[AtomAbout] == nil {
		return time.Time{}
	}
	fact, err := ToFact(kind, atoms)
	if err != nil {
		return time.Time{}
	}
	return fact.When().Earliest()
}
