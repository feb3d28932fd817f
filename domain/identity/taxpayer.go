package identity

import "github.com/medcard/medcard/domain/fault"

// INN is a taxpayer's number: 10 digits of an organisation, 12 of a person. OGRN is the number of an organisation in the
// state register: 13 digits, or 15 of a sole trader (OGRNIP).
type (
	INN  string
	OGRN string
)

// Why an INN or an OGRN is refused.
var (
	ErrINNFormat  = fault.New(fault.Invalid, "inn.format", "An INN has 10 digits, or 12 for a person.")
	ErrINNCheck   = fault.New(fault.Invalid, "inn.check_digit", "The check digit of the INN does not fit: look for a mistyped digit.")
	ErrOGRNFormat = fault.New(fault.Invalid, "ogrn.format", "An OGRN has 13 digits, or 15 for a sole trader.")
	ErrOGRNCheck  = fault.New(fault.Invalid, "ogrn.check_digit", "The check digit of the OGRN does not fit: look for a mistyped digit.")
)

// ParseINN reads a taxpayer's number.
func ParseINN(s string) (INN, error) {
	number, ok := digits(s, " ")
	if !ok || zeros(number) {
		return "", ErrINNFormat
	}
	at := func(i int, weights ...int) bool {
		return weighted(number, weights...)%11%10 == int(number[i]-'0')
	}
	switch len(number) {
	case 10:
		ok = at(9, 2, 4, 10, 3, 5, 9, 4, 6, 8)
	case 12:
		ok = at(10, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8) && at(11, 3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
	default:
		return "", ErrINNFormat
	}
	if !ok {
		return "", ErrINNCheck
	}
	return INN(number), nil
}

// ParseOGRN reads a number of the state register.
func ParseOGRN(s string) (OGRN, error) {
	number, ok := digits(s, " ")
	if !ok || zeros(number) {
		return "", ErrOGRNFormat
	}
	switch len(number) {
	case 13, 15:
		body, last := number[:len(number)-1], int(number[len(number)-1]-'0')
		if remainder(body, len(body)-1)%10 != last { // by 11 for 13 digits, by 13 for 15
			return "", ErrOGRNCheck
		}
	default:
		return "", ErrOGRNFormat
	}
	return OGRN(number), nil
}
