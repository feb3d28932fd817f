package store

import (
	"context"
	"crypto/rand"
	"database/sql"
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

func label(id card.ID, place string) []byte { return []byte(string(id) + "|" + place) }

// dataKey gives the card's key. Whoever opens row by row asks for it before the rows: on PostgreSQL a connection answers one
// question at a time. The transaction keeps it, so that it is not asked for between them either when the cache starts anew.
func (tx *Tx) dataKey(id card.ID) (tink.AEAD, error) {
	if tx.key != nil && tx.keyOf == id {
		return tx.key, nil
	}
	a, ok := tx.db.cardKeys.Load(id)
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
	found, err := tx.one([]any{&wrapped}, "SELECT wrapped_key FROM card WHERE id = ?", string(id))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errNoCard
	}
	key, err := tx.db.keys.Unwrap(wrapped, label(id, "card.wrapped_key"))
	if err != nil {
		return nil, errors.New("store: the data key of a card does not unwrap: is this the right key folder?")
	}
	return subtle.NewAESGCM(key)
}

// ErrKeyFolder means that the key folder is not the one with which this database was filled. Whoever went on would read no card and,
// because lookups are keyed too, find none: every patient who comes would get a second one.
var ErrKeyFolder = errors.New("store: the cards in this database are sealed with other keys: set MEDCARD_KEYS to the folder that it was filled with, or bring that back from its backup")

// checkKeys tries the keys on some card, where there is one.
func (db *DB) checkKeys(ctx context.Context) error {
	var id card.ID
	var wrapped []byte
	err := db.read.QueryRowContext(ctx, "SELECT id, wrapped_key FROM card LIMIT 1").Scan(&id, &wrapped)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		if _, bad := db.keys.Unwrap(wrapped, label(id, "card.wrapped_key")); bad != nil {
			err = ErrKeyFolder
		}
	}
	return err
}

// newDataKey makes and wraps a key for a card that is about to be created.
func (tx *Tx) newDataKey(id card.ID) (wrapped []byte, err error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return tx.db.keys.Wrap(key, label(id, "card.wrapped_key"))
}
