package store

import (
	"database/sql"
	"encoding/json"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

// lockDetail is the sealed part of a lock.
type lockDetail struct {
	Words  string `json:"words"`
	By     string `json:"by"`
	Appeal string `json:"appeal,omitempty"`
}

func lockPlace(of identity.AccountID) []byte { return []byte("account_lock|sealed|" + string(of)) }

// PutLock locks an account, or changes its lock. The next request of each of its sessions is refused.
func (tx *Tx) PutLock(l account.Lock) error {
	text, err := json.Marshal(lockDetail{Words: l.Words, By: l.By, Appeal: l.Appeal})
	if err != nil {
		return err
	}
	sealed, err := tx.wrap(text, lockPlace(l.Account))
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO account_lock (account, reason, since, appealed_at, sealed) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (account) DO UPDATE SET reason = excluded.reason, since = excluded.since, appealed_at = excluded.appealed_at, sealed = excluded.sealed`,
		string(l.Account), string(l.Reason), micros(l.Since), nullTime(l.Appealed), sealed)
	return err
}

// DropLock lets an account be used again; false if it was not locked.
func (tx *Tx) DropLock(of identity.AccountID) (bool, error) {
	n, err := tx.exec("DELETE FROM account_lock WHERE account = ?", string(of))
	return n > 0, err
}

// LockOf finds an account's lock.
func (tx *Tx) LockOf(of identity.AccountID) (l account.Lock, found bool, err error) {
	list, err := tx.locks("account = ?", string(of))
	if err != nil || len(list) == 0 {
		return l, false, err
	}
	return list[0], true, nil
}

// Locks lists what is locked: appeals first, the oldest first.
func (tx *Tx) Locks(limit int) ([]account.Lock, error) {
	return tx.locks("1 = 1 ORDER BY CASE WHEN appealed_at IS NULL THEN 1 ELSE 0 END, appealed_at, since, account LIMIT ?", limit)
}

func (tx *Tx) locks(condition string, args ...any) (list []account.Lock, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var l account.Lock
		var appealed sql.NullTime
		var sealed []byte
		if err := rows.Scan(&l.Account, &l.Reason, &l.Since, &appealed, &sealed); err != nil {
			return err
		}
		text, err := tx.unwrap(sealed, lockPlace(l.Account), errSealedContact)
		if err != nil {
			return err
		}
		var d lockDetail
		if err := json.Unmarshal(text, &d); err != nil {
			return err
		}
		l.Since, l.Appealed, l.Words, l.By, l.Appeal = l.Since.UTC(), fromNull(appealed), d.Words, d.By, d.Appeal
		list = append(list, l)
		return nil
	}, "SELECT account, reason, since, appealed_at, sealed FROM account_lock WHERE "+condition, args...)
	return list, err
}
