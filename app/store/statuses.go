package store

import "database/sql"

// The status lists know a paper's token, its random place and its status, and no patient: a directory, without permits.

// PutStatus gives a paper a place in a status list, or changes what stands there.
func (tx *Tx) PutStatus(list, place int, token [16]byte, status int) error {
	_, err := tx.exec(`INSERT INTO paper_status (list, place, token, status) VALUES (?, ?, ?, ?)
		ON CONFLICT (list, place) DO UPDATE SET status = excluded.status WHERE paper_status.token = excluded.token`, list, place, token[:], status)
	return err
}

// SetStatus changes the status of the paper with the token.
func (tx *Tx) SetStatus(token [16]byte, status int) error {
	_, err := tx.exec("UPDATE paper_status SET status = ? WHERE token = ?", status, token[:])
	return err
}

// StatusTaken reports whether a place of a list is given away.
func (tx *Tx) StatusTaken(list, place int) (bool, error) {
	var n int
	_, err := tx.one([]any{&n}, "SELECT count(*) FROM paper_status WHERE list = ? AND place = ?", list, place)
	return n > 0, err
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

// StatusLists are the numbers of the lists in which a place is given away, in order.
func (tx *Tx) StatusLists() (lists []int, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var n int
		err := rows.Scan(&n)
		lists = append(lists, n)
		return err
	}, "SELECT DISTINCT list FROM paper_status ORDER BY list")
	return lists, err
}
