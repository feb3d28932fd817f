package vault

import (
	"database/sql"

	"github.com/medcard/medcard/sync/replica"
)

// An edit whose text is damaged, or whose key is lost, must stop neither those behind it nor whoever reads the others. So nobody above ever meets
// it: a transaction that does is taken back, the edit is set aside in one of its own, and then the first runs again.

// met gives the edits that a transaction met and could not read.
func (t *Tx) met() []replica.Item {
	if t == nil {
		return nil
	}
	return t.unread
}

// tries of a transaction: once to meet what cannot be read, once without.
const tries = 3

// sound runs a transaction until it meets no edit that cannot be read.
func (c *Card) sound(run func() (unread []replica.Item, err error)) error {
	for try := 1; ; try++ {
		unread, err := run()
		if len(unread) == 0 || try == tries {
			return err
		}
		if err := c.setAside(); err != nil {
			return err
		}
	}
}

// setAside sets aside all edits of the card that cannot be read.
func (c *Card) setAside() error {
	_, err := c.change(func(t *Tx) error {
		if _, err := t.edits("card = ?", t.card); err != nil {
			return err
		}
		unread := t.unread
		t.unread = nil
		return replica.SetAside(t, unread)
	}, func(f func(*sql.Tx) error) error { return c.vault.update(f) })
	return err
}
