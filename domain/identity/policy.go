package identity

import "github.com/medcard/medcard/domain/fault"

// Policy is the unified number of a policy of compulsory medical insurance (OMS, "ENP"): 16 digits, the same for life.
type Policy string

// Why a policy number is refused.
var (
	ErrPolicyFormat = fault.New(fault.Invalid, "policy.format", "The unified number of a policy has 16 digits.")
	ErrPolicyCheck  = fault.New(fault.Invalid, "policy.check_digit", "The check digit of the policy number does not fit: look for a mistyped digit.")
)

// ParsePolicy reads a unified policy number, also in groups of four.
func ParsePolicy(s string) (Policy, error) {
	number, ok := digits(s, " -")
	if !ok || len(number) != 16 || zeros(number) {
		return "", ErrPolicyFormat
	}
	if !luhn(number) {
		return "", ErrPolicyCheck
	}
	return Policy(number), nil
}

// luhn checks the last digit. The rule of the policy's order is worded otherwise ("Mod 10" of HL7 v2) but gives the same
// digit for every number.
func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
