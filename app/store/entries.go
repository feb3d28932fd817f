package store

import (
	"database/sql"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/sync/replica"
)

// EntriesBehind lists records of the kinds (none = all) that the permit reads and that are not deleted, newest clinical date
// first, behind the record with that date and id (no id = from the newest).
func (tx *Tx) EntriesBehind(p consent.Permit, kinds []card.Kind, after time.Time, id card.RecordID, limit int) ([]replica.Record, error) {
	l, err := tx.ledger(p)
	if err != nil {
		return nil, err
	}
	condition, more := permitFilter(p)
	args := append([]any{string(p.Card()), false}, more...)
	if len(kinds) > 0 {
		names := make([]string, len(kinds))
		for i, k := range kinds {
			names[i] = string(k)
		}
		condition, args = condition+" AND kind IN ?", append(args, names)
	}
	const dated = "coalesce(dated, '0001-01-01T00:00:00.000000Z')" // what names no date is the oldest; an index has the same words
	if id != "" {
		if after.IsZero() {
			after = dawn
		}
		condition += " AND " + dated + " <= ? AND (" + dated + ", id) < (?, ?)" // SQLite finds its place by the first
		args = append(args, micros(after), micros(after), string(id))
	}
	var list []replica.Record
	err = tx.each(func(rows *sql.Rows) error {
		r, err := l.scan(rows)
		list = append(list, r)
		return err
	}, "SELECT "+recordColumns+" FROM record WHERE card = ? AND deleted = ?"+condition+" ORDER BY "+dated+" DESC, id DESC LIMIT ?", append(args, limit)...)
	return list, err
}

// Sees reports whether the permit reads the record, deleted or not: that it stands in a scope that is neither denied to the actor nor hidden.
func (tx *Tx) Sees(p consent.Permit, id card.RecordID) (bool, error) {
	if err := tx.may(p); err != nil {
		return false, err
	}
	var scope card.Scope
	found, err := tx.one([]any{&scope}, "SELECT scope FROM record WHERE card = ? AND id = ?", string(p.Card()), string(id))
	return found && p.Reads(scope), err
}

// dawn stands for the date of what has none.
var dawn = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
