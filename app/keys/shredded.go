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
	return c.noteDown(shreddedFile, id)
}

// Shredded gives the ids of the cards that were shredded.
func (c *Custody) Shredded() (map[string]bool, error) {
	lines, err := readLines(filepath.Join(c.dir, shreddedFile))
	known := map[string]bool{}
	for _, id := range lines {
		known[id] = true
	}
	return known, err
}

// noteDown adds a line to one of the folder's lists.
func (c *Custody) noteDown(file, line string) error {
	list, err := os.OpenFile(filepath.Join(c.dir, file), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = list.WriteString(line + "\n")
	if err := errors.Join(err, list.Sync(), list.Close()); err != nil {
		return err
	}
	return settle(c.dir)
}

// readLines reads such a list; one that is not there is empty.
func readLines(path string) ([]string, error) {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' }), nil
}
