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
	return v.Replace(nil, map[string]any{name: value})
}

// Drop forgets settings.
func (v *Vault) Drop(names ...string) error { return v.Replace(names, nil) }

// Replace forgets some settings and writes others, all or none.
func (v *Vault) Replace(drop []string, save map[string]any) error {
	bodies := make(map[string][]byte, len(save))
	for name, value := range save {
		body, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("vault: write the setting %s: %w", name, err)
		}
		bodies[name] = body
	}
	return v.update(func(tx *sql.Tx) error {
		if len(drop) > 0 {
			v.shed.Store(true)
		}
		for _, name := range drop {
			if _, err := tx.ExecContext(context.Background(), "DELETE FROM setting WHERE name = ?", name); err != nil {
				return err
			}
		}
		for name, body := range bodies {
			if _, err := tx.ExecContext(context.Background(), "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, body); err != nil {
				return err
			}
		}
		return nil
	})
}
