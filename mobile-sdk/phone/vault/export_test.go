package vault

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/medcard/medcard/sync/replica"
)

// Unrinsed is Update as one who loses power in the middle of it leaves it: committed, and the journal not emptied.
func (c *Card) Unrinsed(f func(replica.PhoneTx) error) error {
	return c.vault.begin(c.vault.write, func(tx *sql.Tx) error {
		t := c.in(tx)
		return errors.Join(f(t), t.finish())
	})
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
