package vault_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/medcard/medcard/mobile-sdk/phone/vault"
)

// chest is a phone's keystore. What is destroyed in it is gone.
type chest struct {
	mu     sync.Mutex
	keys   map[string][]byte
	locked bool   // it does not answer
	stuck  bool   // it destroys nothing
	after  func() // each call that changed something
}

var _ vault.ScopeKeys = (*chest)(nil)

var errLocked = errors.New("the keystore is locked")

func newChest() *chest { return &chest{keys: map[string][]byte{}} }

func (c *chest) Load(name string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.locked {
		return nil, errLocked
	}
	return bytes.Clone(c.keys[name]), nil
}

func (c *chest) Create(name string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.locked {
		return nil, errLocked
	}
	key := make([]byte, vault.KeySize)
	_, _ = rand.Read(key)
	c.keys[name] = bytes.Clone(key)
	if c.after != nil {
		c.after()
	}
	return key, nil
}

func (c *chest) Destroy(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.locked || c.stuck {
		return errLocked
	}
	delete(c.keys, name)
	if c.after != nil {
		c.after()
	}
	return nil
}

// names of the keys that are there, in order.
func (c *chest) names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.keys))
}

// copy is the keystore of a phone that was cloned.
func (c *chest) copy() *chest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &chest{keys: maps.Clone(c.keys)}
}

// openWith is open with a keystore; nil = none.
func openWith(t *testing.T, file string, keys vault.ScopeKeys) *vault.Vault {
	t.Helper()
	v, err := vault.Open(file, key, spelled, vault.Custody{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}
