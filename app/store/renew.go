package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// A card gets another data key in three steps, while servers run and people write:
//
//  1. BeginRenewal puts a new key before the old one. From that commit on the new one seals, on all servers: whoever writes sees the name of
//     the newest key under a lock that keeps it so (newestKey), and who meets a key that he does not know reads the card's keys anew (open).
//  2. Reseal seals with the new key what the old one sealed, some rows at a time, each time only if they still are what was read.
//  3. EndRenewal looks once more whether anything is left, and deletes the old key.
//
// Whatever it is interrupted between, both keys are there, everything opens, and the same again goes on. Rows may come in the old key's seal to
// where Reseal was already: a record's becomes a version's, an upload's a file's. So the third step looks by itself, with the card locked, and the
// second is repeated while it finds any.

// ErrNotOwner means that the database's role may not change entries of the audit log, of which the sealed part is to be sealed anew.
var ErrNotOwner = errors.New("store: the audit log is parted from this database role: set MEDCARD_POSTGRES to that of the tables' owner, as for medcard migrate")

// BeginRenewal gives the entry's card a new data key beside the one it has. The entry says who does it and why. begun is false if the card got one
// before, and Reseal has not ended.
func (tx *Tx) BeginRenewal(e audit.Entry) (begun bool, err error) {
	if err := tx.mayReseal(); err != nil {
		return false, err
	}
	return tx.beginRenewal(e)
}

func (tx *Tx) beginRenewal(e audit.Entry) (begun bool, err error) {
	if err := tx.lockKeys(e.Card); err != nil {
		return false, err
	}
	var renewing bool
	if _, err := tx.one([]any{&renewing}, "SELECT renewing FROM card WHERE id = ?", string(e.Card)); err != nil || renewing {
		return false, err
	}
	keys, err := tx.readKeys(e.Card)
	if err != nil {
		return false, err
	}
	fresh, err := keys.newDataKey()
	if err != nil {
		return false, err
	}
	if err := tx.putKeys(e.Card, slices.Insert(slices.Clone(keys), 0, fresh)); err != nil {
		return false, err
	}
	return true, tx.AppendAudit(e)
}

// lockKeys locks the card against everybody, those included who keep its newest key what it is.
func (tx *Tx) lockKeys(id card.ID) error {
	if tx.postgres != nil {
		if _, err := tx.exec("SELECT 1 FROM card WHERE id = ? FOR UPDATE", string(id)); err != nil {
			return err
		}
	}
	return tx.LockCard(id)
}

// mayReseal fails with ErrNotOwner.
func (tx *Tx) mayReseal() error {
	if tx.postgres == nil {
		return nil
	}
	var may bool
	if _, err := tx.one([]any{&may}, "SELECT has_table_privilege('audit_entry', 'UPDATE')"); err != nil || !may {
		return orElse(err, ErrNotOwner)
	}
	return nil
}

// renewOlder is for a card of a restored database that the key folder lists with the name of the key that it got: if the backup is from before, the
// old key is in use again, which may have been in wrong hands. Reseal is still to come.
func (tx *Tx) renewOlder(id card.ID, listed string, now time.Time) error {
	keys, err := tx.dataKeys(id)
	if err != nil || listed == "" || listed == keys[0].String() {
		return err
	}
	_, err = tx.beginRenewal(audit.Entry{Card: id, At: now, Actor: identity.Actor{Kind: identity.System}, Action: audit.Renew, Purpose: consent.Operations,
		What: "renewed after the backup that was restored", Request: "restore"})
	return err
}

// putKeys writes the card's keys down; more than one means that it is being renewed. What other servers keep in memory they find out to be old.
func (tx *Tx) putKeys(id card.ID, keys keySet) error {
	wrapped, err := tx.wrap(keys.bytes(), keyPlace(id))
	if err != nil {
		return err
	}
	if _, err := tx.exec("UPDATE card SET wrapped_key = ?, key_name = ?, renewing = ? WHERE id = ?", wrapped, keys[0].name, len(keys) > 1, string(id)); err != nil {
		return err
	}
	tx.keys, tx.keysOf = nil, ""
	tx.db.cardKeys.Delete(id)
	tx.holds(id, keys[0].name)
	return nil
}

// Resealed is what became of a run of Reseal.
type Resealed struct {
	Done    int    // rows that were sealed anew
	Damaged int    // rows that no key of the card opens: they are left as they are
	Where   string // a table in which such rows are
	Key     string // the name of the key that seals the card now
}

// ErrDamagedRows means that rows do not open, so that the key with which they may have been sealed is not deleted.
var ErrDamagedRows = errors.New("store: rows of the card do not open: they were changed or moved")

// Reseal seals the rest of a card that got a new key, and deletes the old one. It ends at once for one that did not. Of rows that do not open it
// tells, and keeps the old key for them (ErrDamagedRows) unless they are given up. step is told rows.
func (db *DB) Reseal(ctx context.Context, id card.ID, giveUp bool, step func(done, total int)) (out Resealed, err error) {
	var total int
	err = db.View(ctx, func(tx *Tx) (err error) {
		if err := errors.Join(tx.mayReseal(), tx.enter(id)); err != nil {
			return err
		}
		total, err = tx.unrenewed(id)
		return err
	})
	if err != nil {
		return out, err
	}
	for {
		damaged := 0
		for _, c := range sealedColumns {
			n, err := db.resealColumn(ctx, id, c, func(rows int) {
				out.Done += rows
				step(out.Done, total)
			})
			if err != nil {
				return out, err
			}
			if damaged += n; n > 0 {
				out.Where = c.table
			}
		}
		if out.Damaged = damaged; damaged > 0 && !giveUp {
			return out, ErrDamagedRows
		}
		var ended bool
		if err := db.Update(ctx, func(tx *Tx) (err error) {
			ended, out.Key, err = tx.endRenewal(id, damaged)
			return err
		}); err != nil || ended {
			return out, err
		}
	}
}

