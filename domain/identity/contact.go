package identity

import (
	"net/mail"
	"strings"
	"unicode"

	"github.com/medcard/medcard/domain/fault"
)

// Phone is a telephone number in the Russian numbering plan, +7 and ten digits. Email is an address in lower case: mail
// providers in use take both cases for one mailbox, and so must whoever asks whether an account has it.
type (
	Phone string
	Email string
)

// Why a contact is refused.
var (
	ErrPhoneFormat = fault.New(fault.Invalid, "phone.format", "A phone number has ten digits after +7.")
	ErrEmailFormat = fault.New(fault.Invalid, "email.format", "This is not an e-mail address.")
)

// ParsePhone reads a number as people write it: +7 (912) 345-67-89, 8 912 345 67 89, 9123456789.
func ParsePhone(s string) (Phone, error) {
	s = strings.TrimSpace(s)
	s, international := strings.CutPrefix(s, "+")
	number, ok := digits(s, " -().")
	switch {
	case !ok:
		return "", ErrPhoneFormat
	case len(number) == 11 && number[0] == '7':
		number = number[1:]
	case len(number) == 11 && number[0] == '8' && !international:
		number = number[1:]
	case len(number) == 10 && !international:
	default:
		return "", ErrPhoneFormat
	}
	if number[0] < '3' { // no area code begins so: a number with a digit too few, or an emergency call
		return "", ErrPhoneFormat
	}
	return Phone("+7" + number), nil
}

// Mobile reports whether the number can receive a text message.
func (p Phone) Mobile() bool { return strings.HasPrefix(string(p), "+79") }

// Masked shows enough of the number for its owner to recognise it.
func (p Phone) Masked() string {
	if len(p) < 6 {
		return ""
	}
	return string(p[:2]) + strings.Repeat("•", len(p)-4) + string(p[len(p)-2:])
}

// Prefix is the number without its last four digits: the block in which SMS fraud buys numbers.
func (p Phone) Prefix() string { return string(p[:max(0, len(p)-4)]) }

// maxEmail is the longest address that SMTP carries (RFC 5321, path without its brackets).
const maxEmail = 254

// ParseEmail reads a bare address, without a display name.
func ParseEmail(s string) (Email, error) {
	s = strings.TrimSpace(s)
	if len(s) > maxEmail || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return "", ErrEmailFormat
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Name != "" || parsed.Address != s {
		return "", ErrEmailFormat
	}
	local, host, _ := strings.Cut(s, "@")
	if len(local) > 64 || !strings.Contains(strings.Trim(host, "."), ".") || strings.ContainsAny(host, "[]") {
		return "", ErrEmailFormat
	}
	return Email(strings.ToLower(s)), nil
}

// Masked shows the first letter and the provider.
func (e Email) Masked() string {
	local, host, ok := strings.Cut(string(e), "@")
	if !ok || local == "" {
		return ""
	}
	first := []rune(local)[0]
	return string(first) + "•••@" + host
}
