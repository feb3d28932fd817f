package vault

import (
	"context"
	"database/sql"
	"strings"
	"unicode"

	"github.com/medcard/medcard/sync/wire"
)

// Words tells the vault, which knows no medicine, under which words a record is found. A word is of letters, digits and the signs
// - . / and the comma: see the package words.
type Words struct {
	Version int // when it changes, a file is indexed anew as it is opened
	Of      func(wire.Row) []string
}

// Term is met by a record that is found under one of the words, or under one that begins with one of the prefixes.
type Term struct{ Words, Prefixes []string }

// Search gives records of the base, of any kind, that meet all the terms, in the order of List. The order is that of time and not
// of rank: a rank changes with every record that comes, and pages would no longer be the parts of one list.
func (t *Tx) Search(terms []Term, behind *Position, limit int) ([]wire.Row, error) {
	expression, ok := match(terms)
	if !ok {
		return nil, nil
	}
	// The bodies are read of those alone that the page holds.
	const (
		query = `SELECT body FROM record WHERE rowid IN (SELECT r.rowid FROM record_word CROSS JOIN record r ON r.rowid = record_word.rowid
			WHERE record_word MATCH ? AND r.card = ? AND r.shadow = 0`
		order = " ORDER BY date DESC, id DESC"
	)
	if behind == nil {
		return list(t, readRow, query+order+" LIMIT ?)"+order, expression, t.card, limit)
	}
	return list(t, readRow, query+" AND (r.date, r.id) < (?, ?)"+order+" LIMIT ?)"+order, expression, t.card, behind.Date.UnixMicro(), behind.ID, limit)
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

// wordsOf is the text that goes into the index.
func (t *Tx) wordsOf(row wire.Row) string {
	if t.words.Of == nil {
		return ""
	}
	return strings.Join(t.words.Of(row), " ")
}

// reword puts a record under other words: into the index and, so that it can leave the index again, beside the row.
func reword(exec func(query string, args ...any) error, rowid int64, old, words string) error {
	if old == words {
		return nil
	}
	if old != "" {
		if err := exec("INSERT INTO record_word (record_word, rowid, words) VALUES ('delete', ?, ?)", rowid, old); err != nil {
			return err
		}
	}
	if words != "" {
		if err := exec("INSERT INTO record_word (rowid, words) VALUES (?, ?)", rowid, words); err != nil {
			return err
		}
	}
	return exec("UPDATE record SET words = ? WHERE rowid = ?", words, rowid)
}

// portion is how many records are indexed in one transaction: it bounds the memory, and what is lost if the app is stopped.
const portion = 200

// index brings the words of a file up to this version's: of one that had no index, and of one whose words were made by other rules.
// It goes on where it was stopped. What comes in afterwards is indexed with its row.
func (v *Vault) index(ctx context.Context) error {
	for {
		done := false
		err := v.begin(v.write, func(tx *sql.Tx) (err error) {
			done, err = v.indexPortion(ctx, tx)
			return err
		})
		if done || err != nil {
			return err
		}
	}
}

// whole says in the table indexing that no record is left.
const whole = -1

func (v *Vault) indexPortion(ctx context.Context, tx *sql.Tx) (done bool, err error) {
	var version, upto int64
	if err := tx.QueryRowContext(ctx, "SELECT version, upto FROM indexing").Scan(&version, &upto); err != nil {
		return false, err
	}
	switch {
	case version != int64(v.words.Version):
		upto = 0
	case upto == whole:
		return true, nil
	}
	changes, err := v.wordsBehind(ctx, tx, upto)
	if err != nil {
		return false, err
	}
	exec := func(query string, args ...any) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	}
	for _, c := range changes {
		if err := reword(exec, c.rowid, c.old, c.words); err != nil {
			return false, err
		}
		upto = c.rowid
	}
	if len(changes) < portion {
		upto, done = whole, true
	}
	_, err = tx.ExecContext(ctx, "UPDATE indexing SET version = ?, upto = ?", v.words.Version, upto)
	return done, err
}

// rewording is a record whose words were made by other rules, or not at all.
type rewording struct {
	rowid      int64
	old, words string
}

// wordsBehind makes the words of the next portion of records.
func (v *Vault) wordsBehind(ctx context.Context, tx *sql.Tx, upto int64) (changes []rewording, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT rowid, body, words FROM record WHERE rowid > ? ORDER BY rowid LIMIT ?", upto, portion)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t := Tx{words: v.words}
	for rows.Next() {
		var c rewording
		var body sql.RawBytes
		if err := rows.Scan(&c.rowid, &body, &c.old); err != nil {
			return nil, err
		}
		if row, err := readRow(body); err == nil { // one that nobody can read is found under nothing, and does not lock the person out
			c.words = t.wordsOf(row)
		}
		changes = append(changes, c)
	}
	return changes, rows.Err()
}
