package vault

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"strconv"
)

// The keys under which bodies of edits are sealed: see seal.go.

// editKey gives the key of the card's edits; name is empty if they are not sealed.
func (t *Tx) editKey() (name string, key cipher.AEAD, err error) {
	if t.ring.store == nil {
		return "", nil, nil
	}
	if t.editName == "" {
		err := t.tx.QueryRowContext(context.Background(), "SELECT name FROM edit_key WHERE card = ?", t.card).Scan(&t.editName)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return "", nil, err
		}
	}
	if t.editName != "" {
		if key := t.ring.edit(t.editName); key != nil {
			return t.editName, key, nil
		}
	}
	return t.newEditKey()
}

// newEditKey puts a new key in the place of the one that there was.
func (t *Tx) newEditKey() (string, cipher.AEAD, error) {
	if err := t.dropEditKey(); err != nil {
		return "", nil, err
	}
	name, key, err := t.create()
	if err != nil {
		return "", nil, err
	}
	defer clear(key)
	c, err := t.ring.make(key)
	if err != nil {
		return "", nil, err
	}
	t.ring.addEdit(name, c)
	t.madeEdits = append(t.madeEdits, name)
	t.editName = name
	return name, c, t.exec("INSERT INTO edit_key (card, name) VALUES (?, ?)", t.card, name)
}

// dropEditKey destroys it.
func (t *Tx) dropEditKey() error {
	t.editName = ""
	var name string
	err := t.tx.QueryRowContext(context.Background(), "DELETE FROM edit_key WHERE card = ? RETURNING name", t.card).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	t.lostEdits = append(t.lostEdits, name)
	return t.toShred(name)
}

// editPlace is what an edit's text is bound to.
func editPlace(record string, actor uint32, n uint64) string {
	return record + "/" + strconv.FormatUint(uint64(actor), 10) + "/" + strconv.FormatUint(n, 10)
}

// sealEdit seals the body of an edit, if there is a keystore. The key's name stands before it, so that it needs no other page to be read.
func (t *Tx) sealEdit(place string, body []byte) ([]byte, error) {
	name, key, err := t.editKey()
	if err != nil || name == "" {
		return body, err
	}
	head := append(append(t.sealed[:0], editSealed, byte(len(name))), name...)
	t.sealed = key.Seal(head, nil, body, t.bound(t.card, "", place, "edit"))
	return t.sealed, nil
}

// openEdit opens one.
func (t *Tx) openEdit(place string, stored []byte) ([]byte, error) {
	name, text := splitEdit(stored)
	if name == "" {
		return stored, nil
	}
	key := t.ring.edit(name)
	if key == nil {
		return nil, errLost
	}
	plain, err := key.Open(t.plain[:0], nil, text, t.bound(t.card, "", place, "edit"))
	if err != nil {
		return nil, errDamaged
	}
	t.plain = plain
	return plain, nil
}

// splitEdit parts the key's name from the sealed text; the name is empty if the body is not sealed.
func splitEdit(stored []byte) (name string, text []byte) {
	if len(stored) < 2 || stored[0] != editSealed || len(stored) < 2+int(stored[1]) {
		return "", nil
	}
	return string(stored[2 : 2+stored[1]]), stored[2+stored[1]:]
}

// change of the edits' key: those that stay are sealed anew.
func (t *Tx) rekeyEdits() error {
	type kept struct {
		rowid int64
		place string
		body  []byte
	}
	var all []kept
	err := t.prepared("SELECT rowid, record, actor, n, body FROM edit WHERE card = ?", func(s *sql.Stmt) error {
		rows, err := s.QueryContext(context.Background(), t.card)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var k kept
			var record string
			var actor uint32
			var n uint64
			var stored sql.RawBytes
			if err := rows.Scan(&k.rowid, &record, &actor, &n, &stored); err != nil {
				return err
			}
			k.place = editPlace(record, actor, n)
			if plain, err := t.openEdit(k.place, stored); err == nil { // what cannot be read will not be later either
				k.body = append([]byte(nil), plain...)
				all = append(all, k)
			}
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return t.dropEditKey()
	}
	if _, _, err := t.newEditKey(); err != nil {
		return err
	}
	for _, k := range all {
		stored, err := t.sealEdit(k.place, k.body)
		if err != nil {
			return err
		}
		if err := t.exec("UPDATE edit SET body = ? WHERE rowid = ?", stored, k.rowid); err != nil {
			return err
		}
	}
	return nil
}
