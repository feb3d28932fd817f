package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// medcard runs a command on an installation of its own.
func medcard(t *testing.T, args ...string) (string, error) {
	t.Helper()
	c := command()
	var out bytes.Buffer
	c.Writer, c.ErrWriter = &out, &out
	err := c.Run(context.Background(), append([]string{"medcard"}, args...))
	return out.String(), err
}

func TestClients(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("MEDCARD_DATA", filepath.Join(dir, "data"))
	key := filepath.Join(dir, "key.json")

	if out, err := medcard(t, "clients", "list"); err != nil || !strings.Contains(out, "no clients yet") {
		t.Errorf("%s, %v", out, err)
	}
	for _, bad := range [][]string{{"--kind", "insurer"}, {"--kind", "insurer", "--policies", "7"}, {"--kind", "insurer", "--policies", "7x"}, {"--kind", "clinic", "--policies", "77"}} {
		if out, err := medcard(t, append([]string{"clients", "add", "--name", "Страховая", "--key", key}, bad...)...); err == nil || !strings.Contains(err.Error(), "client.policies") {
			t.Errorf("%v: %s, %v", bad, out, err)
		}
	}
	out, err := medcard(t, "clients", "add", "--kind", "clinic", "--name", "Поликлиника № 7", "--key", key)
	if err != nil || !strings.Contains(out, key) {
		t.Fatalf("%s, %v", out, err)
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v, %v", info, err)
	}
	id, private, err := readClientKey(key)
	if err != nil || private == nil || !strings.Contains(out, string(id)) {
		t.Fatalf("%s, %v", id, err)
	}

	// A second client does not take the first one's key file, and is not left behind without a key.
	if _, err := medcard(t, "clients", "add", "--kind", "pharmacy", "--name", "Аптека № 1", "--key", key); err == nil {
		t.Error("a key was written over another")
	}
	if out, err = medcard(t, "clients", "list"); err != nil || strings.Count(out, " active ") != 1 || strings.Count(out, " revoked ") != 1 {
		t.Errorf("%s, %v", out, err)
	}
	for _, wrong := range [][]string{
		{"clients", "add", "--kind", "shop", "--name", "x", "--key", key + "2"},
		{"clients", "add", "--kind", "clinic", "--name", " ", "--key", key + "2"},
		{"clients", "add", "--kind", "clinic", "--name", "x", "--jwks", key}, // a private key
		{"clients", "add", "--kind", "clinic", "--name", "x", "--jwks", filepath.Join(dir, "nowhere")},
		{"clients", "revoke"},
		{"clients", "revoke", "x"},
		{"clients", "token"},
		{"clients", "token", filepath.Join(dir, "nowhere")},
	} {
		if out, err := medcard(t, wrong...); err == nil {
			t.Errorf("%v: %s", wrong, out)
		}
	}
	if out, err = medcard(t, "clients", "revoke", string(id)); err != nil {
		t.Errorf("%s, %v", out, err)
	}
	if _, err = medcard(t, "clients", "revoke", string(id)); err == nil {
		t.Error("revoked twice")
	}
}
