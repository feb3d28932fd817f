package vault

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"encoding/binary"
	"errors"
)

// The body of a row is sealed under the key of its card's scope, that of an edit under a key of its card, and the key is destroyed with what
// it sealed. So nothing is left to read of what access ended to, not in the pages that a flash chip has not erased yet either, for whoever
// has the file's own key as well.
//
// An edit is not sealed under its record's scope: a new record has none yet, and the end of a lease takes the scope of one's own card
// while the edits that wait must stay. Instead their key changes, and the edits that stay are sealed anew, whenever some are destroyed. Edits
// are sealed only if the app hands in a keystore. A key that stands in the same file protects none of them, and with its page all of
// them could be lost.
//
// What a row is found by stands beside its body: kind, scope, date, and the words for search. That is deleted, overwritten and out of the
// journal, as it was before there were keys.

// The first byte of a sealed body. What was written before there were seals begins with a brace.
const (
	rowSealed  = 1 // then the number of the key, four bytes
	editSealed = 2 // then the length of the key's name, the name
)

// keyForm stands before each key in the file.
const keyForm = 1

// sealHead is how long what stands before a row's sealed text is.
const sealHead = 5

// errLost says that the key is lost of what was to be read.
var errLost = errors.New("vault: the key is not here any more")

// sealing is what a transaction does to keys. The world outside learns of it once the transaction is durable.
type sealing struct {
	ring     *ring
	scopes   map[string]uint32 // the keys' numbers
	editName string            // the name of the key of edits, once it was asked for
	under    map[uint32]int    // how many rows more stand under each
	rekey    bool              // an edit was destroyed

	madeRows           []uint32
	madeEdits          []string
	born               int  // in the keystore
	finished           bool // nothing is left but the commit
	prefix             string
	lostRows           []uint32
	lostEdits          []string
	shreds             bool // names were left for the keystore
	plain, sealed, aad []byte
}

// bound is what a sealed text is bound to, so that no text opens in another's place.
func (s *sealing) bound(card, scope, id, table string) []byte {
	s.aad = s.aad[:0]
	for _, part := range []string{card, scope, id, table} {
		s.aad = binary.AppendUvarint(s.aad, uint64(len(part)))
		s.aad = append(s.aad, part...)
	}
	return s.aad
}

// sealOf is the number of the key that a row's stored body was sealed under; 0 = none.
func sealOf(stored []byte) uint32 {
	if len(stored) < sealHead || stored[0] != rowSealed {
		return 0
	}
	return binary.BigEndian.Uint32(stored[1:])
}

// sealRow seals the body of a row. What it returns is good until the next call.
func (t *Tx) sealRow(scope, id string, body []byte) (stored []byte, seal uint32, err error) {
	seal, key, err := t.keyOf(scope)
	if err != nil {
		return nil, 0, err
	}
	head := binary.BigEndian.AppendUint32(append(t.sealed[:0], rowSealed), seal)
	t.sealed = key.Seal(head, nil, body, t.bound(t.card, scope, id, "record"))
	return t.sealed, seal, nil
}

// openRow opens one. What it returns is good until the next call.
func (t *Tx) openRow(id string, stored []byte) ([]byte, error) {
	seal := sealOf(stored)
	if seal == 0 {
		return stored, nil // from before, or damaged: the reader will see
	}
	key := t.ring.row(seal)
	if key.cipher == nil || key.card != t.card {
		return nil, errLost
	}
	plain, err := key.cipher.Open(t.plain[:0], nil, stored[sealHead:], t.bound(t.card, key.scope, id, "record"))
	if err != nil {
		return nil, errDamaged
	}
	t.plain = plain
	return plain, nil
}

// keyOf gives the key of a scope, a new one if it has none.
func (t *Tx) keyOf(scope string) (uint32, cipher.AEAD, error) {
	if id, ok := t.scopes[scope]; ok {
		return id, t.ring.row(id).cipher, nil
	}
	var id uint32
	err := t.tx.QueryRowContext(context.Background(), "SELECT id FROM seal WHERE card = ? AND scope = ? AND old = 0", t.card, scope).Scan(&id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return 0, nil, err
	default:
		if key := t.ring.row(id); key.cipher != nil {
			t.scopes[scope] = id
			return id, key.cipher, nil
		}
		if err := t.destroy("id = ?", id); err != nil { // it is lost
			return 0, nil, err
		}
	}
	return t.newKey(scope)
}

func (t *Tx) newKey(scope string) (uint32, cipher.AEAD, error) {
	name, key, err := t.create()
	if err != nil {
		return 0, nil, err
	}
	defer clear(key)
	kept := []byte{keyForm}
	if name == "" {
		kept = append(kept, key...)
	}
	defer clear(kept)
	var id uint32
	if err := t.tx.QueryRowContext(context.Background(), "INSERT INTO seal (card, scope, name, key) VALUES (?, ?, ?, ?) RETURNING id", t.card, scope, name, kept).Scan(&id); err != nil {
		return 0, nil, err
	}
	if name != "" {
		if err := t.exec("INSERT INTO held (name) VALUES (?)", name); err != nil {
			return 0, nil, err
		}
	}
	c, err := t.ring.make(key)
	if err != nil {
		return 0, nil, err
	}
	t.ring.addRow(id, rowKey{t.card, scope, c, name == ""})
	t.madeRows = append(t.madeRows, id)
	t.scopes[scope] = id
	return id, c, nil
}

