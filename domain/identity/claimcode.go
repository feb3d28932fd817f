package identity

import (
	"fmt"
	"io"

	"github.com/medcard/medcard/domain/fault"
)

// ClaimCode is what a clinic's desk hands to a patient: whoever redeems it once becomes the owner of the card. Twelve
// symbols of Crockford's base 32 carry 60 bits, which cannot be guessed within the tries that are allowed.
type ClaimCode string

// ErrClaimFormat is worded like the answer to a code that nobody was given: a guesser learns nothing from the form either.
var ErrClaimFormat = fault.New(fault.Invalid, "claim.wrong", "This is not a code from a clinic's desk, or it was mistyped.")

// NewClaimCode draws a code from a source of randomness.
func NewClaimCode(random io.Reader) (ClaimCode, error) {
	drawn, err := DrawSymbols(random, printedLength)
	if err != nil {
		return "", fmt.Errorf("draw a claim code: %w", err)
	}
	return ClaimCode(drawn), nil
}

// ParseClaimCode reads a code as people type it: any case, with or without hyphens, O for zero, I and L for one.
func ParseClaimCode(s string) (ClaimCode, error) {
	read, ok := ReadSymbols(s, printedLength)
	if !ok {
		return "", ErrClaimFormat
	}
	return ClaimCode(read), nil
}

// Printed gives the code in three groups of four.
func (c ClaimCode) Printed() string { return printed(string(c)) }
