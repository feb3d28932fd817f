package words

import (
	"strings"
	"unicode"

	"github.com/kljensen/snowball/english"
	"github.com/kljensen/snowball/russian"
)

// fold makes one of what people write in different ways: capitals, ё, letters composed of two signs, letters of the other
// alphabet that only look right.
func fold(word string) string {
	var b strings.Builder
	n := 0
	var last rune
	for _, r := range word {
		if r == breve && (last == 'и' || last == 'И') { // й, as some keyboards send it
			r = 'й'
			s := strings.TrimSuffix(b.String(), "и")
			b.Reset()
			b.WriteString(s)
			n--
		}
		last = r
		if unseen(r) {
			continue
		}
		if r = unicode.ToLower(r); r == 'ё' {
			r = 'е'
		}
		if n++; n > maxWord {
			break
		}
		b.WriteRune(r)
	}
	return unmix(strings.Trim(b.String(), "-./,"))
}

const breve = '\u0306'

// The letters that look alike in both alphabets; a clinic's typist meets them every day.
const (
	cyrillicTwins = "авекмнорстух"
	latinTwins    = "abekmhopctyx"
)

var toLatin, toCyrillic = twins(cyrillicTwins, latinTwins), twins(latinTwins, cyrillicTwins)

func twins(from, to string) map[rune]rune {
	m := map[rune]rune{}
	other := []rune(to)
	for i, r := range []rune(from) {
		m[r] = other[i]
	}
	return m
}

// unmix writes a word of both alphabets in one, if its letters allow it.
func unmix(word string) string {
	hasLatin, hasCyrillic := has(word, unicode.Latin), has(word, unicode.Cyrillic)
	if !hasLatin || !hasCyrillic {
		return word
	}
	if all, ok := rewrite(word, unicode.Latin, toCyrillic); ok {
		return all
	}
	all, _ := rewrite(word, unicode.Cyrillic, toLatin)
	return all
}

// latin writes a code in Latin letters, if its letters allow it: "В12" typed with a Russian В is B12.
func latin(code string) string {
	all, _ := rewrite(code, unicode.Cyrillic, toLatin)
	return all
}

// rewrite puts twins in the place of an alphabet's letters. If one has no twin the word stays as it is.
func rewrite(word string, alphabet *unicode.RangeTable, twin map[rune]rune) (string, bool) {
	var b strings.Builder
	for _, r := range word {
		if unicode.Is(alphabet, r) {
			t, ok := twin[r]
			if !ok {
				return word, false
			}
			r = t
		}
		b.WriteRune(r)
	}
	return b.String(), true
}

func has(word string, alphabet *unicode.RangeTable) bool {
	return strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(alphabet, r) })
}

// stem takes a folded word's ending off, by the rules of the language whose letters it has.
func stem(word string) string {
	switch {
	case has(word, unicode.Cyrillic):
		return russian.Stem(word, true)
	case has(word, unicode.Latin):
		return english.Stem(word, true)
	}
	return word
}

// common says whether a word is one that stands everywhere, so that who searches does not mean it.
func common(word string) bool { return russian.IsStopWord(word) || english.IsStopWord(word) }