// create makes a key, in the keystore under a name that the file has announced.
func (t *Tx) create() (name string, key []byte, err error) {
	if t.ring.store != nil {
		if t.prefix == "" {
			if err := t.tx.QueryRowContext(context.Background(), "SELECT prefix FROM sealing").Scan(&t.prefix); err != nil {
				return "", nil, err
			}
		}
		name = member(t.prefix, t.ring.skipped()+t.born)
	}
	if key, err = t.ring.create(name); err == nil && name != "" {
		t.born++
	}
	return name, key, err
}

// destroy destroys keys of rows that are gone.
func (t *Tx) destroy(condition string, args ...any) error {
	rows, err := t.tx.QueryContext(context.Background(), "DELETE FROM seal WHERE card = ? AND "+condition+" RETURNING id, scope, name", append([]any{t.card}, args...)...) //nolint:gosec // a condition of this package's own
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var id uint32
		var scope, name string
		if err := rows.Scan(&id, &scope, &name); err != nil {
			return err
		}
		if t.scopes[scope] == id {
			delete(t.scopes, scope)
		}
		t.lostRows = append(t.lostRows, id)
		delete(t.under, id)
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return t.toShred(names...)
}

// toShred leaves names for the keystore, and keys in the file for the journal's end.
func (t *Tx) toShred(names ...string) error {
	for _, name := range names {
		t.shed.Store(true)
		if name == "" {
			continue
		}
		t.shreds = true
		if err := errors.Join(t.exec("INSERT OR IGNORE INTO shred (name) VALUES (?)", name), t.exec("DELETE FROM held WHERE name = ?", name)); err != nil {
			return err
		}
	}
	return nil
}

// uncount takes the rows of a side off their keys: all of them are about to go.
func (t *Tx) uncount(shadow int) error {
	return t.prepared("SELECT substr(body, 1, 5), count(*) FROM record WHERE card = ? AND shadow = ? GROUP BY 1", func(s *sql.Stmt) error {
		rows, err := s.QueryContext(context.Background(), t.card, shadow)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var head []byte
			var n int
			if err := rows.Scan(&head, &n); err != nil {
				return err
			}
			t.under[sealOf(head)] -= n
		}
		return rows.Err()
	})
}

// count writes down how many rows stand under each key, and destroys those under which none does. Before that it looks: a count that went
// wrong must not cost a row.
func (t *Tx) count() error {
	delete(t.under, 0)
	for seal, more := range t.under {
		if more == 0 {
			continue
		}
		var left int
		err := t.prepared("UPDATE seal SET rows = rows + ? WHERE id = ? RETURNING rows", func(s *sql.Stmt) error {
			return s.QueryRowContext(context.Background(), more, seal).Scan(&left)
		})
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		if left > 0 {
			continue
		}
		head := binary.BigEndian.AppendUint32([]byte{rowSealed}, seal)
		if err := t.tx.QueryRowContext(context.Background(), "SELECT count(*) FROM record WHERE card = ? AND substr(body, 1, 5) = ?", t.card, head).Scan(&left); err != nil {
			return err
		}
		if left > 0 {
			err = t.exec("UPDATE seal SET rows = ? WHERE id = ?", left, seal)
		} else {
			err = t.destroy("id = ?", seal)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finishKeys does what is left for the end of a transaction.
func (t *Tx) finishKeys() error {
	if err := t.count(); err != nil {
		return err
	}
	if t.rekey && t.ring.store != nil {
		if err := t.rekeyEdits(); err != nil {
			return err
		}
	}
	if t.born == 0 {
		return nil
	}
	for i := range t.ring.skipped() { // once this is durable, what nobody knew of is not
		if err := t.toShred(member(t.prefix, i)); err != nil {
			return err
		}
	}
	next, err := t.ring.draw()
	if err != nil {
		return err
	}
	return t.exec("UPDATE sealing SET prefix = ?", next)
}

// settleKeys makes true outside what the transaction did, or takes back what it would have done. If it failed at its very end nobody knows
// whether the disk has it: the keys stay, under names that no other gets, and the next opening will see.
func (v *Vault) settleKeys(s *sealing, failed bool) {
	if failed {
		v.ring.takeBack(s.madeRows, s.madeEdits)
		if s.finished {
			v.ring.skip(s.born)
			return
		}
		for i := s.born - 1; i >= 0; i-- {
			_ = v.ring.store.Destroy(member(s.prefix, v.ring.skipped()+i)) // or the next opening does
		}
		return
	}
	if s.born > 0 {
		v.ring.skip(-v.ring.skipped()) // the prefix is another now
	}
	v.ring.retire(s.lostRows, s.lostEdits, v.readers.Load() == 0)
	if s.shreds || v.unshredded.Load() {
		v.shred()
	}
}
