package vault

import (
	"context"
	"database/sql"
	"strings"

	"github.com/medcard/medcard/sync/replica"
)

// The index follows the rows at a distance. What leaves the file leaves the index in the same transaction, overwritten: the trigger
// record_gone sees to it. What comes or changes is only marked, and waits for Index; until then a record that changed stands in the index
// under its old words, as its old content stands in the journal until that is emptied. The mark is durable with the row, so that nothing is
// forgotten by whoever is stopped in between.

// portion is how many records are indexed in one transaction: it bounds the memory, how long a person's own edit has to wait for the
// file, and what is lost if the app is stopped. The smaller, the more often the index merges what it wrote.
const portion = 500

// Index makes the words of the next portion of records that came or changed, and says how many are left for the next call.
func (c *Card) Index() (left int, err error) {
	if c.vault.words.Of == nil {
		return 0, nil
	}
	err = c.Update(func(tx replica.PhoneTx) (err error) {
		left, err = tx.(*Tx).index() //nolint:forcetypeassert // of our own making
		return err
	})
	return left, err
}

// Unindexed says whether records of the base wait for Index.
func (t *Tx) Unindexed() (bool, error) {
	if t.words.Of == nil {
		return false, nil
	}
	_, found, err := t.body("SELECT id FROM record WHERE card = ? AND shadow = 0 AND stale = 1 LIMIT 1", t.card)
	return found, err
}

func (t *Tx) index() (left int, err error) {
	behind, err := t.behind()
	if err != nil {
		return 0, err
	}
	for _, r := range behind {
		if err := t.reword(r); err != nil {
			return 0, err
		}
	}
	if len(behind) < portion {
		return 0, nil
	}
	err = t.prepared("SELECT count(*) FROM record WHERE card = ? AND shadow = 0 AND stale = 1", func(s *sql.Stmt) error {
		return s.QueryRowContext(context.Background(), t.card).Scan(&left)
	})
	return left, err
}

// rewording is a record and its words: those under which the index has it, and those under which it should.
type rewording struct {
	rowid    int64
	old, new string
}

// behind makes the words of the next portion.
func (t *Tx) behind() (all []rewording, err error) {
	err = t.prepared("SELECT rowid, id, body, words FROM record WHERE card = ? AND shadow = 0 AND stale = 1 LIMIT ?", func(s *sql.Stmt) error {
		rows, err := s.QueryContext(context.Background(), t.card, portion)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r rewording
			var id string
			var body sql.RawBytes
			if err := rows.Scan(&r.rowid, &id, &body, &r.old); err != nil {
				return err
			}
			if row, err := t.readRow(id, body); err == nil { // one that nobody can read is found under nothing, and keeps nobody from the others
				r.new = strings.Join(t.words.Of(row), " ")
			}
			all = append(all, r)
		}
		return rows.Err()
	})
	return all, err
}

// reword puts a record under its new words: into the index and, so that it can leave the index again, beside the row.
func (t *Tx) reword(r rewording) error {
	if r.old == r.new {
		return t.exec("UPDATE record SET stale = 0 WHERE rowid = ?", r.rowid)
	}
	if r.old != "" {
		if err := t.exec("INSERT INTO record_word (record_word, rowid, words) VALUES ('delete', ?, ?)", r.rowid, r.old); err != nil {
			return err
		}
	}
	if r.new != "" {
		if err := t.exec("INSERT INTO record_word (rowid, words) VALUES (?, ?)", r.rowid, r.new); err != nil {
			return err
		}
	}
	return t.exec("UPDATE record SET stale = 0, words = ? WHERE rowid = ?", r.new, r.rowid)
}

// outdate marks all records of a file whose words other rules made.
func (v *Vault) outdate(ctx context.Context) error {
	return v.begin(v.write, func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "SELECT version FROM indexing").Scan(&version); err != nil || version == v.words.Version {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE record SET stale = 1 WHERE stale = 0"); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE indexing SET version = ?", v.words.Version)
		return err
	})
}
