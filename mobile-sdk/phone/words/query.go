package words

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a query: longer than what a person types, shorter than what would keep the phone busy.
const (
	MaxQuery = 200 // letters
	MaxTerms = 12
)

// ErrTooLong says that a query is longer than MaxQuery or has more words than MaxTerms.
var ErrTooLong = errors.New("words: the query is too long")

// Query is what somebody looks for: all of its terms.
type Query []Term

// Term is met by a record that is found under one of the words, or under one that begins with one of the prefixes.
type Term struct{ Words, Prefixes []string }

// Parse reads a query. There is no syntax in it: signs are passed over, and any text is good. The last word is also taken as the
// beginning of one, as long as no space follows: that is how people type. What stands everywhere ("в", "the") is passed over
// beside other words. A query without a letter or a digit has no terms.
func Parse(query string) (Query, error) {
	if len(query) > MaxQuery*utf8.UTFMax || utf8.RuneCountInString(query) > MaxQuery {
		return nil, ErrTooLong
	}
	var all, telling Query
	for _, t := range split(query) {
		plain := fold(t.text)
		if plain == "" {
			continue
		}
		var term Term
		if t.code {
			term.Words = unique(plain, latin(plain))
		} else {
			term.Words = []string{stem(plain)}
		}
		begun := t.end == len(query)
		if begun {
			term.Prefixes = unique(plain, term.Words...)
			if !t.code {
				term.Prefixes = term.Prefixes[:1]
			}
		}
		all = append(all, term)
		if begun || !common(plain) {
			telling = append(telling, term)
		}
	}
	if len(telling) == 0 {
		telling = all
	}
	if len(telling) > MaxTerms {
		return nil, ErrTooLong
	}
	return telling, nil
}

func unique(first string, others ...string) []string {
	all := []string{first}
	for _, s := range others {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// In says whether the words, as Of gives them, meet the query.
func (q Query) In(words []string) bool {
	for _, t := range q {
		if !slices.ContainsFunc(words, t.meets) {
			return false
		}
	}
	return len(q) > 0
}

func (t Term) meets(word string) bool {
	return slices.Contains(t.Words, word) ||
		slices.ContainsFunc(t.Prefixes, func(p string) bool { return strings.HasPrefix(word, p) })
}

// Find gives the place in a text, in bytes, of the first word that meets one of the terms.
func (q Query) Find(text string) (start, end int, found bool) {
	for _, t := range split(text) {
		forms := t.forms()
		for _, term := range q {
			if slices.ContainsFunc(forms, term.meets) {
				return t.start, t.end, true
			}
		}
	}
	return 0, 0, false
}
