package keys

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The folder remembers which cards were shredded, for the database that is brought back from a backup does not: their keys are in it again.

const shreddedFile = "shredded"

// NoteShredded writes down, durably, that a card was shredded. To say it twice does no harm.
func (c *Custody) NoteShredded(id string) error {
	known, err := c.Shredded()
	if err != nil || known[id] {
		return err
	}
	list, err := os.OpenFile(filepath.Join(c.dir, shreddedFile), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = list.WriteString(id + "\n")
	if err := errors.Join(err, list.Sync(), list.Close()); err != nil {
		return err
	}
	return settle(c.dir)
}

// Shredded gives the ids of the cards that were shredded.
func (c *Custody) Shredded() (map[string]bool, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, shreddedFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	known := map[string]bool{}
	for _, id := range strings.Fields(string(text)) {
		known[id] = true
	}
	return known, nil
}
