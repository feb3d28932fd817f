package store

import "database/sql"

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
