package identity

import "github.com/medcard/medcard/domain/fault"

// SNILS is the number of a person's pension account, 11 digits; in practice the key of a person in Russian registries.
type SNILS string

// Why a SNILS is refused.
var (
	ErrSNILSFormat = fault.New(fault.Invalid, "snils.format", "A SNILS has 11 digits: NNN-NNN-NNN CC.")
	ErrSNILSCheck  = fault.New(fault.Invalid, "snils.check_digit", "The last two digits of the SNILS do not fit the others: look for a mistyped digit.")
)

// uncheckedSNILS is the last number that was given out before check digits were.
const uncheckedSNILS = "001001998"

// ParseSNILS reads a SNILS with or without its hyphens and space.
func ParseSNILS(s string) (SNILS, error) {
	number, ok := digits(s, " -")
	if !ok || len(number) != 11 || zeros(number[:9]) {
		return "", ErrSNILSFormat
	}
	if number[:9] > uncheckedSNILS {
		check := weighted(number, 9, 8, 7, 6, 5, 4, 3, 2, 1) % 101 % 100
		if check != int(number[9]-'0')*10+int(number[10]-'0') {
			return "", ErrSNILSCheck
		}
	}
	return SNILS(number), nil
}

// Printed gives the form that stands on documents, NNN-NNN-NNN CC.
func (n SNILS) Printed() string {
	if len(n) != 11 {
		return ""
	}
	return string(n[:3] + "-" + n[3:6] + "-" + n[6:9] + " " + n[9:])
}
