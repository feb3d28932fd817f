// Package fault is the one way in which Medcard says that something went wrong.
//
// A Fault carries what a caller may know (Kind, Code, a public text) apart from what only an operator may know (the
// cause). Crafts (sync, qr, push) return sentinels of their own, acts translate them into faults, doors map the Kind to
// a status in one table. A Fault never holds patient data: not in its text, not in its cause.
package fault

import (
	"errors"
	"time"
)

// Kind says what class of answer a fault is. New kinds go to the end: the numbers are stored with refused mutations.
type Kind uint8

// The kinds, and what each tells the caller to do.
const (
	Internal        Kind = iota // our mistake; nothing the caller can change
	Invalid                     // well-formed, but not acceptable as it stands: change it
	Unauthenticated             // say who you are
	Denied                      // you may not; asking again does not help
	NotFound                    // no such thing, or none that you may know of
	Conflict                    // the state is another than the request assumes
	Gone                        // was here and will not come back
	Stale                       // you build on an old version: read again
	Throttled                   // too often: wait RetryAfter
	Unavailable                 // not now: wait RetryAfter
	Malformed                   // could not be parsed at all
	TooLarge                    // over a limit of size or count
	Unsupported                 // a format or encoding that is not read here
)

// Code is a stable machine word such as "consent.withdrawn"; clients branch on it, so it never changes its meaning.
type Code string

// Field names one place in the input that is wrong. Where is a JSON path; Why never repeats the submitted value.
type Field struct {
	Where, Why string
	Code       Code // which rule it breaks, where a client may want to tell them apart; else ""
}

// Fault is an error with a public face.
type Fault struct {
	Kind       Kind
	Code       Code
	Text       string        // public, English, says what to do; no submitted value, no patient data
	Fields     []Field       // for Invalid and Malformed: each place that is wrong
	RetryAfter time.Duration // for Throttled and Unavailable; 0 = unknown
	State      string        // for Conflict: the state the thing is in, a word of its own vocabulary
	cause      error
}

// New makes a fault whose text is written for the caller.
func New(kind Kind, code Code, text string) *Fault { return &Fault{Kind: kind, Code: code, Text: text} }

// Because returns a copy with a private cause, which errors.Is and errors.As see and no caller does.
func (f *Fault) Because(cause error) *Fault { c := *f; c.cause = cause; return &c }

// At returns a copy that also names a place in the input.
func (f *Fault) At(where, why string) *Fault {
	c := *f
	c.Fields = append(append([]Field(nil), f.Fields...), Field{Where: where, Why: why})
	return &c
}

// Against returns a copy that also names a place in the input and the rule that it breaks there.
func (f *Fault) Against(rule Code, where, why string) *Fault {
	c := *f
	c.Fields = append(append([]Field(nil), f.Fields...), Field{Where: where, Why: why, Code: rule})
	return &c
}

// In returns a copy that names the state the thing is in.
func (f *Fault) In(state string) *Fault { c := *f; c.State = state; return &c }

// After returns a copy that tells when to try again.
func (f *Fault) After(d time.Duration) *Fault { c := *f; c.RetryAfter = d; return &c }

// Error gives the public part only, so that a fault that reaches a log by accident leaks nothing.
func (f *Fault) Error() string { return string(f.Code) + ": " + f.Text }

// Unwrap gives the private cause.
func (f *Fault) Unwrap() error { return f.cause }

// Is makes errors.Is compare by code, so that a copy with a cause still is the sentinel it was made from.
func (f *Fault) Is(target error) bool {
	t, ok := target.(*Fault)
	return ok && t.Code == f.Code
}

// From finds the fault in err. An error that is none becomes an Internal one that tells the caller nothing.
func From(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return New(Internal, "internal", "Something broke on our side. The request id tells our operators which request it was.").Because(err)
}

// KindOf is From(err).Kind; a plain error is Internal. It must not be called with nil.
func KindOf(err error) Kind { return From(err).Kind }

// CodeOf is From(err).Code, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return From(err).Code
}
