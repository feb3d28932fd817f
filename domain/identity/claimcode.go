package identity

import (
	"fmt"
	"io"
	"strings"

	"github.com/medcard/medcard/domain/fault"
)

// ClaimCode is what a clinic's desk hands to a patient: whoever redeems it once becomes the owner of the card. Twelve
// symbols of Crockford's base 32 carry 60 bits, which cannot be guessed within the tries that are allowed.
type ClaimCode string

const (
	claimAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // no I, L, O, U
	claimLength   = 12
)

// ErrClaimFormat is worded like the answer to a code that nobody was given: a guesser learns nothing from the form either.
var ErrClaimFormat = fault.New(fault.Invalid, "claim.wrong", "This is not a code from a clinic's desk, or it was mistyped.")

// NewClaimCode draws a code from a source of randomness.
func NewClaimCode(random io.Reader) (ClaimCode, error) {
	raw := make([]byte, claimLength)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("draw a claim code: %w", err)
	}
	for i, b := range raw {
		raw[i] = claimAlphabet[b%32]
	}
	return ClaimCode(raw), nil
}

// ParseClaimCode reads a code as people type it: any case, with or without hyphens, O for zero, I and L for one.
func ParseClaimCode(s string) (ClaimCode, error) {
	s = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(strings.TrimSpace(s)))
	if len(s) != claimLength || strings.Trim(s, claimAlphabet) != "" {
		return "", ErrClaimFormat
	}
	return ClaimCode(s), nil
}

// Printed gives the code in three groups of four.
func (c ClaimCode) Printed() string {
	if len(c) != claimLength {
		return ""
	}
	return string(c[:4] + "-" + c[4:8] + "-" + c[8:])
}
