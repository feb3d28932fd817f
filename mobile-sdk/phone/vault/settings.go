package vault

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// Load reads a setting into into; found is false, and into untouched, if there is none.
func (v *Vault) Load(name string, into any) (found bool, err error) {
	var value []byte
	err = v.view(func(tx *sql.Tx) error {
		return tx.QueryRowContext(context.Background(), "SELECT value FROM setting WHERE name = ?", name).Scan(&value)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("vault: read the setting %s: %w", name, err)
	}
	if json.Unmarshal(value, into) != nil {
		return false, fmt.Errorf("vault: the setting %s is not readable", name) // its content is nobody's business
	}
	return true, nil
}

// Save writes a setting.
func (v *Vault) Save(name string, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("vault: write the setting %s: %w", name, err)
	}
	return v.update(func(tx *sql.Tx) error {
		_, err := tx.ExecContext(context.Background(), "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, body)
		return err
	})
}

// Drop forgets settings.
func (v *Vault) Drop(names ...string) error {
	return v.update(func(tx *sql.Tx) error {
		v.shed.Store(true)
		for _, name := range names {
			if _, err := tx.ExecContext(context.Background(), "DELETE FROM setting WHERE name = ?", name); err != nil {
				return err
			}
		}
		return nil
	})
}
