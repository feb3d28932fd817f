package trust

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/qr"
)

// Answer is one of three. The zero value is that nothing can be told.
type Answer uint8

// The answers.
const (
	CantTell Answer = iota // ask online
	OK
	No
)

func (a Answer) String() string {
	switch a {
	case OK:
		return "OK"
	case No:
		return "NO"
	}
	return "CANT_TELL_OFFLINE"
}

// Reason is a stable machine word for why.
type Reason string

// Reasons for NO.
const (
	BadFormat      Reason = "bad_format"
	UnknownKey     Reason = "unknown_key" // CANT_TELL while the key set is stale: the key may be new
	WrongAlgorithm Reason = "wrong_algorithm"
	BadSignature   Reason = "bad_signature"
	WrongUsage     Reason = "wrong_usage"
	WrongIssuer    Reason = "wrong_issuer"
	KeyNotInForce  Reason = "key_not_in_force" // issued outside the key's time, or the key is too old to be believed
	NotYet         Reason = "not_yet"
	HasExpired     Reason = "expired"
	TooLongValid   Reason = "too_long_valid" // valid for longer than the form allows
	IsNotIssued    Reason = "not_issued"     // signed, yet the issuer does not know it
	IsRevoked      Reason = "revoked"
	IsDispensed    Reason = "dispensed"
	SeenBefore     Reason = "seen_before"
	WrongName      Reason = "wrong_name" // the name is not that of the code
)

// Reasons for CANT_TELL_OFFLINE.
const (
	KeyCompromised Reason = "key_compromised"
	StaleKeys      Reason = "stale_keys"
	StaleStatus    Reason = "stale_status" // the status list is too old, or none is held
	OnlineOnly     Reason = "online_only"  // a token code: the document stands on the server
	WrongClock     Reason = "wrong_clock"  // the device's clock is behind what it has already seen
)

// How old things may be.
const (
	Skew         = 5 * time.Minute  // clocks differ
	FreshKeys    = 24 * time.Hour   // a key set is good for its term; one this young need not be asked for again
	FreshStatus  = 15 * time.Minute // a status list this young is as good as asking
	UsableStatus = 48 * time.Hour   // one older than this says nothing
	commitLag    = time.Minute      // a document may be signed this long before a list can know it
)

// Verdict is what can be told of a code.
type Verdict struct {
	Answer  Answer
	Reasons []Reason // why not OK; the decisive one first

	// Document is the code's content once its signature holds, whatever the answer: an expired prescription can be shown as such.
	// Before that it is nil.
	Document *qr.Verified
	Token    qr.TokenID // of a token code, which has no content

	KeysAge     time.Duration // since the key set was issued
	StatusKnown bool          // a status list of this document is held
	StatusAge   time.Duration // since it was issued
}

// Fresh reports whether the status was as good as asking.
func (v Verdict) Fresh() bool { return v.StatusKnown && v.StatusAge <= FreshStatus }

// String is the answer with its reasons: "NO revoked".
func (v Verdict) String() string {
	words := []string{v.Answer.String()}
	for _, r := range v.Reasons {
		words = append(words, string(r))
	}
	return strings.Join(words, " ")
}

// Knowledge is what a judge goes by. Only Keys must be given.
type Knowledge struct {
	Keys KeySet
	// Status says what is known of a document's status, and since when. The server asks its database, a pharmacy its cached lists.
	Status func(issuer string, ref qr.StatusRef) (m Mark, asOf time.Time, known bool)
	// Recorded reports whether the issuer's own record says that it issued exactly this. It is for the server, whose record outweighs that
	// a key may be in somebody else's hands. nil = there is no record here.
	Recorded func(qr.Verified) bool
	// Longest is how long a document of this kind may be valid; an error means that the body is no such document.
	Longest func(qr.Verified) (time.Duration, error)
	// Seen reports a document that was handed out here already.
	Seen func(qr.TokenID) bool
	// NameFits looks the names up in the dictionary.
	NameFits func(qr.Verified) bool
}

// Judge checks a code in the order that package qr gives.
func Judge(text string, k Knowledge, now time.Time) Verdict {
	j := judge{now: now, know: k}
	j.verdict.KeysAge = now.Sub(k.Keys.IssuedAt)
	j.run(text)
	return j.conclude()
}

type judge struct {
	now      time.Time
	know     Knowledge
	verdict  Verdict
	no, cant []Reason
}

func (j *judge) conclude() Verdict {
	switch {
	case len(j.no) > 0: // a certain NO outweighs what cannot be told
		j.verdict.Answer = No
	case len(j.cant) > 0:
		j.verdict.Answer = CantTell
	default:
		j.verdict.Answer = OK
	}
	for _, r := range append(j.no, j.cant...) {
		if !slices.Contains(j.verdict.Reasons, r) {
			j.verdict.Reasons = append(j.verdict.Reasons, r)
		}
	}
	return j.verdict
}

