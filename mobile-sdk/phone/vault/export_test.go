package vault

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/medcard/medcard/sync/replica"
)

// Unrinsed is Update as one who loses power in the middle of it leaves it: committed, and the journal not emptied.
func (c *Card) Unrinsed(f func(replica.PhoneTx) error) error {
	_, err := c.change(func(t *Tx) error { return f(t) }, func(f func(*sql.Tx) error) error { return c.vault.begin(c.vault.write, f) })
	return err
}

// MakeOld makes a file as the first versions left it: with the oldest steps of the schema, and what the statement puts there.
func MakeOld(file string, key []byte, steps int, statement string, args ...any) (err error) {
	if err := prepare(file); err != nil {
		return err
	}
	db, err := connect(file, "&_txlock=immediate", "PRAGMA hexkey='"+hex.EncodeToString(key)+"'", pragmas)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ctx := context.Background()
	for _, step := range migrations[:steps] {
		if _, err := db.ExecContext(ctx, step); err != nil {
			return err
		}
	}
	if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version=%d", steps)); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, statement, args...)
	return err
}

// Spoil changes the file behind everybody's back, as a bad memory chip would.
func (v *Vault) Spoil(statement string, args ...any) error {
	return v.begin(v.write, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(context.Background(), statement, args...)
		return err
	})
}

// OpenClear opens a file whose bodies are sealed by a cipher that hides nothing, for those who look whether what was deleted was overwritten, too.
func OpenClear(file string, key []byte, words Words) (*Vault, error) {
	r := newRing(Custody{})
	r.make = func([]byte) (cipher.AEAD, error) { return glass{}, nil }
	return open(file, key, words, r)
}

type glass struct{}

func (glass) NonceSize() int { return 0 }

func (glass) Overhead() int { return 0 }

func (glass) Seal(dst, _, plaintext, _ []byte) []byte { return append(dst, plaintext...) }

func (glass) Open(dst, _, ciphertext, _ []byte) ([]byte, error) {
	return append(dst, ciphertext...), nil
}

// KeyNames are the names of all keys that the file knows to be in the keystore, in order.
func (v *Vault) KeyNames() []string {
	names, err := v.names(context.Background(), "SELECT name FROM seal WHERE name <> '' UNION SELECT name FROM edit_key UNION SELECT name FROM shred ORDER BY 1")
	if err != nil {
		return []string{err.Error()}
	}
	return names
}

// Add runs a statement on a file of MakeOld.
func Add(file string, key []byte, statement string, args ...any) (err error) {
	db, err := connect(file, "&_txlock=immediate", "PRAGMA hexkey='"+hex.EncodeToString(key)+"'", pragmas)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(context.Background(), statement, args...)
	return err
}

// errCommit is what a disk says that does not know whether it has written.
var errCommit = errors.New("the disk does not know")

// Unsure is Update with a commit that fails, after it did what it should (durable) or nothing.
func (c *Card) Unsure(f func(replica.PhoneTx) error, durable bool) error {
	_, err := c.change(func(t *Tx) error { return f(t) }, func(f func(*sql.Tx) error) error {
		return errors.Join(errCommit, c.vault.begin(c.vault.write, func(tx *sql.Tx) error {
			if err := f(tx); err != nil || durable {
				return err
			}
			return errCommit
		}))
	})
	return err
}
