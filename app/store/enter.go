package store

import (
	"database/sql"

	"github.com/medcard/medcard/domain/card"
)

// On PostgreSQL a transaction sees the rows of the card that it has entered, and of no other: row security in the database itself, a
// second line behind the permits (migrations/00030 says what is policed and what not). The functions in this file are the only ones that
// name a card to it. Who forgets them finds no row; to enter a card gives nobody anything, because who may see what is decided before.

// enter names the card whose rows are seen from now on. It asks the database only when that is another card than before.
func (tx *Tx) enter(id card.ID) error {
	if tx.glance != noGlance {
		return errGlance
	}
	if tx.postgres == nil || tx.entered == id {
		return nil
	}
	if tx.scanning {
		return errScanning
	}
	if _, err := tx.postgres.Exec(tx.ctx, "SELECT set_config('medcard.card', $1, true)", string(id)); err != nil {
		return err
	}
	tx.entered = id
	return nil
}

// enterEach is each for the rows that a table has of one card, those that the condition holds for, and enters that card with the same question. On PostgreSQL visit may be shown
// one row more, of nothing but NULL, where the card has none. The name is given before a row is read: of a nested loop the left side
// comes first, and with no equation between the two sides there is no other way to join them.
func (tx *Tx) enterEach(id card.ID, visit func(*sql.Rows) error, columns, table, condition, order string) error {
	if tx.glance != noGlance {
		return errGlance
	}
	if tx.postgres == nil || tx.entered == id {
		return tx.each(visit, "SELECT "+columns+" FROM "+table+" WHERE card = ? AND ("+condition+") ORDER BY "+order, string(id))
	}
	err := tx.each(visit, "SELECT "+columns+" FROM set_config('medcard.card', ?, true) AS entered LEFT JOIN "+table+" ON card = ? AND ("+condition+") ORDER BY "+order,
		string(id), string(id))
	if err == nil {
		tx.entered = id
	}
	return err
}
