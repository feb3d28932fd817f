// Package words says under which words a text is found, in Russian and English, and reads what a person types into a search
// field. Index and query go through the same forms, so whoever searches "аллергии" finds "Аллергический" no less than "аллергия",
// "ёлка" and "елка" are one word, and a code is found as it is typed: I10, 718-7, COVID-19.
//
// It is rules, not a dictionary: a vowel that comes and goes inside a word ("почка", "почек") is beyond it, and so are synonyms.
// It knows neither medicine nor databases.
package words

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Version changes with the forms: what was indexed under another one has to be indexed anew.
const Version = 1

// Bounds of what one record may bring into an index. What lies behind them is kept and shown, but not found.
const (
	maxText = 64 << 10 // bytes of its texts
	maxWord = 48       // letters of a word; the longest that a chemist wrote is found by its beginning
)

// Of gives the words under which a record with these texts is found, each once.
func Of(texts ...string) []string {
	var all []string
	left := maxText
	for _, text := range texts {
		if len(text) > left {
			text = text[:left]
		}
		left -= len(text)
		for _, t := range split(text) {
			all = append(all, remembered.forms(t)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// token is a word or a code, and where it stands.
type token struct {
	start, end int // bytes of the text
	text       string
	code       bool // has a digit in it
}

// split finds the tokens of a text. Letters and digits that only -, ., / or , hold together are one code if there is a digit among
// them ("J06.9", "120/80", "COVID-19"), else several words.
func split(text string) []token {
	var tokens []token
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if !inWord(r) {
			at += size
			continue
		}
		end := stretch(text, at)
		t := token{start: at, end: end, text: text[at:end]}
		at = end
		if t.code = strings.ContainsFunc(t.text, unicode.IsDigit); t.code {
			tokens = append(tokens, t)
			continue
		}
		tokens = append(tokens, t.parts()...)
	}
	return tokens
}

// stretch is the end of the token that begins at the place.
func stretch(text string, at int) int {
	var before rune
	for at < len(text) {
		r, size := utf8.DecodeRuneInString(text[at:])
		if !inWord(r) {
			after, _ := utf8.DecodeRuneInString(text[at+size:])
			if !holds(before, r, after) {
				return at
			}
		}
		before = r
		at += size
	}
	return at
}

// holds says whether a sign joins what stands on its sides.
func holds(before, sign, after rune) bool {
	switch sign {
	case '-', '.':
		return inWord(before) && inWord(after)
	case '/', ',': // "120/80" and "36,6", but not "аспирин/парацетамол" nor "да,2"
		return unicode.IsDigit(before) && unicode.IsDigit(after)
	}
	return false
}

// inWord says whether a word may have the rune in it. Signs over letters and the hyphen that nobody sees are passed over later.
func inWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unseen(r))
}

const softHyphen = '\u00ad'

func unseen(r rune) bool { return r == softHyphen || unicode.Is(unicode.Mn, r) }

// parts are the tokens between the signs of a token.
func (t token) parts() []token {
	var parts []token
	from := 0
	for i, r := range t.text + "-" {
		if inWord(r) {
			continue
		}
		if i > from {
			p := token{start: t.start + from, end: t.start + i, text: t.text[from:i]}
			p.code = strings.ContainsFunc(p.text, unicode.IsDigit)
			parts = append(parts, p)
		}
		from = i + utf8.RuneLen(r)
	}
	return parts
}

// forms are the words under which the token is found: as it stands, and bare of its ending. A code is found whole and by its parts.
func (t token) forms() []string {
	plain := fold(t.text)
	if !t.code {
		return notEmpty(plain, stem(plain))
	}
	forms := notEmpty(plain, latin(plain))
	if parts := t.parts(); len(parts) > 1 {
		for _, p := range parts {
			forms = append(forms, p.forms()...)
		}
	}
	return forms
}

func notEmpty(forms ...string) []string {
	return slices.DeleteFunc(forms, func(s string) bool { return s == "" })
}
