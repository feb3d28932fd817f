package vault

import (
	"strings"
	"unicode"

	"github.com/medcard/medcard/sync/wire"
)

// Words tells the vault, which knows no medicine, under which words a record is found. A word is of letters, digits and the signs
// - . / and the comma: see the package words.
type Words struct {
	Version int // when it changes, a file is indexed anew
	Of      func(wire.Row) []string
}

// Term is met by a record that is found under one of the words, or under one that begins with one of the prefixes.
type Term struct{ Words, Prefixes []string }

// Search gives records of the base, of any kind, that meet all the terms, in the order of List. The order is that of time and not
// of rank: a rank changes with every record that comes, and pages would no longer be the parts of one list. What is Unindexed is not found.
func (t *Tx) Search(terms []Term, behind *Position, limit int) ([]wire.Row, error) {
	expression, ok := match(terms)
	if !ok {
		return nil, nil
	}
	// The bodies are read of those alone that the page holds.
	const (
		query = `SELECT id, date, body FROM record WHERE rowid IN (SELECT r.rowid FROM record_word CROSS JOIN record r ON r.rowid = record_word.rowid
			WHERE record_word MATCH ? AND r.card = ? AND r.shadow = 0`
		order = " ORDER BY date DESC, id DESC"
	)
	if behind == nil {
		return t.rows(limit, query+order+" LIMIT ?)"+order, expression, t.card)
	}
	return t.rows(limit, query+" AND (r.date, r.id) < (?, ?)"+order+" LIMIT ?)"+order, expression, t.card, behind.Date.UnixMicro(), behind.ID)
}

// match writes the terms in the language of FTS5. Every word is quoted: nothing that a person types is read as an operator. ok is false
// if some term has no word that could be in the index.
func match(terms []Term) (expression string, ok bool) {
	all := make([]string, len(terms))
	for i, term := range terms {
		var any []string
		for _, w := range term.Words {
			if indexable(w) {
				any = append(any, `"`+w+`"`)
			}
		}
		for _, p := range term.Prefixes {
			if indexable(p) {
				any = append(any, `"`+p+`" *`)
			}
		}
		if len(any) == 0 {
			return "", false
		}
		all[i] = "(" + strings.Join(any, " OR ") + ")"
	}
	return strings.Join(all, " AND "), len(all) > 0
}

// signs are those that stand in codes; the index has been told of them too.
const signs = "-./,"

// indexable says whether the index takes the word for one word: what it would cut in two is a phrase, and it knows none.
func indexable(word string) bool {
	return word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return r <= unicode.MaxASCII && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(signs, r)
	})
}
