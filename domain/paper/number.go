// Package paper names what a prescription, a referral and a certificate have in common: the number that is typed when no code can be
// read.
package paper

import (
	"fmt"
	"io"
	"strings"

	"github.com/medcard/medcard/domain/fault"
)

// Number is typed by hand from a paper: 16 digits, 15 of them random and a check digit. It is asked for together with the bearer's year
// of birth.
//
// The check digit is Damm's (H. M. Damm, 2004): every single wrong digit and every transposition of neighbours is caught, which
// Luhn's is not (it takes 09 for 90). Of other mistakes one in ten passes, and then meets no paper: of 10^15 numbers a country
// uses up 10^9 a year.
type Number string

// ErrNumber says that a number was mistyped. It costs nobody a try.
var ErrNumber = fault.New(fault.Invalid, "paper.number", "This is not a number of a paper: it has 16 digits, and one of them is mistyped.")

const digits = 16

// damm is the quasigroup of Damm's thesis. Its diagonal is zero, so a number with its check digit behind it gives zero.
var damm = [10][10]byte{
	{0, 3, 1, 7, 5, 9, 8, 6, 4, 2},
	{7, 0, 9, 2, 1, 5, 4, 8, 6, 3},
	{4, 2, 0, 6, 8, 7, 1, 3, 5, 9},
	{1, 7, 5, 0, 9, 8, 3, 4, 2, 6},
	{6, 1, 2, 3, 0, 4, 5, 9, 7, 8},
	{3, 6, 7, 4, 2, 0, 9, 5, 8, 1},
	{5, 8, 6, 9, 7, 2, 0, 1, 3, 4},
	{8, 9, 4, 5, 3, 6, 2, 0, 1, 7},
	{9, 4, 3, 8, 6, 1, 7, 2, 0, 5},
	{2, 5, 8, 1, 4, 3, 6, 7, 9, 0},
}

func check(number string) (interim byte) {
	for i := range len(number) {
		interim = damm[interim][number[i]-'0']
	}
	return interim
}

// NewNumber draws a number. The first digit is no zero, which people leave out.
func NewNumber(random io.Reader) (Number, error) {
	var b strings.Builder
	for b.Len() < digits-1 {
		var one [1]byte
		if _, err := io.ReadFull(random, one[:]); err != nil {
			return "", fmt.Errorf("draw randomness: %w", err)
		}
		if digit := one[0] % 10; one[0] < 250 && (digit > 0 || b.Len() > 0) { // 250 values are ten times 25: no digit is likelier
			b.WriteByte('0' + digit)
		}
	}
	return Number(b.String() + string('0'+rune(check(b.String())))), nil
}

// ParseNumber reads what was typed, with spaces or dashes or without.
func ParseNumber(typed string) (Number, error) {
	if len(typed) > 64 {
		return "", ErrNumber
	}
	plain := strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(typed)
	if len(plain) != digits || strings.Trim(plain, "0123456789") != "" || plain[0] == '0' || check(plain) != 0 {
		return "", ErrNumber
	}
	return Number(plain), nil
}

// String groups the digits as they are printed: 1234 5678 9012 3456.
func (n Number) String() string {
	if len(n) != digits {
		return string(n)
	}
	return string(n[:4] + " " + n[4:8] + " " + n[8:12] + " " + n[12:])
}
