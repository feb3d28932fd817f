package vault

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Tx is one transaction on one card.
type Tx struct {
	card       string
	tx         *sql.Tx
	words      Words
	shed       *atomic.Bool
	freed      bool                 // something was deleted that may have named a file
	naming     answer               // whether records of the card name files
	statements map[string]*sql.Stmt // prepared once a transaction: a page of sync runs the same few a thousand times
}

var _ replica.PhoneTx = (*Tx)(nil)

// errDamaged says that what stands in the file is not what this package wrote. It names no content.
var errDamaged = errors.New("vault: a stored value is not readable")

// prepared runs use with the statement. The transaction closes it.
func (t *Tx) prepared(query string, use func(*sql.Stmt) error) error {
	if _, ok := t.statements[query]; !ok {
		s, err := t.tx.PrepareContext(context.Background(), query) //nolint:sqlclosecheck // closed with the transaction
		if err != nil {
			return err
		}
		t.statements[query] = s
	}
	return use(t.statements[query])
}

func (t *Tx) exec(query string, args ...any) error {
	return t.prepared(query, func(s *sql.Stmt) error {
		_, err := s.ExecContext(context.Background(), args...)
		return err
	})
}

// delete is exec for what must not stay in the journal either.
func (t *Tx) delete(query string, args ...any) error {
	return t.prepared(query, func(s *sql.Stmt) error {
		result, err := s.ExecContext(context.Background(), args...)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); n > 0 || err != nil {
			t.shed.Store(true)
			t.freed = true
		}
		return nil
	})
}

