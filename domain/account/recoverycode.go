package account

import (
	"fmt"
	"io"

	"github.com/medcard/medcard/domain/identity"
)

// RecoveryCode is written on paper, for the day when the phone is gone. It stands in for the second factor, once. Ten symbols
// carry 50 bits.
type RecoveryCode string

// RecoveryCodes is how many a person has at once.
const RecoveryCodes = 10

const recoveryLength = 10

// NewRecoveryCode draws a code from a source of randomness.
func NewRecoveryCode(random io.Reader) (RecoveryCode, error) {
	drawn, err := identity.DrawSymbols(random, recoveryLength)
	if err != nil {
		return "", fmt.Errorf("draw a recovery code: %w", err)
	}
	return RecoveryCode(drawn), nil
}

// ReadRecoveryCode reads a code as people type it; ok is false for what is none, such as the six digits of another factor.
func ReadRecoveryCode(s string) (c RecoveryCode, ok bool) {
	read, ok := identity.ReadSymbols(s, recoveryLength)
	return RecoveryCode(read), ok
}

// Printed gives the code in two groups of five.
func (c RecoveryCode) Printed() string {
	if len(c) != recoveryLength {
		return ""
	}
	return string(c[:5] + "-" + c[5:])
}