func (j *judge) run(text string) {
	if qr.IsToken(text) {
		token, err := qr.OpenToken(text)
		if err != nil {
			j.no = append(j.no, BadFormat)
			return
		}
		j.verdict.Token = token
		j.cant = append(j.cant, OnlineOnly)
		return
	}
	code, err := qr.Open(text)
	if err != nil {
		j.no = append(j.no, BadFormat)
		return
	}
	key, known := j.know.Keys.Find(code.KeyID())
	if !known {
		j.unknownKey()
		return
	}
	document, err := code.Verify(key.Key)
	if err != nil {
		j.no = append(j.no, reasonOf(err))
		return
	}
	j.verdict.Document = &document
	j.checkKey(key, document)
	j.checkTimes(document)
	j.checkStatus(document.Claims())
	if j.know.Seen != nil && j.know.Seen(document.Claims().Token) {
		j.no = append(j.no, SeenBefore)
	}
	if j.know.NameFits != nil && !j.know.NameFits(document) {
		j.no = append(j.no, WrongName)
	}
}

// unknownKey is NO while the key set is current: keys are published a week before their first use. A stale set may simply lack it.
func (j *judge) unknownKey() {
	if j.staleKeys() {
		j.cant = append(j.cant, UnknownKey, StaleKeys)
		return
	}
	j.no = append(j.no, UnknownKey)
}

func (j *judge) staleKeys() bool { return j.now.After(j.know.Keys.Expires) }

func reasonOf(err error) Reason {
	switch {
	case errors.Is(err, qr.ErrAlgorithm):
		return WrongAlgorithm
	case errors.Is(err, qr.ErrSignature):
		return BadSignature
	case errors.Is(err, qr.ErrUsage):
		return WrongUsage
	case errors.Is(err, qr.ErrIssuer):
		return WrongIssuer
	}
	return BadFormat
}

func (j *judge) checkKey(key Key, d qr.Verified) {
	c := d.Claims()
	if key.Standing == Compromised && (j.know.Recorded == nil || !j.know.Recorded(d)) {
		j.cant = append(j.cant, KeyCompromised)
	}
	// Codes carry whole seconds: a document of the key's first second is not older than the key.
	if c.IssuedAt.Before(key.NotBefore.Truncate(time.Second)) || c.IssuedAt.After(key.LastIssue) || j.now.After(key.LastVerify) {
		j.no = append(j.no, KeyNotInForce)
	}
	if j.staleKeys() {
		j.cant = append(j.cant, StaleKeys)
	}
	if j.now.Before(j.know.Keys.IssuedAt.Add(-Skew)) {
		// A clock set back would bring an expired prescription to life.
		j.cant = append(j.cant, WrongClock)
	}
}

func (j *judge) checkTimes(d qr.Verified) {
	c := d.Claims()
	if c.IssuedAt.After(j.now.Add(Skew)) {
		j.no = append(j.no, NotYet)
	}
	if j.now.After(c.Expires) {
		j.no = append(j.no, HasExpired)
	}
	if j.know.Longest == nil {
		return
	}
	switch longest, err := j.know.Longest(d); {
	case err != nil:
		j.no = append(j.no, BadFormat)
	case c.Expires.Sub(c.IssuedAt) > longest:
		j.no = append(j.no, TooLongValid)
	}
}

func (j *judge) checkStatus(c qr.Claims) {
	var (
		mark  Mark
		asOf  time.Time
		known bool
	)
	if j.know.Status != nil {
		mark, asOf, known = j.know.Status(c.Issuer, c.Status)
	}
	if !known {
		j.cant = append(j.cant, StaleStatus)
		return
	}
	j.verdict.StatusKnown, j.verdict.StatusAge = true, j.now.Sub(asOf)
	// Revoked and handed out are for good, however old the list.
	switch mark {
	case Revoked:
		j.no = append(j.no, IsRevoked)
		return
	case Spent:
		j.no = append(j.no, IsDispensed)
		return
	case NotIssued:
		if c.IssuedAt.Before(asOf.Add(-commitLag)) {
			j.no = append(j.no, IsNotIssued)
			return
		}
	case Valid:
	}
	switch {
	case j.verdict.StatusAge > UsableStatus:
		j.cant = append(j.cant, StaleStatus)
	case j.verdict.StatusAge < -Skew:
		j.cant = append(j.cant, WrongClock)
	}
}

// Format hides the content: a verdict in a log shows the answer and its reasons.
func (v Verdict) Format(s fmt.State, _ rune) { fmt.Fprint(s, v.String()) }
