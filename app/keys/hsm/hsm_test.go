//go:build pkcs11

package hsm_test

import (
	"crypto"
	"crypto/ed25519"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/keys/hsm"
	"github.com/medcard/medcard/qr"
)

const (
	label = "medcard test"
	pin   = "1234"
)

// softHSM makes a token in a folder of its own and gives the library.
func softHSM(t *testing.T) (library string) {
	t.Helper()
	tool, err := exec.LookPath("softhsm2-util")
	if err != nil {
		t.Fatal("softhsm2-util is missing; install: softhsm2")
	}
	for _, pattern := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so", "/usr/lib/*/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			library = found[0]
		}
	}
	if library == "" {
		t.Fatal("libsofthsm2.so is missing; install: softhsm2")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(file, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", file)
	if out, err := exec.Command(tool, "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "5678").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return library
}

// The keys of an installation in a token: they sign codes, no file holds a secret, and one that is withdrawn is gone from the token.
func TestKeysInAToken(t *testing.T) {
	library := softHSM(t)
	refuses(t, library) // before anybody is logged in: a process logs in once
	token, err := hsm.Open(library, label, pin)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = token.Close() }()
	var _ keys.Vault = token
	dir := t.TempDir()
	open := func() *keys.Custody {
		t.Helper()
		custody, err := keys.OpenVault(dir, time.Now, token)
		if err != nil {
			t.Fatal(err)
		}
		return custody
	}
	custody := open()
	ring, err := custody.Tend(keys.Prescription)
	if err != nil {
		t.Fatal(err)
	}
	if len(ring) != 2 {
		t.Fatalf("%d keys", len(ring))
	}
	if ring, err = open().Ring(keys.Prescription); err != nil { // as after a restart
		t.Fatal(err)
	}
	signing, ok := ring.Signing(time.Now())
	if !ok {
		t.Fatal("nobody signs")
	}
	key, err := qr.NewSigningKey("medcard", qr.Prescription, signing.Signer)
	if err != nil {
		t.Fatal(err)
	}
	text, err := qr.Seal(qr.Claims{IssuedAt: time.Now(), Expires: time.Now().Add(time.Hour), Token: qr.TokenID{1}, Body: []byte{0x80}}, key)
	if err != nil {
		t.Fatal(err)
	}
	code, err := qr.Open(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := code.Verify(key.Key); err != nil {
		t.Error(err)
	}
	if _, err := signing.Sign(nil, []byte("digest"), crypto.SHA256); err == nil {
		t.Error("signs a digest as if it were a message")
	}
	if root, successor, err := custody.Roots(); err != nil || root.Signer == nil || successor.Signer == nil {
		t.Error(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil || strings.Contains(string(text), "PRIVATE") {
			t.Errorf("%s: %v: a secret half in a file", f.Name(), err)
		}
	}
	if err := custody.Compromise(keys.Prescription, signing.ID()); err != nil {
		t.Fatal(err)
	}
	if _, err := token.Signer(signing.Key); err == nil {
		t.Error("a withdrawn key is still in the token")
	}
	neverMade(t, token)
	if ring, err = custody.Ring(keys.Prescription); err != nil {
		t.Fatal(err)
	}
	if next, ok := ring.Signing(time.Now()); !ok || next.Key.Equal(signing.Key) {
		t.Error("nothing takes over")
	}
}

func refuses(t *testing.T, library string) {
	t.Helper()
	for name, open := range map[string]func() (*hsm.Token, error){
		"no library": func() (*hsm.Token, error) { return hsm.Open(filepath.Join(t.TempDir(), "none.so"), label, pin) },
		"no token":   func() (*hsm.Token, error) { return hsm.Open(library, "another", pin) },
		"wrong PIN":  func() (*hsm.Token, error) { return hsm.Open(library, label, "4321") },
	} {
		if _, err := open(); err == nil || strings.Contains(err.Error(), pin) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func neverMade(t *testing.T, token *hsm.Token) {
	t.Helper()
	if _, err := token.Signer(make(ed25519.PublicKey, ed25519.PublicKeySize)); err == nil {
		t.Error("a key that is not there signs")
	}
}
