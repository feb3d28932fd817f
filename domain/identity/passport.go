package identity

import "github.com/medcard/medcard/domain/fault"

// Passport is the series and number of a Russian citizen's passport, ten digits. It has no check digit.
type Passport string

// PolicyCertificate is the number of the paper that stands in for a policy of compulsory medical insurance while that is made, nine
// digits. It has no check digit.
type PolicyCertificate string

// Why they are refused.
var (
	ErrPassportFormat          = fault.New(fault.Invalid, "passport.format", "The series and number of a passport have ten digits: 4510 123456.")
	ErrPolicyCertificateFormat = fault.New(fault.Invalid, "policy_certificate.format", "The number of a temporary certificate has nine digits.")
)

// ParsePassport reads a series and number, with or without spaces between them.
func ParsePassport(s string) (Passport, error) {
	number, ok := digits(s, " -")
	if !ok || len(number) != 10 || zeros(number) {
		return "", ErrPassportFormat
	}
	return Passport(number), nil
}

// ParsePolicyCertificate reads the number of a temporary certificate.
func ParsePolicyCertificate(s string) (PolicyCertificate, error) {
	number, ok := digits(s, " -")
	if !ok || len(number) != 9 || zeros(number) {
		return "", ErrPolicyCertificateFormat
	}
	return PolicyCertificate(number), nil
}
