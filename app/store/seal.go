package store

import (
	"errors"
	"fmt"

	"github.com/medcard/medcard/domain/card"
)

// keyCache bounds how many cards' unwrapped keys are kept: beyond it the cache starts anew.
const keyCache = 50_000

// seal encrypts a payload with the card's newest data key. The place (table, column, row) is bound in, so that a row that was moved
// elsewhere in the database does not open.
func (tx *Tx) seal(id card.ID, place string, plain []byte) ([]byte, error) {
	k, err := tx.newestKey(id)
	if err != nil {
		return nil, err
	}
	return k.seal(plain, label(id, place))
}

// open undoes seal. It never says what was in the payload.
func (tx *Tx) open(id card.ID, place string, sealed []byte) ([]byte, error) {
	keys, err := tx.dataKeys(id)
	if err != nil {
		return nil, err
	}
	k, held := keys.named(sealer(sealed))
	if !held && !tx.keysCertain() {
		tx.db.cardKeys.Delete(id)
		return nil, errKeysTurned
	}
	var plain []byte
	if held {
		plain, err = k.open(sealed, label(id, place))
	}
	if !held || err != nil {
		return nil, fmt.Errorf("store: a sealed payload of %s does not open: it was changed or moved", place)
	}
	return plain, nil
}

// errKeysTurned means that something is sealed with a key that a card got after its keys were read. It cannot be asked for in the middle of the
// rows of a question, so the whole transaction runs once more: see again.
var errKeysTurned = errors.New("store: a sealed payload does not open: its key is none of the card's, or one that it got just now")

// keysCertain reports whether the keys at hand are those of the moment that this transaction sees, so that no other could be found by another try.
func (tx *Tx) keysCertain() bool { return tx.keysRead && (tx.still || tx.postgres == nil) }

// keyPlace is where a card's wrapped data keys stand.
func keyPlace(id card.ID) []byte { return label(id, "card.wrapped_key") }

var errSealedKey = errors.New("store: the data key of a card does not unwrap: is this the right key folder?")

func label(id card.ID, place string) []byte { return []byte(string(id) + "|" + place) }

// dataKeys gives the card's keys. That the card still has one each transaction sees for itself, for another server may have destroyed it: no
// key that is kept in memory is used without that look. Whoever opens row by row asks for them before the rows: on PostgreSQL a connection answers one
// question at a time. The transaction keeps them, so that they are not asked for between them either when the cache starts anew.
func (tx *Tx) dataKeys(id card.ID) (keySet, error) {
	if tx.keys != nil && tx.keysOf == id {
		return tx.keys, nil
	}
	cached, ok := tx.db.cardKeys.Load(id)
	if !ok {
		return tx.readKeys(id)
	}
	if tx.alive != id {
		if err := tx.look(id); err != nil {
			return nil, err
		}
	}
	tx.keysOf, tx.keys, tx.keysRead = id, cached.(keySet), false
	return tx.keys, nil
}

// readKeys is dataKeys without what is kept in memory.
func (tx *Tx) readKeys(id card.ID) (keySet, error) {
	keys, err := tx.unwrapKeys(id)
	if err != nil {
		return nil, err
	}
	if tx.db.cachedKeys.Add(1) > keyCache {
		tx.db.cardKeys.Clear()
		tx.db.cachedKeys.Store(1)
	}
	tx.db.cardKeys.Store(id, keys)
	tx.keysOf, tx.keys, tx.keysRead = id, keys, true
	return keys, nil
}

func (tx *Tx) unwrapKeys(id card.ID) (keySet, error) {
	var wrapped []byte
	found, err := tx.one([]any{&wrapped}, "SELECT wrapped_key FROM card WHERE id = ? AND shredded_at IS NULL", string(id))
	if err := tx.met(id, found, err); err != nil {
		return nil, err
	}
	keys, err := tx.unwrap(wrapped, keyPlace(id), errSealedKey)
	if err != nil {
		return nil, err
	}
	return readKeySet(keys)
}

// newestKey gives the key that seals. Which one that is nobody changes until this transaction has ended: else something could be sealed with a
// key that is deleted a moment later, and be lost. Who has locked the card was told with the lock (holds), and is asked nothing.
func (tx *Tx) newestKey(id card.ID) (dataKey, error) {
	if tx.heldOf != id {
		if err := tx.holdKeys(id); err != nil {
			return dataKey{}, err
		}
	}
	keys, err := tx.dataKeys(id)
	if err == nil && keys[0].name != tx.held {
		keys, err = tx.readKeys(id)
	}
	if err != nil {
		return dataKey{}, err
	}
	if keys[0].name != tx.held {
		return dataKey{}, errors.New("store: a card's newest data key is not the one that the card names")
	}
	return keys[0], nil
}

// holdKeys keeps the card's newest key what it is. On PostgreSQL that is a lock which stands in nobody's way but in that of who changes it.
func (tx *Tx) holdKeys(id card.ID) error {
	statement := "SELECT key_name FROM card WHERE id = ? AND shredded_at IS NULL"
	if tx.postgres != nil {
		statement += " FOR KEY SHARE"
	}
	var name uint32
	found, err := tx.one([]any{&name}, statement, string(id))
	if err := tx.met(id, found, err); err != nil {
		return err
	}
	tx.holds(id, name)
	return nil
}

// holds notes which key of the card is its newest one until the end of the transaction, because the card is locked.
func (tx *Tx) holds(id card.ID, name uint32) { tx.heldOf, tx.held = id, name }

// firstKeys makes and wraps the key of a card that is about to be created.
func (tx *Tx) firstKeys(id card.ID) (wrapped []byte, err error) {
	k, err := keySet(nil).newDataKey()
	if err != nil {
		return nil, err
	}
	k.name = firstKey
	return tx.wrap(keySet{k}.bytes(), keyPlace(id))
}