// endRenewal deletes the older keys of a card; ended is false while anything is sealed with them but so many rows that are given up.
func (tx *Tx) endRenewal(id card.ID, givenUp int) (ended bool, key string, err error) {
	if err := tx.lockKeys(id); err != nil {
		return false, "", err
	}
	left, err := tx.unrenewed(id)
	if err != nil || left > givenUp {
		return false, "", err
	}
	keys, err := tx.readKeys(id)
	if err != nil {
		return false, "", err
	}
	if len(keys) > 1 {
		err = tx.putKeys(id, keys[:1])
	}
	return true, keys[0].String(), err
}

// unrenewed counts the rows that the card's newest key did not seal.
func (tx *Tx) unrenewed(id card.ID) (rows int, err error) {
	keys, err := tx.readKeys(id)
	if err != nil {
		return 0, err
	}
	for _, c := range sealedColumns {
		var n int
		condition, args := c.notBy(keys[0].name)
		if _, err := tx.one([]any{&n}, "SELECT count(*) FROM "+c.table+" WHERE card = ? AND "+condition, append([]any{string(id)}, args...)...); err != nil {
			return 0, err
		}
		rows += n
	}
	return rows, nil
}

// Bounds of one transaction of Reseal.
const (
	resealRows  = 200
	resealBytes = 4 << 20
)

// resealColumn seals a column of the card anew, page by page. step is told rows.
func (db *DB) resealColumn(ctx context.Context, id card.ID, c sealedColumn, step func(rows int)) (damaged int, err error) {
	for last := []any(nil); ; {
		var page []sealedRow
		var broken int
		if err := db.Update(ctx, func(tx *Tx) (err error) {
			if err := tx.LockCard(id); err != nil { // in order with whoever changes it: else the two might wait for each other's rows
				return err
			}
			if page, err = c.behind(tx, id, last); err != nil || len(page) == 0 {
				return err
			}
			broken, err = c.reseal(tx, id, page)
			return err
		}); err != nil || len(page) == 0 {
			return damaged, err
		}
		damaged += broken
		last = page[len(page)-1].keys
		step(len(page) - broken)
	}
}

// behind reads rows of the card that its newest key did not seal, in the order of their keys, behind one of them.
func (c sealedColumn) behind(tx *Tx, id card.ID, last []any) (page []sealedRow, err error) {
	columns := strings.Join(c.keys, ", ")
	condition, args := c.notBy(tx.held)
	args = append([]any{string(id)}, args...)
	if last != nil {
		condition += " AND (" + columns + ") > (" + strings.Repeat("?, ", len(last)-1) + "?)"
		args = append(args, last...)
	}
	// As many rows as their bytes allow, and one at least.
	query := fmt.Sprintf(`SELECT %[1]s, %[2]s FROM (SELECT %[1]s, %[2]s, sum(length(%[2]s)) OVER (ORDER BY %[1]s) AS bytes FROM
			(SELECT %[1]s, %[2]s FROM %[3]s WHERE card = ? AND %[4]s ORDER BY %[1]s LIMIT ?) AS few) AS page
		WHERE bytes <= ? OR bytes = length(%[2]s) ORDER BY %[1]s`, columns, c.column, c.table, condition)
	err = tx.each(func(rows *sql.Rows) error {
		r := sealedRow{keys: make([]any, len(c.keys))}
		into := make([]any, 0, len(c.keys)+1)
		for i := range r.keys {
			into = append(into, &r.keys[i])
		}
		err := rows.Scan(append(into, &r.sealed)...)
		page = append(page, r)
		return err
	}, query, append(args, resealRows, resealBytes)...)
	return page, err
}

// reseal seals rows anew that still are what was read; who changed one meanwhile sealed it with the newest key.
func (c sealedColumn) reseal(tx *Tx, id card.ID, page []sealedRow) (damaged int, err error) {
	statement := fmt.Sprintf("UPDATE %s SET %s = $1 WHERE card = $2 AND %[2]s = $3", c.table, c.column)
	for i, key := range c.keys {
		statement += fmt.Sprintf(" AND %s = $%d", key, i+4)
	}
	changes := make([][]any, 0, len(page))
	for _, r := range page {
		place := c.place(r.keys)
		plain, err := tx.open(id, place, r.sealed)
		if errors.Is(err, errKeysTurned) || tx.ctx.Err() != nil {
			return 0, err
		}
		if err != nil {
			damaged++
			continue
		}
		sealed, err := tx.seal(id, place, plain)
		if err != nil {
			return 0, err
		}
		changes = append(changes, append([]any{sealed, string(id), r.sealed}, r.keys...))
	}
	return damaged, tx.execEach(statement, changes)
}

// Renewing lists the cards that got a new key and still have the old one.
func (tx *Tx) Renewing(limit int) (list []card.ID, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var id card.ID
		err := rows.Scan(&id)
		list = append(list, id)
		return err
	}, "SELECT id FROM card WHERE renewing ORDER BY id LIMIT ?", limit)
	return list, err
}
