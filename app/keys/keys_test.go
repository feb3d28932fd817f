package keys

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

var made = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func opened(t *testing.T, dir string) *Custody {
	t.Helper()
	c, err := OpenFolder(dir, func() time.Time { return made })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAFolderKeepsItsKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	first := opened(t, dir)
	wrapped, err := first.Wrap(1, []byte("a card's key"), []byte("place"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := first.Signer(Prescription)
	if err != nil || !signer.Created.Equal(made) {
		t.Fatal(signer.Created, err)
	}
	again := opened(t, dir)
	if plain, err := again.Unwrap(wrapped, []byte("place")); err != nil || string(plain) != "a card's key" {
		t.Errorf("%q, %v", plain, err)
	}
	if _, err := again.Unwrap(wrapped, []byte("another place")); err == nil {
		t.Error("opens at another place")
	}
	if s, err := again.Signer(Prescription); err != nil || !s.Public().(ed25519.PublicKey).Equal(signer.Public()) {
		t.Error("another signing key: ", err)
	}
	if s, err := again.Signer(Referral); err != nil || s.Public().(ed25519.PublicKey).Equal(signer.Public()) {
		t.Error("one key for two usages: ", err)
	}
	if !bytes.Equal(first.Hash("number", "1"), again.Hash("number", "1")) || bytes.Equal(again.Hash("number", "1"), again.Hash("phone", "1")) ||
		bytes.Equal(again.Hash("a", "bc"), again.Hash("ab", "c")) {
		t.Error("hashes are not those of their kind and value")
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
	if len(files) != 3 {
		t.Errorf("%d files, want the master key and two signing keys, and no drafts", len(files))
	}
}

func TestTwoThatStartAtOnceShareTheirKeys(t *testing.T) {
	dir := t.TempDir()
	var all [8]*Custody
	var starting sync.WaitGroup
	for i := range all {
		starting.Go(func() { all[i], _ = OpenFolder(dir, time.Now) })
	}
	starting.Wait()
	for _, c := range all {
		if c == nil || c.Fingerprint() != all[0].Fingerprint() {
			t.Fatal("different keys of one folder")
		}
	}
}

func TestAKeyThatIsNoneIsNotReplaced(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"a short master key": func(dir string) error { return os.WriteFile(filepath.Join(dir, "master.key"), []byte("short"), 0o600) },
		"no PEM":             func(dir string) error { return os.WriteFile(filepath.Join(dir, "rx.pem"), []byte("no key"), 0o600) },
		"a key of no time": func(dir string) error {
			path := filepath.Join(dir, "rx.pem")
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			block, _ := pem.Decode(text)
			block.Headers = nil
			return os.WriteFile(path, pem.EncodeToMemory(block), 0o600)
		},
	} {
		dir := t.TempDir()
		if _, err := opened(t, dir).Signer(Prescription); err != nil {
			t.Fatal(err)
		}
		if err := spoil(dir); err != nil {
			t.Fatal(err)
		}
		c, err := OpenFolder(dir, time.Now)
		if err == nil {
			_, err = c.Signer(Prescription)
		}
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
