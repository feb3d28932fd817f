package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/fault"
)

// PersonName is how a person is called in documents. A patronymic is usual in Russia and absent elsewhere; some people
// have one name only.
type PersonName struct {
	Family     string
	Given      string
	Patronymic string
}

// ErrNameFormat says why a name is refused.
var ErrNameFormat = fault.New(fault.Invalid, "name.format", "A name has letters, at most 100 a part, and at least one part.")

// Clean trims the parts, folds runs of spaces and refuses what cannot be a name.
func (n PersonName) Clean() (PersonName, error) {
	for _, part := range []*string{&n.Family, &n.Given, &n.Patronymic} {
		*part = strings.Join(strings.Fields(*part), " ")
		if utf8.RuneCountInString(*part) > 100 || strings.ContainsFunc(*part, unicode.IsControl) || !utf8.ValidString(*part) {
			return PersonName{}, ErrNameFormat
		}
	}
	if !strings.ContainsFunc(n.Family+n.Given, unicode.IsLetter) {
		return PersonName{}, ErrNameFormat
	}
	return n, nil
}

// Full is the name as documents write it: family, given, patronymic.
func (n PersonName) Full() string {
	return strings.Join(strings.Fields(n.Family+" "+n.Given+" "+n.Patronymic), " ")
}

// Short is the name with initials, "Иванова А. П.".
func (n PersonName) Short() string {
	short := n.Family
	for _, part := range []string{n.Given, n.Patronymic} {
		if r, _ := utf8.DecodeRuneInString(part); r != utf8.RuneError {
			short += " " + string(r) + "."
		}
	}
	return strings.TrimSpace(short)
}

// Same reports whether two names mean the same person as far as a spelling can: case, ё and е, and a missing patronymic
// make no difference.
func (n PersonName) Same(o PersonName) bool {
	same := func(a, b string) bool { return fold(a) == fold(b) }
	return same(n.Family, o.Family) && same(n.Given, o.Given) &&
		(n.Patronymic == "" || o.Patronymic == "" || same(n.Patronymic, o.Patronymic))
}

func fold(s string) string {
	return strings.ReplaceAll(strings.ToLower(strings.Join(strings.Fields(s), " ")), "ё", "е")
}
