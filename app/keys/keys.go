// Package keys is custody of every secret key of the server: the key-encryption key that wraps the cards' data keys, the
// keys of lookups and cursors, and the signing keys behind crypto.Signer.
//
// In development and in small installations a Folder holds them as files with mode 0600; a KMS or a PKCS#11 token would be
// another maker of the same Custody. Several servers on one database must share the same keys.
package keys

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Usage says what a signing key is for. A key has exactly one.
type Usage string

// The usages of signing keys.
const (
	Tokens       Usage = "tokens" // access tokens
	TrustRoot    Usage = "root"   // the national root that signs the key set
	Prescription Usage = "rx"     // EMC1 prescriptions
	Referral     Usage = "ref"    // EMC1 referrals
	Status       Usage = "status" // status lists
)

// Custody holds the keys of one installation. It is safe for concurrent use.
type Custody struct {
	wrapping tink.AEAD
	cursors  []byte
	lookup   []byte
	signer   func(Usage) (Signer, error)
}

// Signer is a signing key and when it was made: nothing that it signed is older.
type Signer struct {
	crypto.Signer
	Created time.Time
}

const (
	masterFile = "master.key"
	masterSize = 32
)

// OpenFolder opens the keys in a folder and makes those that are missing: the first start of a new installation makes all.
func OpenFolder(dir string, clock func() time.Time) (*Custody, error) {
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
	if len(master) != masterSize {
		return nil, errors.New("keys: master.key does not hold 32 bytes")
	}
	return fromMaster(master, func(u Usage) (Signer, error) {
		return signerFile(filepath.Join(dir, string(u)+".pem"), clock)
	})
}

// Present says whether a folder holds the keys of an installation. A command that needs those of an existing one asks first:
// OpenFolder would make others.
func Present(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, masterFile))
	return err == nil
}

func fromMaster(master []byte, signer func(Usage) (Signer, error)) (*Custody, error) {
	derive := func(label string) []byte {
		key, err := hkdf.Key(sha256.New, master, nil, "medcard/v1/"+label, 32)
		if err != nil {
			panic(err) // only for lengths that are no hash's; 32 is
		}
		return key
	}
	wrapping, err := subtle.NewAESGCM(derive("wrap"))
	if err != nil {
		return nil, err
	}
	return &Custody{wrapping: wrapping, cursors: derive("cursor"), lookup: derive("lookup"), signer: signer}, nil
}

// Wrap encrypts a card's data key; Unwrap undoes it. The label binds the result to its place.
func (c *Custody) Wrap(key, label []byte) ([]byte, error) { return c.wrapping.Encrypt(key, label) }

// Unwrap decrypts what Wrap made with the same label.
func (c *Custody) Unwrap(wrapped, label []byte) ([]byte, error) {
	return c.wrapping.Decrypt(wrapped, label)
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

// Signer gives the signing key of the usage.
func (c *Custody) Signer(u Usage) (Signer, error) { return c.signer(u) }

// created is the PEM header that says when a key was made (RFC 3339).
const created = "Created"

// signerFile reads an Ed25519 key from a PKCS#8 PEM file, or makes it.
func signerFile(path string, clock func() time.Time) (Signer, error) {
	name := filepath.Base(path)
	text, err := readOrMake(path, func() ([]byte, error) {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			return nil, err
		}
		return pem.EncodeToMemory(&pem.Block{
			Type: "PRIVATE KEY", Bytes: der, Headers: map[string]string{created: clock().UTC().Format(time.RFC3339)},
		}), nil
	})
	if err != nil {
		return Signer{}, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return Signer{}, fmt.Errorf("keys: %s is not a PEM file", name)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Signer{}, fmt.Errorf("keys: %s: %w", name, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return Signer{}, fmt.Errorf("keys: %s holds no signing key", name)
	}
	since, err := time.Parse(time.RFC3339, block.Headers[created])
	if err != nil {
		return Signer{}, fmt.Errorf("keys: %s does not say when it was made: it needs the header Created with an RFC 3339 time", name)
	}
	return Signer{Signer: signer, Created: since}, nil
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
