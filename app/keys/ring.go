package keys

import (
	"crypto"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Terms of a signing key.
const (
	Term  = 90 * 24 * time.Hour // how long it signs
	Lead  = 7 * 24 * time.Hour  // how long it is published before it signs: as long as a reader may go without a new key set
	slack = 7 * 24 * time.Hour  // by how much earlier than it must a successor is made
)

// Ring is the signing keys that a usage has had, in the order in which they were made.
//
// The oldest key in force signs, and a younger one is in force beside it: readers know the younger one already when the older
// one ends, or falls into wrong hands overnight.
type Ring []Signer

// InForce reports whether the key may sign at that time.
func (s Signer) InForce(at time.Time) bool {
	return s.Signer != nil && s.Compromised.IsZero() && !at.Before(s.From) && !at.After(s.Until())
}

// Until is the last time at which the key signs.
func (s Signer) Until() time.Time { return s.From.Add(Term) }

// Signing is the key that signs at that time.
func (r Ring) Signing(at time.Time) (Signer, bool) {
	for _, s := range r {
		if s.InForce(at) {
			return s, true
		}
	}
	return Signer{}, false
}

func (r Ring) inForce(at time.Time) (n int) {
	for _, s := range r {
		if s.InForce(at) {
			n++
		}
	}
	return n
}

// Ring reads the keys of a usage.
func (c *Custody) Ring(u Usage) (Ring, error) {
	var ring Ring
	for n := 1; ; n++ {
		s, err := c.read(u, n)
		if errors.Is(err, fs.ErrNotExist) {
			return ring, nil
		}
		if err != nil {
			return nil, err
		}
		ring = append(ring, s)
	}
}

// Tend makes the keys that a usage needs now and soon, destroys the secret half of those that sign no more, and gives the ring.
// Several servers on one folder may do it at once: a key is made once.
func (c *Custody) Tend(u Usage) (Ring, error) {
	now := c.now()
	ring, err := c.Ring(u)
	if err != nil {
		return nil, err
	}
	for i, s := range ring {
		if s.Signer != nil && (now.After(s.Until()) || !s.Compromised.IsZero()) {
			if ring[i], err = c.retire(s); err != nil {
				return nil, err
			}
		}
	}
	if ring.inForce(now) == 0 {
		if ring, err = c.extend(u, ring, now); err != nil {
			return nil, err
		}
	}
	// With what is made here the loop ends: a key that begins within the lead is in force when the slack is over.
	for ring.inForce(now.Add(Lead+slack)) < 2 {
		if ring, err = c.extend(u, ring, now.Add(Lead)); err != nil {
			return nil, err
		}
	}
	return ring, nil
}

// Rotate makes a further key by command; it begins to sign when it has been published long enough and the older ones are over.
func (c *Custody) Rotate(u Usage) (Signer, error) {
	ring, err := c.Tend(u)
	if err != nil {
		return Signer{}, err
	}
	if ring, err = c.extend(u, ring, c.now().Add(Lead)); err != nil {
		return Signer{}, err
	}
	return ring[len(ring)-1], nil
}

// ErrNoKey means that no key has that id.
var ErrNoKey = errors.New("keys: no signing key has that id")

// Compromise marks a key as one that somebody else may have, for good, and destroys what is left of its secret half. Another takes
// over at once.
func (c *Custody) Compromise(u Usage, id KeyID) error {
	ring, err := c.Ring(u)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(ring, func(s Signer) bool { return s.ID() == id })
	if at < 0 {
		return ErrNoKey
	}
	mark := c.path(u, ring[at].number, compromisedEnding)
	if _, err := readOrMake(mark, func() ([]byte, error) { return []byte(c.now().Format(time.RFC3339) + "\n"), nil }); err != nil {
		return err
	}
	_, err = c.Tend(u)
	return err
}

// extend adds a key that may sign from a time on.
func (c *Custody) extend(u Usage, ring Ring, from time.Time) (Ring, error) {
	s, err := c.readOrMakeSigner(u, len(ring)+1, from)
	return append(ring, s), err
}

// KeyID is the first eight bytes of SHA-256 over a public key, in hexadecimal: the name by which codes call it.
type KeyID string

// ID names the key.
func (s Signer) ID() KeyID {
	sum := digest(s.Key)
	return KeyID(hex.EncodeToString(sum[:8]))
}

const (
	keyEnding         = ".pem"
	compromisedEnding = ".compromised"
	retiredEnding     = ".retired"
)

// path is where the n-th key of a usage stands. The first has no number: it is older than the numbers.
func (c *Custody) path(u Usage, n int, ending string) string {
	name := string(u)
	if n > 1 {
		name += fmt.Sprintf("-%d", n)
	}
	return filepath.Join(c.dir, name+ending)
}

// Now is the time by which keys come and go here.
func (c *Custody) Now() time.Time { return c.now() }

func (c *Custody) now() time.Time { return c.clock().UTC().Truncate(time.Second) }

// read reads the n-th key with what is known of it; fs.ErrNotExist where there is none.
func (c *Custody) read(u Usage, n int) (Signer, error) {
	text, err := os.ReadFile(c.path(u, n, keyEnding))
	if err != nil {
		return Signer{}, err
	}
	s, err := c.parse(text)
	if err != nil {
		return Signer{}, fmt.Errorf("keys: %s: %w", filepath.Base(c.path(u, n, keyEnding)), err)
	}
	s.Usage, s.number = u, n
	if s.Compromised, err = readMark(c.path(u, n, compromisedEnding)); err != nil {
		return Signer{}, err
	}
	s.Retired, err = readMark(c.path(u, n, retiredEnding))
	return s, err
}

// readMark gives the time in a marker file, zero where there is none. One that cannot be read is an error: it may be the one that
// says that a key was stolen.
func readMark(path string) (time.Time, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
	if err != nil {
		return time.Time{}, fmt.Errorf("keys: %s does not hold a time", filepath.Base(path))
	}
	return at, nil
}

func (c *Custody) readOrMakeSigner(u Usage, n int, from time.Time) (Signer, error) {
	_, err := readOrMake(c.path(u, n, keyEnding), func() ([]byte, error) { return c.generate(u, from) })
	if err != nil {
		return Signer{}, err
	}
	return c.read(u, n)
}

// retire destroys the secret half; the public half stays, for what was signed is verified for another year.
func (c *Custody) retire(s Signer) (Signer, error) {
	text, err := publicPEM(s.Key, s.Created, s.From, "")
	if err != nil {
		return s, err
	}
	if err := replace(c.path(s.Usage, s.number, keyEnding), text); err != nil {
		return s, err
	}
	s.Signer = nil
	if c.vault == nil {
		return s, nil
	}
	return s, c.vault.Destroy(s.Key)
}

// Roots gives the root that signs key sets and the successor that readers pin together with it.
func (c *Custody) Roots() (current, successor Signer, err error) {
	ring, err := c.Ring(TrustRoot)
	if err != nil {
		return current, successor, err
	}
	ring = append(ring, Signer{}, Signer{}) // stand for those that are to be made
	at := slices.IndexFunc(ring, func(s Signer) bool { return s.Retired.IsZero() })
	both := ring[at : at+2]
	for i := range both {
		if both[i].Signer != nil {
			continue
		}
		if both[i].Key != nil && i == 1 {
			continue // it may wait in a safe until the handover; its public half is enough to pin it
		}
		if both[i].Key != nil {
			return current, successor, errors.New("keys: the secret half of a root is gone")
		}
		if both[i], err = c.readOrMakeSigner(TrustRoot, at+i+1, c.now()); err != nil {
			return current, successor, err
		}
	}
	return both[0], both[1], nil
}

// Handover retires the root and lets its successor sign; a new successor is made, for readers to pin with their next release.
func (c *Custody) Handover() (current, successor Signer, err error) {
	old, _, err := c.Roots()
	if err != nil {
		return old, successor, err
	}
	next, err := c.read(TrustRoot, old.number+1)
	if err != nil {
		return old, successor, err
	}
	if next.Signer == nil {
		return old, successor, errors.New("keys: the successor's secret half is not here: bring its file back first")
	}
	mark := c.path(TrustRoot, old.number, retiredEnding)
	if _, err := readOrMake(mark, func() ([]byte, error) { return []byte(c.now().Format(time.RFC3339) + "\n"), nil }); err != nil {
		return old, successor, err
	}
	if _, err := c.retire(old); err != nil {
		return old, successor, err
	}
	return c.Roots()
}

// A Vault holds secret halves that never leave it: a security module. Without one they stand in the folder.
type Vault interface {
	// Make makes an Ed25519 key.
	Make(label string) (ed25519.PublicKey, error)
	// Signer finds the secret half of a key.
	Signer(ed25519.PublicKey) (crypto.Signer, error)
	// Destroy forgets it. A key that is not there is no error.
	Destroy(ed25519.PublicKey) error
}
