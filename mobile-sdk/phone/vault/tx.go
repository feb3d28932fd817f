package vault

import (
	"context"
	"database/sql"
	"errors"
	"math"
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
	freed      bool           // something was deleted that may have named a file
	naming     answer         // whether records of the card name files
	noted      map[side]mark  // of rows that were read or put in this transaction: they are there
	sealing                   // the keys
	unread     []replica.Item // edits that were met and cannot be read
	sums       [2]*tally      // of the base and the shadow, once they were asked for
	pool       *statements
	statements map[string]*sql.Stmt // those of this transaction: a page of sync runs the same few a thousand times
	news       []string             // that the pool does not know
}

var _ replica.PhoneTx = (*Tx)(nil)

// errDamaged says that what stands in the file is not what this package wrote. It names no content.
var errDamaged = errors.New("vault: a stored value is not readable")

// side is a record on one of the two sides.
type side struct {
	shadow int
	id     string
}

// mark is what the tallies need to know of a row.
type mark struct {
	digest wire.Digest
	seal   uint32 // the number of its key
}

// prepared runs use with the statement. The transaction closes it.
func (t *Tx) prepared(query string, use func(*sql.Stmt) error) error {
	if _, ok := t.statements[query]; !ok {
		s, known, err := t.pool.in(t.tx, query) //nolint:sqlclosecheck // closed with the transaction
		if err != nil {
			return err
		}
		if t.statements[query] = s; !known {
			t.news = append(t.news, query)
		}
	}
	return use(t.statements[query])
}

func (t *Tx) exec(query string, args ...any) error {
	_, err := t.change(query, args...)
	return err
}

// change is exec that tells how many rows it touched.
func (t *Tx) change(query string, args ...any) (rows int64, err error) {
	err = t.prepared(query, func(s *sql.Stmt) error {
		result, err := s.ExecContext(context.Background(), args...)
		if err == nil {
			rows, err = result.RowsAffected()
		}
		return err
	})
	return rows, err
}