// body reads the one column of the one row of a query; found is false if there is none.
func (t *Tx) body(query string, args ...any) (body []byte, found bool, err error) {
	err = t.prepared(query, func(s *sql.Stmt) error {
		return s.QueryRowContext(context.Background(), args...).Scan(&body)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return body, err == nil, err
}

// list runs a query whose one column is a body and reads each.
func list[T any](t *Tx, read func([]byte) (T, error), query string, args ...any) (out []T, err error) {
	err = t.prepared(query, func(s *sql.Stmt) error {
		rows, err := s.QueryContext(context.Background(), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var body sql.RawBytes // copied by read
			if err := rows.Scan(&body); err != nil {
				return err
			}
			one, err := read(body)
			if err != nil {
				return err
			}
			out = append(out, one)
		}
		return rows.Err()
	})
	return out, err
}

const (
	base   = 0
	shadow = 1
)

// Row returns a record of the base.
func (t *Tx) Row(id string) (wire.Row, bool, error) { return t.get(base, id) }

// PutRow inserts or replaces one.
func (t *Tx) PutRow(row wire.Row) error { return t.put(base, row) }

// DropRow deletes one.
func (t *Tx) DropRow(id string) error { return t.drop(base, id) }

// ShadowRow returns a record of the base that is being built.
func (t *Tx) ShadowRow(id string) (wire.Row, bool, error) { return t.get(shadow, id) }

// PutShadowRow inserts or replaces one.
func (t *Tx) PutShadowRow(row wire.Row) error { return t.put(shadow, row) }

// DropShadowRow deletes one.
func (t *Tx) DropShadowRow(id string) error { return t.drop(shadow, id) }

// ClearShadow deletes all of the base that is being built.
func (t *Tx) ClearShadow() error {
	return t.delete("DELETE FROM record WHERE card = ? AND shadow = 1", t.card)
}

// SwapShadow puts it in the first base's place.
func (t *Tx) SwapShadow() error {
	if err := t.delete("DELETE FROM record WHERE card = ? AND shadow = 0", t.card); err != nil {
		return err
	}
	return t.exec("UPDATE record SET shadow = 0 WHERE card = ? AND shadow = 1", t.card)
}

func (t *Tx) get(side int, id string) (row wire.Row, found bool, err error) {
	body, found, err := t.body("SELECT body FROM record WHERE card = ? AND shadow = ? AND id = ?", t.card, side, id)
	if err != nil || !found {
		return wire.Row{}, false, err
	}
	row, err = readRow(body)
	return row, err == nil, err
}

func (t *Tx) put(side int, row wire.Row) error {
	body, err := wire.Marshal(row)
	if err != nil {
		return err
	}
	open := 0
	for _, versions := range row.Atoms {
		if len(versions) > 1 {
			open = 1
		}
	}
	if err := t.exec(`INSERT INTO record (card, shadow, id, kind, scope, date, open, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (card, shadow, id) DO UPDATE SET kind = excluded.kind, scope = excluded.scope, date = excluded.date, open = excluded.open,
			body = excluded.body, stale = 1`,
		t.card, side, row.ID, row.Kind, row.Scope, row.Date.UnixMicro(), open, body); err != nil {
		return err
	}
	return t.nameFiles(side, row)
}

func (t *Tx) drop(side int, id string) error {
	return t.delete("DELETE FROM record WHERE card = ? AND shadow = ? AND id = ?", t.card, side, id)
}

func readRow(body []byte) (wire.Row, error) {
	var row wire.Row
	if json.Unmarshal(body, &row) != nil {
		return wire.Row{}, errDamaged
	}
	return row, nil
}

// DropRowsOutside deletes what stands in other scopes than these, in both bases.
func (t *Tx) DropRowsOutside(keep replica.Scopes) error {
	scopes, err := t.Scopes()
	if err != nil {
		return err
	}
	for _, scope := range scopes {
		if keep.Holds(scope) {
			continue
		}
		if err := t.delete("DELETE FROM record WHERE card = ? AND scope = ?", t.card, scope); err != nil {
			return err
		}
	}
	return nil
}

// Wipe forgets the card.
func (t *Tx) Wipe() error {
	for _, query := range []string{"DELETE FROM record WHERE card = ?", "DELETE FROM edit WHERE card = ?", "DELETE FROM attachment WHERE card = ?", "DELETE FROM place WHERE card = ?"} {
		if err := t.delete(query, t.card); err != nil {
			return err
		}
	}
	return nil
}

// Position is where a list stands: behind the record with this date and id. Lists run from the newest to the oldest; records
// whose date nobody knows come last.
type Position struct {
	Date time.Time
	ID   string
}

// List gives records of one kind from the base, those behind the position (nil: from the newest), at most limit.
func (t *Tx) List(kind string, behind *Position, limit int) ([]wire.Row, error) {
	const query = "SELECT body FROM record WHERE card = ? AND shadow = 0 AND kind = ?"
	if behind == nil {
		return list(t, readRow, query+" ORDER BY date DESC, id DESC LIMIT ?", t.card, kind, limit)
	}
	return list(t, readRow, query+" AND (date, id) < (?, ?) ORDER BY date DESC, id DESC LIMIT ?", t.card, kind, behind.Date.UnixMicro(), behind.ID, limit)
}

// Conflicted gives the records of the base in which a conflict is open.
func (t *Tx) Conflicted() ([]wire.Row, error) {
	return list(t, readRow, "SELECT body FROM record WHERE card = ? AND shadow = 0 AND open = 1 ORDER BY id", t.card)
}

// Count says how many records of each kind stand in the base, by scope: what may be shown is the caller's to know.
func (t *Tx) Count() (map[string]map[string]int, error) {
	rows, err := t.tx.QueryContext(context.Background(), "SELECT kind, scope, count(*) FROM record WHERE card = ? AND shadow = 0 GROUP BY kind, scope", t.card)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := map[string]map[string]int{}
	for rows.Next() {
		var kind, scope string
		var n int
		if err := rows.Scan(&kind, &scope, &n); err != nil {
			return nil, err
		}
		if counts[kind] == nil {
			counts[kind] = map[string]int{}
		}
		counts[kind][scope] = n
	}
	return counts, rows.Err()
}
