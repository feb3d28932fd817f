package vault

import (
	"context"
	"database/sql"
)

// reseal seals what a file holds from before there were keys of scopes, and, once the app hands in a keystore, what is sealed under keys in the
// file. It goes on where it was stopped: each body says under what it is sealed.
func (v *Vault) reseal(ctx context.Context) error {
	var open bool
	var cards []string
	err := v.view(func(tx *sql.Tx) error {
		here := 0
		if err := tx.QueryRowContext(ctx, "SELECT open, (SELECT count(*) FROM seal WHERE name = '') FROM sealing").Scan(&open, &here); err != nil {
			return err
		}
		open = open || here > 0 && v.ring.store != nil
		return nil
	})
	if err != nil || !open {
		return err
	}
	if v.ring.store != nil {
		err = v.update(func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE seal SET old = 1 WHERE name = ''")
			return err
		})
	}
	if err == nil {
		cards, err = v.names(ctx, "SELECT DISTINCT card FROM record UNION SELECT DISTINCT card FROM edit UNION SELECT DISTINCT card FROM seal")
	}
	for _, card := range cards {
		if err == nil {
			err = v.Card(card).reseal()
		}
	}
	if err != nil {
		return err
	}
	return v.update(func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE sealing SET open = 0")
		return err
	})
}

// reseal does it for one card, a portion in each transaction.
func (c *Card) reseal() error {
	for behind := int64(0); ; {
		var portion []loose
		err := c.Change(func(t *Tx) (err error) {
			portion, err = t.portion(behind)
			for _, row := range portion {
				if err == nil {
					err = t.reseal(row)
				}
			}
			if len(portion) == 0 && err == nil {
				t.rekey = true // the edits as well
				err = t.destroy("old = 1")
			}
			return err
		})
		if err != nil || len(portion) == 0 {
			return err
		}
		behind = portion[len(portion)-1].rowid
	}
}

// loose is a row that may have to be sealed.
type loose struct {
	rowid int64
	at    side
	scope string
	body  []byte
}

// portion reads the next rows of the card.
func (t *Tx) portion(behind int64) (rows []loose, err error) {
	err = t.prepared("SELECT rowid, shadow, id, scope, body FROM record NOT INDEXED WHERE card = ? AND rowid > ? ORDER BY rowid LIMIT ?", func(s *sql.Stmt) error {
		found, err := s.QueryContext(context.Background(), t.card, behind, portion)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			var r loose
			if err := found.Scan(&r.rowid, &r.at.shadow, &r.at.id, &r.scope, &r.body); err != nil {
				return err
			}
			rows = append(rows, r)
		}
		return found.Err()
	})
	return rows, err
}

// reseal seals a row under the key that its scope has by now. One that cannot be read under its old key is emptied: a check will fetch it.
func (t *Tx) reseal(r loose) error {
	before := sealOf(r.body)
	if key := t.ring.row(before); before != 0 && (!key.here || t.ring.store == nil) {
		return nil
	}
	plain, err := t.openRow(r.at.id, r.body)
	stored, seal := []byte{}, uint32(0)
	if err == nil {
		if stored, seal, err = t.sealRow(r.scope, r.at.id, append([]byte(nil), plain...)); err != nil {
			return err
		}
	}
	t.under[before]--
	t.under[seal]++
	return t.exec("UPDATE record SET body = ? WHERE rowid = ?", stored, r.rowid)
}
