package foreign

import (
	"strings"
	"time"
)

// Kind is what a certificate is.
type Kind string

// The kinds.
const (
	EUDCC           Kind = "eu_dcc"
	SmartHealthCard Kind = "smart_health_card"
)

// Answer is what to think of it.
type Answer string

// The answers. None of them says what a code of ours may be used for.
const (
	Genuine    Answer = "genuine"     // an issuer's key that was given signed it, and it is in time
	NotGenuine Answer = "not_genuine" // the reasons say why
	NotChecked Answer = "not_checked" // recognised; the issuer's key is not known here
)

// Reason is a stable machine word for why not Genuine.
type Reason string

// The reasons.
const (
	BadFormat    Reason = "bad_format"    // not what its first characters promise
	BadSignature Reason = "bad_signature" // altered, or signed by somebody else
	BadContent   Reason = "bad_content"   // signed, and not what such a certificate must say
	WrongUsage   Reason = "wrong_usage"   // the issuer's key is for another kind of statement
	NotYet       Reason = "not_yet"
	HasExpired   Reason = "expired"
	UnknownKey   Reason = "unknown_key"
	IsPart       Reason = "part_of_several" // one of several codes that only together are a certificate
)

// Certificate is what was read.
type Certificate struct {
	Kind    Kind     `json:"kind"`
	Answer  Answer   `json:"answer"`
	Reasons []Reason `json:"reasons,omitempty"` // the decisive one first

	Issuer   string     `json:"issuer,omitempty"` // a country's code, or an address
	KeyID    string     `json:"keyId,omitempty"`
	IssuedAt *time.Time `json:"issuedAt,omitempty"`
	Expires  *time.Time `json:"expires,omitempty"`

	Holder     string      `json:"holder,omitempty"`
	Born       string      `json:"born,omitempty"` // as it is written there: a date, or part of one
	Statements []Statement `json:"statements,omitempty"`

	Part  int `json:"part,omitempty"` // of a card in several codes: which one, from 1
	Parts int `json:"parts,omitempty"`
}

// Statement is one thing that a certificate says.
type Statement struct {
	What   What    `json:"what"`
	Fields []Field `json:"fields"`
}

// What is what a statement is about.
type What string

// The kinds of statements; a resource of a health card that is none of these goes under its own type.
const (
	Vaccination What = "vaccination"
	Test        What = "test"
	Recovery    What = "recovery"
)

// Field is a name and a value, in codes of the certificate's own dictionaries.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Is reports whether a text claims to be one of these certificates.
func Is(text string) bool {
	return strings.HasPrefix(text, hc1Prefix) || strings.HasPrefix(text, shcPrefix)
}

// Read reads a certificate and checks it against the keys; ok is false for a text that does not claim to be one.
func Read(text string, keys Keys, now time.Time) (c Certificate, ok bool) {
	switch {
	case strings.HasPrefix(text, hc1Prefix):
		return readHC1(text, keys, now), true
	case strings.HasPrefix(text, shcPrefix):
		return readSHC(text, keys, now), true
	}
	return Certificate{}, false
}

// refuse is a certificate of which nothing is shown but why.
func refuse(kind Kind, why Reason) Certificate {
	return Certificate{Kind: kind, Answer: NotGenuine, Reasons: []Reason{why}}
}

// skew is how far clocks may differ.
const skew = 5 * time.Minute

// inTime notes what is wrong with a certificate's times.
func (c *Certificate) inTime(now time.Time) {
	if c.IssuedAt != nil && c.IssuedAt.After(now.Add(skew)) {
		c.no(NotYet)
	}
	if c.Expires != nil && now.After(*c.Expires) {
		c.no(HasExpired)
	}
}

func (c *Certificate) no(why Reason) {
	c.Answer = NotGenuine
	c.Reasons = append(c.Reasons, why)
}

// earliest and latest bound what is taken for a time, in seconds since 1970.
const latest = 1 << 40

func moment(seconds float64) *time.Time {
	if !(seconds >= 0 && seconds < latest) { // NaN too
		return nil
	}
	at := time.Unix(int64(seconds), 0).UTC()
	return &at
}
