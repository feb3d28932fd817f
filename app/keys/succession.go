package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Keys that follow one another by a statement: the key of the audit log. The first needs none; each after it signs from when a statement that it
// takes over stands beside it, audit-2.handover and so on, and the secret halves of those before it are destroyed.

const handoverEnding = ".handover"

// Succession gives the keys of a usage that sign or did, the one that signs last, and the statements by which those after the first took over. It
// makes the first.
func (c *Custody) Succession(u Usage) (ring Ring, statements []string, err error) {
	first, err := c.readOrMakeSigner(u, 1, c.now())
	if err != nil {
		return nil, nil, err
	}
	ring = Ring{first}
	for n := 2; ; n++ {
		statement, err := os.ReadFile(c.path(u, n, handoverEnding))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		s, err := c.read(u, n)
		if err != nil {
			return nil, nil, fmt.Errorf("keys: %s took over and is not to be read: %w", filepath.Base(c.path(u, n, keyEnding)), err)
		}
		ring, statements = append(ring, s), append(statements, string(statement))
	}
	if ring[len(ring)-1].Signer == nil {
		return nil, nil, fmt.Errorf("keys: the secret half of %s is gone", filepath.Base(c.path(u, len(ring), keyEnding)))
	}
	return ring, statements, nil
}

// Succeeded reports whether a key has taken over from the n-th.
func (c *Custody) Succeeded(u Usage, n int) bool {
	_, err := os.Stat(c.path(u, n+1, handoverEnding))
	return err == nil
}

// Successor gives the key that will take over, and makes it if there is none yet.
func (c *Custody) Successor(u Usage) (Signer, error) {
	ring, _, err := c.Succession(u)
	if err != nil {
		return Signer{}, err
	}
	return c.readOrMakeSigner(u, len(ring)+1, c.now())
}

// Succeed lets a successor sign from now on, on every server with this folder. To say it again does no harm.
func (c *Custody) Succeed(s Signer, statement string) error {
	_, err := readOrMake(c.path(s.Usage, s.number, handoverEnding), func() ([]byte, error) { return []byte(statement), nil })
	return err
}

// RetireFormer destroys the secret halves of those before the key that signs; some is true if there were some.
func (c *Custody) RetireFormer(u Usage) (some bool, err error) {
	ring, _, err := c.Succession(u)
	if err != nil {
		return false, err
	}
	for _, s := range ring[:len(ring)-1] {
		if s.Signer == nil {
			continue
		}
		if _, err := c.retire(s); err != nil {
			return some, err
		}
		some = true
	}
	return some, nil
}