// delete is exec for what must not stay in the journal either.
func (t *Tx) delete(query string, args ...any) error {
	rows, err := t.change(query, args...)
	if rows > 0 {
		t.shed.Store(true)
		t.freed = true
	}
	return err
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
func (t *Tx) Row(id string) (wire.Row, bool, error) { return t.get(side{base, id}) }

// PutRow inserts or replaces one.
func (t *Tx) PutRow(row wire.Row) error { return t.put(base, row) }

// DropRow deletes one.
func (t *Tx) DropRow(id string) error { return t.drop(side{base, id}) }

// ShadowRow returns a record of the base that is being built.
func (t *Tx) ShadowRow(id string) (wire.Row, bool, error) { return t.get(side{shadow, id}) }

// PutShadowRow inserts or replaces one.
func (t *Tx) PutShadowRow(row wire.Row) error { return t.put(shadow, row) }

// DropShadowRow deletes one.
func (t *Tx) DropShadowRow(id string) error { return t.drop(side{shadow, id}) }

// ClearShadow deletes all of the base that is being built.
func (t *Tx) ClearShadow() error {
	if err := errors.Join(t.uncount(shadow), t.setTally(shadow, wire.Sum{})); err != nil {
		return err
	}
	return t.delete("DELETE FROM record WHERE card = ? AND shadow = 1", t.card)
}

// SwapShadow puts it in the first base's place.
func (t *Tx) SwapShadow() error {
	sum, err := t.tally(shadow)
	if err == nil {
		err = t.uncount(base)
	}
	if err != nil {
		return err
	}
	if err := t.delete("DELETE FROM record WHERE card = ? AND shadow = 0", t.card); err != nil {
		return err
	}
	if err := errors.Join(t.setTally(base, sum.Sum), t.setTally(shadow, wire.Sum{})); err != nil {
		return err
	}
	return t.exec("UPDATE record SET shadow = 0 WHERE card = ? AND shadow = 1", t.card)
}

// get reads a row. One that cannot be read is none; its place is noted all the same, for what may take it.
func (t *Tx) get(at side) (row wire.Row, found bool, err error) {
	body, found, err := t.stored(at)
	if err != nil || !found {
		return wire.Row{}, false, err
	}
	row, err = t.readRow(at.id, body)
	return row, err == nil, nil
}

func (t *Tx) put(shadow int, row wire.Row) error {
	text, err := wire.Marshal(row)
	if err != nil {
		return err
	}
	body, seal, err := t.sealRow(row.Scope, row.ID, text)
	if err != nil {
		return err
	}
	at, digest := side{shadow, row.ID}, mark{replica.Digest(row), seal}
	old, known := t.noted[at]
	if !known {
		inserted, err := t.insert(at, row, body, digest.digest)
		if err != nil {
			return err
		}
		if inserted {
			return errors.Join(t.note(at, digest), t.nameFiles(shadow, row))
		}
		if _, _, err := t.stored(at); err != nil {
			return err
		}
		old = t.noted[at]
	}
	// What has the same kind and date keeps its place in the lists: an UPDATE that named the two would write their index's pages anew.
	for _, query := range []string{
		"UPDATE record SET scope = ?3, open = ?4, body = ?5, stale = 1, digest = ?6 WHERE card = ?7 AND shadow = ?8 AND id = ?9 AND kind = ?1 AND date = ?2",
		"UPDATE record SET kind = ?1, date = ?2, scope = ?3, open = ?4, body = ?5, stale = 1, digest = ?6 WHERE card = ?7 AND shadow = ?8 AND id = ?9",
	} {
		rows, err := t.change(query, row.Kind, row.Date.UnixMicro(), row.Scope, conflict(row), body, int64(digest.digest), t.card, shadow, row.ID)
		if err != nil {
			return err
		}
		if rows > 0 {
			break
		}
	}
	return errors.Join(t.unnote(at, old), t.note(at, digest), t.nameFiles(shadow, row))
}

// insert puts a row where there is none; inserted is false where there is one.
func (t *Tx) insert(at side, row wire.Row, body []byte, digest wire.Digest) (inserted bool, err error) {
	rows, err := t.change(`INSERT INTO record (card, shadow, id, kind, scope, date, open, body, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (card, shadow, id) DO NOTHING`, t.card, at.shadow, row.ID, row.Kind, row.Scope, row.Date.UnixMicro(), conflict(row), body, int64(digest))
	return rows > 0, err
}

// conflict is 1 where one is open, else 0.
func conflict(row wire.Row) int {
	for _, versions := range row.Atoms {
		if len(versions) > 1 {
			return 1
		}
	}
	return 0
}

func (t *Tx) drop(at side) error {
	return t.deleteRows("card = ? AND shadow = ? AND id = ?", t.card, at.shadow, at.id)
}

// readRow reads the stored body of the record with the id.
func (t *Tx) readRow(id string, stored []byte) (wire.Row, error) {
	body, err := t.openRow(id, stored)
	if err != nil {
		return wire.Row{}, err
	}
	row, err := wire.UnmarshalRow(body)
	if err != nil {
		return wire.Row{}, errDamaged
	}
	return row, nil
}

// DropRowsOutside deletes what stands in other scopes than these, in both bases, and destroys the keys of those.
func (t *Tx) DropRowsOutside(keep replica.Scopes) error {
	scopes, err := t.Scopes()
	if err != nil {
		return err
	}
	for _, scope := range scopes {
		if keep.Holds(scope) {
			continue
		}
		if err := t.deleteRows("card = ? AND scope = ?", t.card, scope); err != nil {
			return err
		}
	}
	sealed, err := list(t, asText, "SELECT DISTINCT scope FROM seal WHERE card = ?", t.card)
	for _, scope := range sealed {
		if err == nil && !keep.Holds(scope) {
			err = t.destroy("scope = ?", scope)
		}
	}
	return err
}

// Wipe forgets the card and destroys all of its keys.
func (t *Tx) Wipe() error {
	if err := errors.Join(t.setTally(base, wire.Sum{}), t.setTally(shadow, wire.Sum{})); err != nil {
		return err
	}
	for _, query := range []string{"DELETE FROM record WHERE card = ?", "DELETE FROM edit WHERE card = ?", "DELETE FROM attachment WHERE card = ?", "DELETE FROM place WHERE card = ?"} {
		if err := t.delete(query, t.card); err != nil {
			return err
		}
	}
	clear(t.under)
	t.rekey = false
	return errors.Join(t.destroy("true"), t.dropEditKey())
}

// Position is where a list stands: behind the record with this date and id. Lists run from the newest to the oldest; records
// whose date nobody knows come last.
type Position struct {
	Date time.Time
	ID   string
}

// List gives records of one kind from the base, those behind the position (nil: from the newest), at most limit.
func (t *Tx) List(kind string, behind *Position, limit int) ([]wire.Row, error) {
	const query = "SELECT id, date, body FROM record WHERE card = ? AND shadow = 0 AND kind = ?"
	if behind == nil {
		return t.rows(limit, query+" ORDER BY date DESC, id DESC LIMIT ?", t.card, kind)
	}
	return t.rows(limit, query+" AND (date, id) < (?, ?) ORDER BY date DESC, id DESC LIMIT ?", t.card, kind, behind.Date.UnixMicro(), behind.ID)
}

// Conflicted gives the records of the base in which a conflict is open.
func (t *Tx) Conflicted() ([]wire.Row, error) {
	return t.rows(math.MaxInt32, "SELECT id, date, body FROM record WHERE card = ? AND shadow = 0 AND open = 1 ORDER BY id LIMIT ?", t.card)
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
