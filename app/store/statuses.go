package store

import (
	"database/sql"
	"time"
)

// The status lists know a paper's token, its random place and its status, and no patient: a directory, without permits.

// TakePlace gives a paper a place in a status list; taken is false when another paper has it, also one that is being filed right now.
func (tx *Tx) TakePlace(list, place int, token [16]byte, status int) (taken bool, err error) {
	n, err := tx.exec("INSERT INTO paper_status (list, place, token, status) VALUES (?, ?, ?, ?) ON CONFLICT (list, place) DO NOTHING", list, place, token[:], status)
	return n > 0, err
}

// SetStatus changes the status of the paper with the token.
func (tx *Tx) SetStatus(token [16]byte, status int) error {
	_, err := tx.exec("UPDATE paper_status SET status = ? WHERE token = ?", status, token[:])
	return err
}

// Statuses visits every place of a list that is given away, in order.
func (tx *Tx) Statuses(list int, visit func(place, status int)) error {
	return tx.each(func(rows *sql.Rows) error {
		var place, status int
		if err := rows.Scan(&place, &status); err != nil {
			return err
		}
		visit(place, status)
		return nil
	}, "SELECT place, status FROM paper_status WHERE list = ? ORDER BY place", list)
}

// StatusOf is the status of the paper with the token.
func (tx *Tx) StatusOf(token [16]byte) (status int, found bool, err error) {
	found, err = tx.one([]any{&status}, "SELECT status FROM paper_status WHERE token = ?", token[:])
	return status, found, err
}

// Filled is how many places of a list are given away.
func (tx *Tx) Filled(list int) (n int, err error) {
	_, err = tx.one([]any{&n}, "SELECT count(*) FROM paper_status WHERE list = ?", list)
	return n, err
}

// NewestShard is the highest number of an open list within the bounds.
func (tx *Tx) NewestShard(first, last int) (list int, found bool, err error) {
	var newest sql.NullInt64
	_, err = tx.one([]any{&newest}, "SELECT max(list) FROM status_shard WHERE list BETWEEN ? AND ?", first, last)
	return int(newest.Int64), newest.Valid, err
}

// OpenShard opens a list, if it is not open yet.
func (tx *Tx) OpenShard(list int, now time.Time) error {
	_, err := tx.exec("INSERT INTO status_shard (list, opened_at) VALUES (?, ?) ON CONFLICT (list) DO NOTHING", list, now)
	return err
}

// StatusLists are the numbers of the lists that were opened since, in order.
func (tx *Tx) StatusLists(since time.Time) (lists []int, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var n int
		err := rows.Scan(&n)
		lists = append(lists, n)
		return err
	}, "SELECT list FROM status_shard WHERE opened_at >= ? ORDER BY list", since)
	return lists, err
}

// HasShard reports whether a list is open.
func (tx *Tx) HasShard(list int) (open bool, err error) {
	return tx.one([]any{new(int)}, "SELECT 1 FROM status_shard WHERE list = ?", list)
}
