package account

import (
	"crypto/subtle"
	"time"
)

// ChallengeID names what a one-time code answers: a registration or a sign-in. It is a UUID in canonical text form.
type ChallengeID string

// Channel is the way by which a code travels.
type Channel string

// The channels.
const (
	ByPhone Channel = "phone"
	ByEmail Channel = "email"
	ByApp   Channel = "app" // nothing is sent: the person's authenticator makes the code, and here its tries are counted
)

// The rules of one-time codes.
const (
	CodeLife    = 10 * time.Minute
	CodeTries   = 5                // wrong codes before the code is dead
	CodeSends   = 3                // codes per channel of a challenge, the first one among them
	ResendAfter = 30 * time.Second // a text message may take that long
)

// Code is a one-time code that was sent. Only its keyed hash is kept.
type Code struct {
	Challenge ChallengeID
	Channel   Channel
	Hash      []byte
	Ends      time.Time
	Tries     int       // wrong ones so far
	Sends     int       // how many codes this channel of the challenge has had
	Sent      time.Time // the last of them
	Used      time.Time // zero = not used
}

// Verdict is what became of a code that somebody typed.
type Verdict uint8

// The verdicts.
const (
	Wrong Verdict = iota
	Right
	Expired
	Exhausted // too many wrong ones: even the right one is refused now
	Replayed  // it was right, once
)

// Try judges a typed code and gives the code as it must be kept.
func (c Code) Try(hash []byte, now time.Time) (Code, Verdict) {
	return c.Judge(c.Matches(hash), now)
}

// Matches reports whether the hash is that of the code.
func (c Code) Matches(hash []byte) bool { return subtle.ConstantTimeCompare(c.Hash, hash) == 1 }

// Judge is Try for a code that was compared elsewhere. A code that was used, is expired or exhausted is judged the same whether the
// typed one is right or not.
func (c Code) Judge(right bool, now time.Time) (Code, Verdict) {
	switch {
	case !c.Used.IsZero():
		return c, Replayed
	case !now.Before(c.Ends):
		return c, Expired
	case c.Tries >= CodeTries:
		return c, Exhausted
	case !right:
		c.Tries++
		if c.Tries >= CodeTries {
			return c, Exhausted
		}
		return c, Wrong
	}
	c.Used = now
	return c, Right
}

// Again gives the code that replaces this one, or how long to wait; ok is false and wait 0 when there were too many.
func (c Code) Again(hash []byte, now time.Time) (next Code, wait time.Duration, ok bool) {
	if c.Sends >= CodeSends || !c.Used.IsZero() {
		return c, 0, false
	}
	if wait = c.Sent.Add(ResendAfter).Sub(now); wait > 0 {
		return c, wait, false
	}
	next = NewCode(c.Challenge, c.Channel, hash, now)
	next.Sends = c.Sends + 1
	return next, 0, true
}

// NewCode is the first code of a channel.
func NewCode(id ChallengeID, by Channel, hash []byte, now time.Time) Code {
	return Code{Challenge: id, Channel: by, Hash: hash, Ends: now.Add(CodeLife), Sends: 1, Sent: now}
}
