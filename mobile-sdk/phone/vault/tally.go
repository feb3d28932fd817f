package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Beside each row stands its digest, as it was when the row was put, and of each side of a card the sum of them. A transaction keeps
// the sums in memory and writes them down at its end: one statement, however many rows it touched.

// tally is a sum as this transaction has it.
type tally struct {
	wire.Sum
	stored wire.Sum
}

// tally reads the sum of a side.
func (t *Tx) tally(shadow int) (*tally, error) {
	if t.sums[shadow] != nil {
		return t.sums[shadow], nil
	}
	var count, sum int64
	err := t.prepared("SELECT count, sum FROM tally WHERE card = ? AND shadow = ?", func(s *sql.Stmt) error {
		return s.QueryRowContext(context.Background(), t.card, shadow).Scan(&count, &sum)
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	stored := wire.Sum{Count: int(count), Total: wire.Digest(sum)}
	t.sums[shadow] = &tally{stored, stored}
	return t.sums[shadow], nil
}

func (t *Tx) setTally(shadow int, sum wire.Sum) error {
	kept, err := t.tally(shadow)
	if err != nil {
		return err
	}
	kept.Sum = sum
	clear(t.noted) // this is for changes of many rows at once
	return nil
}

// note counts a row that was put, unnote one that went.
func (t *Tx) note(at side, m mark) error {
	kept, err := t.tally(at.shadow)
	if err == nil {
		kept.Add(m.digest)
		t.noted[at] = m
		t.under[m.seal]++
	}
	return err
}

func (t *Tx) unnote(at side, m mark) error {
	kept, err := t.tally(at.shadow)
	if err == nil {
		kept.Sum = kept.Minus(wire.Sum{Count: 1, Total: m.digest})
		delete(t.noted, at)
		t.under[m.seal]--
	}
	return err
}

// finish does what is left for the end of a transaction.
func (t *Tx) finish() error {
	if err := errors.Join(t.sweep(), t.finishKeys()); err != nil {
		return err
	}
	for shadow, kept := range t.sums {
		if kept == nil || kept.Sum == kept.stored {
			continue
		}
		query, args := "DELETE FROM tally WHERE card = ? AND shadow = ?", []any{t.card, shadow}
		if kept.Count != 0 {
			query = `INSERT INTO tally (card, shadow, count, sum) VALUES (?, ?, ?, ?)
				ON CONFLICT (card, shadow) DO UPDATE SET count = excluded.count, sum = excluded.sum`
			args = append(args, kept.Count, int64(kept.Total))
		}
		if err := t.exec(query, args...); err != nil {
			return err
		}
	}
	return nil
}

// stored reads a row's body, and notes its digest.
func (t *Tx) stored(at side) (body []byte, found bool, err error) {
	var digest int64
	err = t.prepared("SELECT body, digest FROM record WHERE card = ? AND shadow = ? AND id = ?", func(s *sql.Stmt) error {
		return s.QueryRowContext(context.Background(), t.card, at.shadow, at.id).Scan(&body, &digest)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err == nil {
		t.noted[at] = mark{wire.Digest(digest), sealOf(body)}
	}
	return body, err == nil, err
}

// deleteRows deletes the records that meet the condition, and takes them off the sums.
func (t *Tx) deleteRows(condition string, args ...any) error {
	gone := map[side]mark{}
	err := t.prepared("DELETE FROM record WHERE "+condition+" RETURNING shadow, id, digest, substr(body, 1, 5)", func(s *sql.Stmt) error {
		rows, err := s.QueryContext(context.Background(), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var at side
			var digest int64
			var head sql.RawBytes
			if err := rows.Scan(&at.shadow, &at.id, &digest, &head); err != nil {
				return err
			}
			gone[at] = mark{wire.Digest(digest), sealOf(head)}
		}
		return rows.Err()
	})
	if err != nil || len(gone) == 0 {
		return err
	}
	t.shed.Store(true)
	t.freed = true
	for at, m := range gone {
		if err := t.unnote(at, m); err != nil {
			return err
		}
	}
	return nil
}

// rows runs a query for ids, dates and bodies whose last argument is a limit, and reads as many records. One that is damaged is
// passed over, and makes the list no shorter: whoever pages takes a short page for the last one.
func (t *Tx) rows(limit int, query string, args ...any) (out []wire.Row, err error) {
	for ask := limit; ; {
		var damaged int
		if out, damaged, err = t.readable(query, append(args, ask)...); err != nil {
			return nil, err
		}
		if len(out) >= limit || len(out)+damaged < ask {
			return out[:min(limit, len(out))], nil
		}
		ask += damaged
	}
}

func (t *Tx) readable(query string, args ...any) (out []wire.Row, damaged int, err error) {
	err = t.prepared(query, func(s *sql.Stmt) error {
		rows, err := s.QueryContext(context.Background(), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			var date int64
			var body sql.RawBytes
			if err := rows.Scan(&id, &date, &body); err != nil {
				return err
			}
			if row, err := t.readRow(id, body); err == nil && row.ID == id && row.Date.UnixMicro() == date {
				out = append(out, row)
			} else {
				damaged++
			}
		}
		return rows.Err()
	})
	return out, damaged, err
}

// Sum is the sum of the base.
func (t *Tx) Sum() (wire.Sum, error) {
	kept, err := t.tally(base)
	if err != nil {
		return wire.Sum{}, err
	}
	return kept.Sum, nil
}

// Digests returns the digests of the base in a range of ids.
func (t *Tx) Digests(from, to string) (all []wire.Entry, err error) {
	query, args := "SELECT id, digest FROM record WHERE card = ? AND shadow = 0 AND id >= ?", []any{t.card, from}
	if to != "" {
		query, args = query+" AND id < ?", append(args, to)
	}
	err = t.prepared(query+" ORDER BY id", func(s *sql.Stmt) error {
		rows, err := s.QueryContext(context.Background(), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			var digest int64
			if err := rows.Scan(&id, &digest); err != nil {
				return err
			}
			all = append(all, wire.Entry{ID: id, Digest: wire.Digest(digest)})
		}
		return rows.Err()
	})
	return all, err
}

// Recount makes the digests and the sum of the base anew from what stands in the file.
func (t *Tx) Recount() (damaged int, err error) {
	var sum wire.Sum
	changed := map[int64]wire.Digest{}
	err = t.prepared("SELECT rowid, id, kind, scope, date, open, body, digest FROM record WHERE card = ? AND shadow = 0", func(s *sql.Stmt) error {
		rows, err := s.QueryContext(context.Background(), t.card)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var rowid, old int64
			var file fileRow
			if err := rows.Scan(&rowid, &file.id, &file.kind, &file.scope, &file.date, &file.open, &file.body, &old); err != nil {
				return err
			}
			now := file.digest(t)
			sum.Add(now)
			if now == wire.Digest(old) {
				continue
			}
			changed[rowid] = now
			if old != 0 || now == 0 {
				damaged++
			}
		}
		return rows.Err()
	})
	if err != nil {
		return 0, fmt.Errorf("vault: count anew: %w", err)
	}
	for rowid, digest := range changed {
		if err := t.exec("UPDATE record SET digest = ? WHERE rowid = ?", int64(digest), rowid); err != nil {
			return 0, err
		}
	}
	return damaged, t.setTally(base, sum)
}

// fileRow is a row as the file has it: the body, and what stands beside it to be found by.
type fileRow struct {
	id, kind, scope string
	date            int64
	open            int
	body            sql.RawBytes
}

// digest is that of the record, 0 if the body cannot be read or does not say what stands beside it.
func (f fileRow) digest(t *Tx) wire.Digest {
	row, err := t.readRow(f.id, f.body)
	if err != nil || row.ID != f.id || row.Kind != f.kind || row.Scope != f.scope || row.Date.UnixMicro() != f.date || conflict(row) != f.open {
		return 0
	}
	return replica.Digest(row)
}
