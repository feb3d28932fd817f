package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
)

// Which wrapping key wraps is written down here, in the table wrapping_key, so that all servers on one database change to a new one at the
// same commit: behind it nothing is wrapped with an older one any more, and whoever counts what older ones wrapped counts all of it.

// turningWrapping is the key of the advisory lock under which transactions wrap together, and one alone changes with which key.
const turningWrapping = 0x6d656477726170 // "medwrap"

// ErrKeyMissing is the answer of a server whose key folder lacks a wrapping key that is in use.
var ErrKeyMissing = fault.New(fault.Unavailable, "keys.missing",
	"The server lacks a key that is in use. Its operator has to bring the newest key folder to it. Try again later.").After(time.Minute)

// wrap encrypts with the wrapping key: a card's data key, or what is of no card. Place and row are bound in.
func (tx *Tx) wrap(plain, label []byte) ([]byte, error) {
	if tx.wrapper == 0 {
		if tx.postgres != nil { // SQLite's transactions that write come one by one anyway
			if _, err := tx.exec("SELECT pg_advisory_xact_lock_shared(?)", turningWrapping); err != nil {
				return nil, err
			}
		}
		var err error
		if tx.wrapper, err = tx.wrapping(); err != nil {
			return nil, err
		}
	}
	wrapped, err := tx.db.keys.Wrap(tx.wrapper, plain, label)
	return wrapped, known(err, err)
}

// wrapping is the number of the key that wraps.
func (tx *Tx) wrapping() (number int, err error) {
	_, err = tx.one([]any{&number}, "SELECT coalesce(max(number), 1) FROM wrapping_key")
	return number, err
}

func (db *DB) wrapping(ctx context.Context) (number int, err error) {
	err = db.View(ctx, func(tx *Tx) (err error) {
		number, err = tx.wrapping()
		return err
	})
	return number, err
}

// unwrap undoes wrap. What it fails with, unless the key is not there, the caller says, for it says nothing of what was wrapped.
func (tx *Tx) unwrap(wrapped, label []byte, otherwise error) ([]byte, error) {
	plain, err := tx.db.keys.Unwrap(wrapped, label)
	return plain, known(err, otherwise)
}

// known tells a key that is not there from anything else that went wrong.
func known(err, otherwise error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keys.ErrNoWrappingKey):
		return ErrKeyMissing.Because(err)
	}
	return otherwise
}

// ErrKeyFolder means that the key folder is not the one with which this database was filled. Whoever went on would read no card and,
// because lookups are keyed too, find none: every patient who comes would get a second one.
var ErrKeyFolder = errors.New("store: the cards in this database are sealed with other keys: set MEDCARD_KEYS to the folder that it was filled with, or bring that back from its backup")

// ErrWrappingKey means that a wrapping key is in use that the key folder does not hold. It is an ErrKeyFolder.
var ErrWrappingKey = fmt.Errorf("%w (it lacks a wrapping key that is in use, or holds another one of its number: what does `medcard keys list` say?)", ErrKeyFolder)

// checkKeys holds the wrapping keys against those that are in use, and tries the keys on some card, where there is one.
func (db *DB) checkKeys(ctx context.Context) error {
	inUse, err := db.wrappingKeys(ctx)
	if err != nil {
		return err
	}
	for number, fingerprint := range inUse {
		if held, bad := db.keys.Wrapping(number); errors.Is(bad, keys.ErrNoWrappingKey) || bad == nil && held.Fingerprint != fingerprint {
			return fmt.Errorf("key %d: %w", number, ErrWrappingKey)
		} else if bad != nil {
			return bad
		}
	}
	var id card.ID
	var wrapped []byte
	err = db.read.QueryRowContext(ctx, "SELECT id, wrapped_key FROM card WHERE shredded_at IS NULL LIMIT 1").Scan(&id, &wrapped)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		if _, bad := db.keys.Unwrap(wrapped, keyPlace(id)); bad != nil {
			err = ErrKeyFolder
		}
	}
	return err
}

// wrappingKeys gives the fingerprints of the wrapping keys that are in use. There is none before the first change.
func (db *DB) wrappingKeys(ctx context.Context) (inUse map[int]string, err error) {
	rows, err := db.read.QueryContext(ctx, "SELECT number, fingerprint FROM wrapping_key WHERE dropped_at IS NULL")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	inUse = map[int]string{}
	for rows.Next() {
		var number int
		var fingerprint string
		if err := rows.Scan(&number, &fingerprint); err != nil {
			return nil, err
		}
		inUse[number] = fingerprint
	}
	return inUse, rows.Err()
}

// UseWrapping lets everything be wrapped with the key from now on, on all servers, if it is newer than the one that wraps; turned is false
// if it is that one. The key must be in the folder of each server by then: what wraps or unwraps fails on one that lacks it.
func (db *DB) UseWrapping(ctx context.Context, key keys.WrappingKey, now time.Time) (turned bool, err error) {
	err = db.Update(ctx, func(tx *Tx) error {
		if tx.postgres != nil { // waits until nobody wraps with the older key any more
			if _, err := tx.exec("SELECT pg_advisory_xact_lock(?)", turningWrapping); err != nil {
				return err
			}
		}
		newest, err := tx.wrapping()
		if err != nil {
			return err
		}
		if turned = key.Number > newest; !turned {
			return nil
		}
		was, err := tx.db.keys.Wrapping(newest)
		if err != nil {
			return err
		}
		for _, k := range []keys.WrappingKey{was, key} {
			if _, err := tx.exec("INSERT INTO wrapping_key (number, fingerprint, used_from) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", k.Number, k.Fingerprint, micros(now)); err != nil {
				return err
			}
		}
		return nil
	})
	return turned, err
}

// ErrStillNeeded means that a wrapping key was to be dropped by which something is wrapped.
var ErrStillNeeded = errors.New("store: the wrapping key is still needed")

// DropWrapping notes that a wrapping key is in use no more, and destroys it. It fails with ErrStillNeeded if it is the newest in use, or anything
// is wrapped with it: step is told how many tables were looked through.
func (db *DB) DropWrapping(ctx context.Context, number int, now time.Time, step func(done, total int)) error {
	newest, err := db.wrapping(ctx)
	if err != nil {
		return err
	}
	if number < 1 || number >= newest {
		return fmt.Errorf("%w: %d is not older than the key that wraps, %d", ErrStillNeeded, number, newest)
	}
	left, err := db.countWrapped(ctx, func(w wrappedColumn) (string, []any) { return w.by(number) }, step)
	if err != nil {
		return err
	}
	if left > 0 {
		return fmt.Errorf("%w: %d values are wrapped with key %d", ErrStillNeeded, left, number)
	}
	if err := db.Update(ctx, func(tx *Tx) error {
		_, err := tx.exec("UPDATE wrapping_key SET dropped_at = ? WHERE number = ? AND dropped_at IS NULL", micros(now), number)
		return err
	}); err != nil {
		return err
	}
	return db.keys.DropWrapping(number) // after the note: a folder without a key that is noted as in use lets no server start
}
