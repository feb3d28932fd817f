package keys

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Usage says what a signing key is for. A key has exactly one.
type Usage string

// The usages of signing keys.
const (
	Tokens       Usage = "tokens" // access tokens
	TrustRoot    Usage = "root"   // the national root that signs the key set
	Prescription Usage = "rx"     // EMC1 prescriptions
	Referral     Usage = "ref"    // EMC1 referrals
	Certificate  Usage = "cert"   // EMC1 certificates
	Status       Usage = "status" // status lists
	Audit        Usage = "audit"  // checkpoints of the audit log
)

// Custody holds the keys of one installation. It is safe for concurrent use.
type Custody struct {
	ring    wrappingRing
	cursors []byte
	lookup  []byte
	dir     string
	clock   func() time.Time
	vault   Vault // nil: the secret halves of signing keys stand in the folder
}

// Signer is a signing key and its life.
type Signer struct {
	crypto.Signer // nil once the secret half is destroyed
	Key           ed25519.PublicKey
	Usage         Usage
	Created       time.Time
	From          time.Time // nothing that it signed is older
	Compromised   time.Time // since when somebody else may have it; zero = nobody
	Retired       time.Time // of a root: when it handed over; zero = it has not
	number        int
}

const (
	masterFile = "master.key"
	masterSize = 32
)

// OpenFolder opens the keys in a folder and makes those that are missing: the first start of a new installation makes all.
func OpenFolder(dir string, clock func() time.Time) (*Custody, error) {
	return OpenVault(dir, clock, nil)
}

// OpenVault is OpenFolder with the secret halves of the signing keys for codes in a vault.
func OpenVault(dir string, clock func() time.Time, vault Vault) (*Custody, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the key folder: %w", err)
	}
	master, err := readOrMake(filepath.Join(dir, masterFile), func() ([]byte, error) {
		secret := make([]byte, masterSize)
		_, err := rand.Read(secret)
		return secret, err
	})
	if err != nil {
		return nil, err
	}
	switch len(master) {
	case masterSize:
		return fromMaster(master, dir, clock, vault)
	case 2 * masterSize: // the first wrapping key was dropped: see DropWrapping
		return &Custody{cursors: master[:masterSize:masterSize], lookup: master[masterSize:], dir: dir, clock: clock, vault: vault}, nil
	}
	return nil, errors.New("keys: master.key holds neither 32 bytes nor, without the first wrapping key, 64")
}

// Present says whether a folder holds the keys of an installation. A command that needs those of an existing one asks first:
// OpenFolder would make others.
func Present(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, masterFile))
	return err == nil
}

func fromMaster(master []byte, dir string, clock func() time.Time, vault Vault) (*Custody, error) {
	derive := func(label string) []byte {
		key, err := hkdf.Key(sha256.New, master, nil, "medcard/v1/"+label, 32)
		if err != nil {
			panic(err) // only for lengths that are no hash's; 32 is
		}
		return key
	}
	c := &Custody{cursors: derive("cursor"), lookup: derive("lookup"), dir: dir, clock: clock, vault: vault}
	_, err := c.ring.add(firstWrapping, time.Time{}, derive("wrap"))
	return c, err
}

// Cursors is the secret, 32 bytes, from which the cursors of sync are derived.
func (c *Custody) Cursors() []byte { return c.cursors }

// Hash is the keyed hash (HMAC-SHA-256, 32 bytes) under which a number is looked up without being stored. kind keeps the
// hashes of different things apart.
func (c *Custody) Hash(kind, value string) []byte {
	mac := hmac.New(sha256.New, c.lookup)
	fmt.Fprintf(mac, "%d:%s%s", len(kind), kind, value)
	return mac.Sum(nil)
}

// Fingerprint tells these keys from others and says nothing about them.
func (c *Custody) Fingerprint() string {
	return hex.EncodeToString(c.Hash("fingerprint", "")[:8])
}

// Signer gives the first signing key of the usage: the only one of a usage that has no ring.
func (c *Custody) Signer(u Usage) (Signer, error) {
	s, err := c.readOrMakeSigner(u, 1, c.now())
	if err == nil && s.Signer == nil {
		err = fmt.Errorf("keys: the secret half of %s is gone", filepath.Base(c.path(u, 1, keyEnding)))
	}
	return s, err
}

// readOrMake reads a secret file or creates it with mode 0600. Two processes that start at once end with the same secret:
// the content appears under its name only whole, and only once.
func readOrMake(path string, make func() ([]byte, error)) ([]byte, error) {
	content, err := os.ReadFile(path) // the operator names the folder
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return content, err
	}
	content, err = make()
	if err != nil {
		return nil, err
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".draft-*") // CreateTemp gives mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(content)
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := settle(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// settle makes a new name in a folder outlive a power cut: what is sealed with a key that is gone is gone as well.
func settle(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := folder.Sync(); err != nil && runtime.GOOS != "windows" { // which syncs no folders
		return errors.Join(err, folder.Close())
	}
	return folder.Close()
}
