package store

import (
	"bytes"
	"database/sql"
	"time"
)

// By what codes are checked, beside the status lists: the key set that all servers publish, and what was said in a code. No card.

// KeySet is the key set as it was published last.
func (tx *Tx) KeySet() (sequence uint64, signed []byte, found bool, err error) {
	found, err = tx.one([]any{&sequence, &signed}, "SELECT sequence, signed FROM key_set WHERE id = 1")
	return sequence, signed, found, err
}

// ReplaceKeySet publishes the next key set in the place of the one with the sequence that was read, 0 = there was none. replaced is
// false when another server was faster.
func (tx *Tx) ReplaceKeySet(was, sequence uint64, signed []byte) (replaced bool, err error) {
	var n int64
	if was == 0 {
		n, err = tx.exec("INSERT INTO key_set (id, sequence, signed) VALUES (1, ?, ?) ON CONFLICT (id) DO NOTHING", sequence, signed)
	} else {
		n, err = tx.exec("UPDATE key_set SET sequence = ?, signed = ? WHERE id = 1 AND sequence = ?", sequence, signed, was)
	}
	return n > 0, err
}

// AddKeyEvent remembers what happened to a key with the publication of a key set.
func (tx *Tx) AddKeyEvent(sequence uint64, kid, usage, what string, at time.Time) error {
	_, err := tx.exec("INSERT INTO key_event (sequence, kid, usage, what, at) VALUES (?, ?, ?, ?, ?)", sequence, kid, usage, what, at)
	return err
}

// KeyEvents visits what happened to keys, the oldest first.
func (tx *Tx) KeyEvents(visit func(kid, usage, what string, at time.Time)) error {
	return tx.each(func(rows *sql.Rows) error {
		var kid, usage, what string
		var at time.Time
		if err := rows.Scan(&kid, &usage, &what, &at); err != nil {
			return err
		}
		visit(kid, usage, what, at.UTC())
		return nil
	}, "SELECT kid, usage, what, at FROM key_event ORDER BY sequence, kid, what")
}

// contentHash keeps whoever reads the table from trying out what a code might say.
func (tx *Tx) contentHash(content []byte) []byte { return tx.db.keys.Hash("code", string(content)) }

// KeepContent remembers what the code of a paper says.
func (tx *Tx) KeepContent(token [16]byte, content []byte) error {
	_, err := tx.exec("UPDATE paper_status SET content = ? WHERE token = ?", tx.contentHash(content), token[:])
	return err
}

// SaysContent reports whether the code that was issued for the paper says just this; known is false where nobody remembers.
func (tx *Tx) SaysContent(token [16]byte, content []byte) (same, known bool, err error) {
	var held []byte
	_, err = tx.one([]any{&held}, "SELECT content FROM paper_status WHERE token = ?", token[:])
	return bytes.Equal(held, tx.contentHash(content)), held != nil, err
}
