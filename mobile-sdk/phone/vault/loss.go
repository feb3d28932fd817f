package vault

import (
	"context"
	"database/sql"
	"time"

	"github.com/medcard/medcard/sync/replica"
)

// Loss is what the person is to be told of edits of a card that were destroyed.
type Loss struct {
	Card string
	replica.Loss
}

// Lose remembers that edits were destroyed. It stays when the card is wiped.
func (t *Tx) Lose(loss replica.Loss) error {
	return t.exec("INSERT INTO loss (card, at, edits, why) VALUES (?, ?, ?, ?)", t.card, loss.At.UnixMicro(), loss.Edits, string(loss.Why))
}

// Losses lists what the person was not told yet, newest first.
func (v *Vault) Losses() (list []Loss, err error) {
	err = v.view(func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(context.Background(), "SELECT card, at, edits, why FROM loss ORDER BY at DESC, rowid DESC")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var l Loss
			var at int64
			if err := rows.Scan(&l.Card, &at, &l.Edits, &l.Why); err != nil {
				return err
			}
			l.At = time.UnixMicro(at).UTC()
			list = append(list, l)
		}
		return rows.Err()
	})
	return list, err
}

// ForgetLosses is for when the person was told of those up to an instant. A damaged file that was kept for edits that are lost goes too.
func (v *Vault) ForgetLosses(upTo time.Time) error {
	err := v.update(func(tx *sql.Tx) error {
		_, err := tx.ExecContext(context.Background(), "DELETE FROM loss WHERE at <= ?", upTo.UnixMicro())
		return err
	})
	if err != nil {
		return err
	}
	return v.tidy()
}

// Scopes lists the scopes in which a row stands, in both bases.
func (t *Tx) Scopes() (replica.Scopes, error) {
	return list(t, func(b []byte) (string, error) { return string(b), nil }, "SELECT DISTINCT scope FROM record WHERE card = ? ORDER BY scope", t.card)
}
