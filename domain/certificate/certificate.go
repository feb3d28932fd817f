// Package certificate names the certificate (spravka): what a clinic confirms of a patient, for somebody who is no clinic and must be
// able to tell that it is genuine without being told more.
package certificate

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/paper"
)

// ID names a certificate in the card. It is a UUID in canonical text form.
type ID string

// Token is what the code carries instead of the ID: 16 random bytes.
type Token [16]byte

// String writes the token as 32 hexadecimal digits.
func (t Token) String() string { return hex.EncodeToString(t[:]) }

// State is what became of a certificate. The words travel and are stored.
type State string

// The states.
const (
	Issued  State = "issued"
	Revoked State = "revoked"
	Expired State = "expired"
)

// Limits of a sheet, in bytes.
const (
	MaxNumber = 24
	MaxAuthor = 60
	MaxText   = 8_000 // two pages
	MaxDays   = 366
)

// Longest is the longest time from issue to end, with the last day whole and a change of clocks.
const Longest = (MaxDays+1)*24*time.Hour + time.Hour

// Sheet is what the clinic wrote. The text stands in the card; the code carries its hash.
type Sheet struct {
	Kind   Kind
	Number string // the clinic's own: "2026-114"
	Bearer identity.Bearer
	Clinic string // OGRN
	Author string // "Петрова А. С."
	Text   string // in the card only; a new line begins a paragraph
	Days   int    // of validity
}

// Certificate is a sheet that was issued.
type Certificate struct {
	ID         ID
	Card       card.ID
	Token      Token
	Typed      paper.Number // typed where no code can be read
	Sheet      Sheet
	IssuedAt   time.Time
	ValidUntil time.Time // the last second
	State      State
}

// What can be wrong.
var (
	ErrSheet   = fault.New(fault.Invalid, "certificate.invalid", "The certificate cannot be issued as it stands; the fields say why.")
	ErrRevoked = fault.New(fault.Conflict, "certificate.revoked", "The clinic has revoked this certificate.")
	ErrExpired = fault.New(fault.Conflict, "certificate.expired", "The certificate is no longer valid.")
)

// Check reports everything that is wrong with the sheet on the day it is written, or nil, without repeating what was written.
func (s Sheet) Check(at time.Time) error {
	wrong := ErrSheet
	add := func(bad bool, rule fault.Code, where, why string) {
		if bad {
			wrong = wrong.Against(rule, where, why)
		}
	}
	row, known := On(s.Kind, at)
	add(!known, "certificate.kind_not_in_force", "kind", "is no kind in force on that day")
	add(!line(s.Number, MaxNumber), "certificate.number", "number", "needs at most 24 bytes of text")
	add(!s.Bearer.Valid(), "certificate.patient", "patient", "needs initials and a year of birth")
	add(!ogrn(s.Clinic), "certificate.clinic", "clinic", "needs an OGRN of 13 or 15 digits")
	add(!line(s.Author, MaxAuthor), "certificate.author", "author", "needs a name of at most 60 bytes")
	add(!text(s.Text), "certificate.text", "text", "needs at most 8,000 bytes of text")
	add(s.Days < 1 || known && s.Days > row.Days, "certificate.validity_not_allowed", "days", "is not allowed for this kind")
	if len(wrong.Fields) == 0 {
		return nil
	}
	return wrong
}

// Issue makes a certificate of a sheet, or says what is wrong with the sheet. The zone is the clinic's: its days count, the last one
// whole.
func Issue(id ID, of card.ID, token Token, sheet Sheet, now time.Time, zone *time.Location) (Certificate, error) {
	if err := sheet.Check(now); err != nil {
		return Certificate{}, err
	}
	now = now.UTC().Truncate(time.Second) // a code carries whole seconds
	y, m, d := now.In(zone).Date()
	until := time.Date(y, m, d+sheet.Days+1, 0, 0, 0, 0, zone).Add(-time.Second).UTC()
	return Certificate{ID: id, Card: of, Token: token, Sheet: sheet, IssuedAt: now, ValidUntil: until, State: Issued}, nil
}

// At is the state as time has left it.
func (c Certificate) At(now time.Time) State {
	if c.State == Issued && now.After(c.ValidUntil) {
		return Expired
	}
	return c.State
}

// Revoke withdraws it.
func (c Certificate) Revoke(now time.Time) (Certificate, error) {
	switch state := c.At(now); state {
	case Revoked:
		return Certificate{}, ErrRevoked.In(string(state))
	case Expired:
		return Certificate{}, ErrExpired.In(string(state))
	}
	c.State = Revoked
	return c, nil
}

// Hash binds a code to all that stands on the document, so that who holds both can tell that nothing was written over. It is SHA-256
// over "medcard certificate 1" and then, each with its length in four bytes before it: kind, number, initials, year of birth, clinic,
// author, the Unix seconds of issue and of the end (numbers in decimal), text.
func (c Certificate) Hash() [sha256.Size]byte {
	h := sha256.New()
	h.Write([]byte("medcard certificate 1"))
	s := c.Sheet
	for _, part := range []string{
		string(s.Kind), s.Number, s.Bearer.Initials, strconv.Itoa(s.Bearer.BirthYear), s.Clinic, s.Author,
		strconv.FormatInt(c.IssuedAt.Unix(), 10), strconv.FormatInt(c.ValidUntil.Unix(), 10), s.Text,
	} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))) // limits are far below
		h.Write([]byte(part))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func text(s string) bool {
	control := func(r rune) bool { return r < ' ' && r != '\n' }
	return strings.TrimSpace(s) != "" && len(s) <= MaxText && utf8.ValidString(s) && !strings.ContainsFunc(s, control)
}

func line(s string, limit int) bool {
	return strings.TrimSpace(s) != "" && len(s) <= limit && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' })
}

func ogrn(s string) bool {
	return (len(s) == 13 || len(s) == 15) && strings.Trim(s, "0123456789") == "" && s[0] != '0'
}
