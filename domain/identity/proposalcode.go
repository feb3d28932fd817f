package identity

import (
	"fmt"
	"io"

	"github.com/medcard/medcard/domain/fault"
)

// ProposalCode is what an organisation that asks to be let in shows to a patient, on a screen or as a QR code of the same text.
type ProposalCode string

// ErrProposalCode is the answer to any code that leads nowhere: mistyped, over, or never given out.
var ErrProposalCode = fault.New(fault.NotFound, "proposal.not_found", "This is not a code of somebody who asks to be let in, or its quarter of an hour is over. Let them show a new one.")

// NewProposalCode draws a code from a source of randomness.
func NewProposalCode(random io.Reader) (ProposalCode, error) {
	drawn, err := DrawSymbols(random, printedLength)
	if err != nil {
		return "", fmt.Errorf("draw a proposal's code: %w", err)
	}
	return ProposalCode(drawn), nil
}

// ParseProposalCode reads a code as people type it or a camera reads it. ErrProposalCode.
func ParseProposalCode(s string) (ProposalCode, error) {
	read, ok := ReadSymbols(s, printedLength)
	if !ok {
		return "", ErrProposalCode
	}
	return ProposalCode(read), nil
}

// Printed gives the code in three groups of four.
func (c ProposalCode) Printed() string { return printed(string(c)) }
