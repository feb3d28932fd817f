// Package referral names the referral (form 057/u): to whom a patient is sent, for what kind of care, and how long that stands.
package referral

import (
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/paper"
)

// ID names a referral in the card. It is a UUID in canonical text form.
type ID string

// Token is what the code carries instead of the ID: 16 random bytes.
type Token [16]byte

// String writes the token as 32 hexadecimal digits.
func (t Token) String() string { return hex.EncodeToString(t[:]) }

// Kind is what the patient is referred to, a code of the national dictionary 1.2.643.5.1.13.13.11.1009.
type Kind uint8

// The codes of the dictionary, version 2.5, which has no 5.
const (
	PlannedHospital   Kind = 1
	EmergencyHospital Kind = 2
	DayHospital       Kind = 3
	Examination       Kind = 4
	Consultation      Kind = 6
	Sanatorium        Kind = 7
	OtherKind         Kind = 8
	DisabilityBoard   Kind = 9
	Rehabilitation    Kind = 10
	Biopsy            Kind = 11
	Toxicology        Kind = 12
	NewbornScreening  Kind = 13
)

// Care is how urgent the care is.
type Care uint8

// The forms of care.
const (
	Planned Care = iota + 1
	Urgent
	Emergency
)

// Limits of a sheet. No law gives a single term: the doctor sets it, and a year bounds mistakes.
const (
	MaxPurpose   = 200 // bytes
	MaxShortName = 60  // bytes of the referrer's name
	MaxDays      = 365
)

// Longest is the longest time from issue to end, with the last day whole and a change of clocks.
const Longest = (MaxDays+1)*24*time.Hour + time.Hour

// Sheet is what the referring doctor wrote.
type Sheet struct {
	Kind      Kind
	Care      Care
	Bearer    identity.Bearer
	Clinic    string // OGRN of the referring clinic
	Target    string // OGRN of the clinic referred to; empty = any
	Specialty uint16 // code of the national dictionary of specialties; 0 = not given
	Purpose   string // "Консультация кардиолога", as printed; read from a code it may be cut short
	Referrer  string // "Петрова А. С."
	Days      int    // of validity, as the doctor set it

	Details Details // what else the form says; in the card only, never in a code
}

// Referral is a sheet that was issued.
type Referral struct {
	ID         ID
	Card       card.ID
	Token      Token
	Number     paper.Number // typed where no code can be read; "" = one that was issued before there were numbers
	Sheet      Sheet
	IssuedAt   time.Time
	ValidUntil time.Time // the last second
	State      State
	Holder     identity.ClientID // of State Accepted and Used: who took it

	// The chain of a referral that was handed to another specialist. "" = it begins, or ends, here.
	Replaces   ID
	ReplacedBy ID
}

// What can be wrong.
var (
	ErrSheet = fault.New(fault.Invalid, "referral.invalid", "The referral cannot be issued as it stands; the fields say why.")
	ErrState = fault.New(fault.Conflict, "referral.closed", "The referral can no longer be used or changed; the state says why.")
	ErrTaken = fault.New(fault.Conflict, "referral.taken", "Another clinic has taken this referral.")
	ErrWhere = fault.New(fault.Invalid, "referral.destination", "Name another clinic or another specialty to hand the referral to.")
	ErrLoop  = fault.New(fault.Conflict, "referral.loop", "The referral was there already: a chain must not come back.")
	ErrChain = fault.New(fault.Conflict, "referral.chain_too_long", "The referral was handed on too often. A doctor has to write a new one.")
)

// Check reports everything that is wrong with the sheet, or nil, without repeating what was written.
func (s Sheet) Check() error {
	wrong := ErrSheet
	add := func(bad bool, where, why string) {
		if bad {
			wrong = wrong.At(where, why)
		}
	}
	add(s.Kind < PlannedHospital || s.Kind > NewbornScreening || s.Kind == 5, "kind", "is unknown")
	add(s.Care < Planned || s.Care > Emergency, "care", "is unknown")
	add(!s.Bearer.Valid(), "patient", "needs initials and a year of birth")
	add(!ogrn(s.Clinic), "clinic", "needs an OGRN of 13 or 15 digits")
	add(s.Target != "" && !ogrn(s.Target), "target", "needs an OGRN of 13 or 15 digits, or nothing")
	add(!text(s.Purpose, MaxPurpose), "purpose", "needs at most 200 bytes of text")
	add(!text(s.Referrer, MaxShortName), "referrer", "needs a name of at most 60 bytes")
	add(s.Days < 1 || s.Days > MaxDays, "days", "must be 1 to 365")
	s.Details.wrong(add)
	if len(wrong.Fields) == 0 {
		return nil
	}
	return wrong
}

// Issue makes a referral of a sheet, or says what is wrong with the sheet. The zone is the clinic's: its days count, the last one
// whole.
func Issue(id ID, of card.ID, token Token, sheet Sheet, now time.Time, zone *time.Location) (Referral, error) {
	if err := sheet.Check(); err != nil {
		return Referral{}, err
	}
	now = now.UTC().Truncate(time.Second) // a code carries whole seconds
	y, m, d := now.In(zone).Date()
	until := time.Date(y, m, d+sheet.Days+1, 0, 0, 0, 0, zone).Add(-time.Second).UTC()
	return Referral{ID: id, Card: of, Token: token, Sheet: sheet, IssuedAt: now, ValidUntil: until, State: Issued}, nil
}

func text(s string, limit int) bool {
	return strings.TrimSpace(s) != "" && len(s) <= limit && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' })
}

func ogrn(s string) bool {
	return (len(s) == 13 || len(s) == 15) && strings.Trim(s, "0123456789") == "" && s[0] != '0'
}
