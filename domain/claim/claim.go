// Package claim names the one-time code by which a patient takes over the card that a clinic opened. The clinic's desk gets the code
// when it posts the card and hands it to the person in front of it; the signed-in patient types it in.
package claim

import (
	"strings"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// TTL is how long a code may be redeemed.
const TTL = 14 * 24 * time.Hour

// Claim is one code that was given out, as the database knows it: the code itself is not kept.
type Claim struct {
	Card     card.ID
	Client   identity.ClientID // the clinic whose desk got it
	Ends     time.Time         // the end itself is outside
	Redeemed time.Time         // zero = not yet
}

// Open reports whether the code may still be redeemed.
func (c Claim) Open(now time.Time) bool { return c.Redeemed.IsZero() && now.Before(c.Ends) }

// Code is a claim code in canonical form: twelve characters of Crockford's base32, the last of them a check.
type Code string

// Size is how many characters a code has, Entropy how many random bytes one is made of (55 of their 56 bits are used).
const (
	Size    = 12
	Entropy = 7
)

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // no I, L, O, U

// ErrMistyped means that a text is no claim code: a wrong length, a character that none has, or a check that does not fit. Whoever
// guesses learns nothing from it that he could not compute.
var ErrMistyped = fault.New(fault.Invalid, "claim.mistyped", "This is not a claim code: look for a mistyped character. It has twelve letters and digits.")

// NewCode makes a code of random bytes.
func NewCode(random [Entropy]byte) Code {
	var bits uint64
	for _, b := range random {
		bits = bits<<8 | uint64(b)
	}
	var digits [Size]byte
	for i := range Size - 1 {
		digits[i] = byte(bits & 31)
		bits >>= 5
	}
	digits[Size-1] = check(digits[:Size-1])
	for i, d := range digits {
		digits[i] = alphabet[d]
	}
	return Code(digits[:])
}

// ParseCode reads what a person typed: any case, with spaces or dashes, O for 0, I or L for 1.
func ParseCode(text string) (Code, error) {
	var digits []byte
	for _, r := range strings.ToUpper(text) {
		switch r {
		case ' ', '-', '\u2010', '\u2011', '\u2013', '\u2014': // a phone's keyboard likes to turn a dash into a better one
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		i := strings.IndexRune(alphabet, r)
		if i < 0 || len(digits) == Size {
			return "", ErrMistyped
		}
		digits = append(digits, byte(i))
	}
	if len(digits) != Size || check(digits[:Size-1]) != digits[Size-1] {
		return "", ErrMistyped
	}
	for i, d := range digits {
		digits[i] = alphabet[d]
	}
	return Code(digits), nil
}

// Spaced is the code in groups of four, as it is printed and read aloud.
func (c Code) Spaced() string {
	if len(c) != Size {
		return string(c)
	}
	return string(c[:4] + "-" + c[4:8] + "-" + c[8:])
}

// check weighs each digit with a power of the generator of GF(32) and adds them up. The weights differ and have inverses, so
// one wrong character or two swapped neighbours always show.
func check(digits []byte) byte {
	var sum byte
	for _, d := range digits {
		sum = double(sum ^ d)
	}
	return sum
}

// double multiplies by x in GF(2)[x] modulo x^5 + x^2 + 1.
func double(d byte) byte {
	d <<= 1
	if d&32 != 0 {
		d ^= 0b100101
	}
	return d
}
