package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bearer is all that a paper or a QR code says about whose it is: enough for a pharmacist to ask "is this you?", too little to
// find anybody by.
type Bearer struct {
	Initials  string // upper-case letters without dots: family, given, patronymic ("ИАП")
	BirthYear int
}

// NewBearer takes the initials of the names, in the order given; empty names are left out.
func NewBearer(birthYear int, names ...string) Bearer {
	var initials strings.Builder
	for _, name := range names {
		first, _ := utf8.DecodeRuneInString(strings.TrimSpace(name))
		if unicode.IsLetter(first) {
			initials.WriteRune(unicode.ToUpper(first))
		}
	}
	return Bearer{Initials: initials.String(), BirthYear: birthYear}
}

// Valid reports whether the bearer has one to four initials and a plausible year of birth.
func (b Bearer) Valid() bool {
	n := 0
	for _, r := range b.Initials {
		if !unicode.IsUpper(r) {
			return false
		}
		n++
	}
	return n >= 1 && n <= 4 && b.BirthYear >= 1880 && b.BirthYear <= 2200
}
