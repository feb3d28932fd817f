package store

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/medcard/medcard/domain/card"
)

// keyCache bounds how many unwrapped card keys are kept: beyond it the cache starts anew.
const keyCache = 50_000

// seal encrypts a payload with the card's data key. The place (table, column, row) is bound in, so that a row that was moved
// elsewhere in the database does not open.
func (tx *Tx) seal(id card.ID, place string, plain []byte) ([]byte, error) {
	a, err := tx.dataKey(id)
	if err != nil {
		return nil, err
	}
	return a.Encrypt(plain, label(id, place))
}

// open undoes seal. It never says what was in the payload.
func (tx *Tx) open(id card.ID, place string, sealed []byte) ([]byte, error) {
	a, err := tx.dataKey(id)
	if err != nil {
		return nil, err
	}
	plain, err := a.Decrypt(sealed, label(id, place))
	if err != nil {
		return nil, fmt.Errorf("store: a sealed payload of %s does not open: it was changed or moved", place)
	}
	return plain, nil
}

// keyPlace is where a card's wrapped data key stands.
func keyPlace(id card.ID) []byte { return label(id, "card.wrapped_key") }

var errSealedKey = errors.New("store: the data key of a card does not unwrap: is this the right key folder?")

func label(id card.ID, place string) []byte { return []byte(string(id) + "|" + place) }

// dataKey gives the card's key. That the card still has one each transaction sees for itself, for another server may have destroyed it: no
// key that is kept in memory is used without that look. Whoever opens row by row asks for it before the rows: on PostgreSQL a connection answers one
// question at a time. The transaction keeps it, so that it is not asked for between them either when the cache starts anew.
func (tx *Tx) dataKey(id card.ID) (tink.AEAD, error) {
	if tx.key != nil && tx.keyOf == id {
		return tx.key, nil
	}
	a, ok := tx.db.cardKeys.Load(id)
	if ok && tx.alive != id {
		if err := tx.look(id); err != nil {
			return nil, err
		}
	}
	if !ok {
		unwrapped, err := tx.unwrapKey(id)
		if err != nil {
			return nil, err
		}
		if tx.db.cachedKeys.Add(1) > keyCache {
			tx.db.cardKeys.Clear()
			tx.db.cachedKeys.Store(1)
		}
		tx.db.cardKeys.Store(id, unwrapped)
		a = unwrapped
	}
	tx.keyOf, tx.key = id, a.(tink.AEAD)
	return tx.key, nil
}

func (tx *Tx) unwrapKey(id card.ID) (tink.AEAD, error) {
	var wrapped []byte
	found, err := tx.one([]any{&wrapped}, "SELECT wrapped_key FROM card WHERE id = ? AND shredded_at IS NULL", string(id))
	if err := tx.met(id, found, err); err != nil {
		return nil, err
	}
	key, err := tx.unwrap(wrapped, keyPlace(id), errSealedKey)
	if err != nil {
		return nil, err
	}
	return subtle.NewAESGCM(key)
}

// newDataKey makes and wraps a key for a card that is about to be created.
func (tx *Tx) newDataKey(id card.ID) (wrapped []byte, err error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return tx.wrap(key, keyPlace(id))
}
