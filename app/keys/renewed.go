package keys

import (
	"path/filepath"
	"strings"
)

// The folder remembers as well which cards got another data key, and that key's name: a database that is brought back from a backup has the older
// one in use again.

const renewedFile = "renewed"

// NoteRenewed writes down, durably, the name of the data key that a card got. To say it twice does no harm; of several the last counts.
func (c *Custody) NoteRenewed(id, key string) error {
	known, err := c.Renewed()
	if err != nil || known[id] == key {
		return err
	}
	return c.noteDown(renewedFile, id+" "+key)
}

// Renewed gives the cards that got another data key, with that key's name.
func (c *Custody) Renewed() (map[string]string, error) {
	lines, err := readLines(filepath.Join(c.dir, renewedFile))
	known := map[string]string{}
	for _, line := range lines {
		if id, key, whole := strings.Cut(line, " "); whole {
			known[id] = key
		}
	}
	return known, err
}
