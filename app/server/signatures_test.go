package server

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/cms/cmstest"
	"github.com/medcard/medcard/app/config"
)

func TestWhichAuthoritiesCount(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	root := cmstest.NewAuthority(t, "Head", now)
	below := root.Below(t, "Centre", now, nil)
	block := func(raw []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}) }
	both := append([]byte("Subject: a comment, as openssl writes it\n"), block(root.Certificate.Raw)...)
	both = append(both, block(below.Certificate.Raw)...)
	for name, c := range map[string]struct {
		files          map[string][]byte
		roots, between int
		fails          string
	}{
		"PEM":                {files: map[string][]byte{"a": both}, roots: 1, between: 1},
		"DER":                {files: map[string][]byte{"a.cer": root.Certificate.Raw, "b.cer": below.Certificate.Raw}, roots: 1, between: 1},
		"no root":            {files: map[string][]byte{"a": block(below.Certificate.Raw)}, fails: "is a root"},
		"no certificate":     {files: map[string][]byte{"notes.txt": []byte("Головной центр")}, fails: "notes.txt holds no certificate"},
		"a damaged one":      {files: map[string][]byte{"a": root.Certificate.Raw[:100]}, fails: "a: "},
		"nothing whatsoever": {fails: "is a root"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			for file, data := range c.files {
				if err := os.WriteFile(filepath.Join(folder, file), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			a, err := anchored(folder)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || len(a.Roots) != c.roots || len(a.Between) != c.between || !bytes.Equal(a.Roots[0].Raw, root.Certificate.Raw) {
				t.Errorf("%d roots, %d below, %v", len(a.Roots), len(a.Between), err)
			}
		})
	}
	if a, err := anchored(""); err != nil || len(a.Roots) != 0 {
		t.Errorf("without a folder: %v", err)
	}
	if _, err := anchored("/nowhere"); err == nil {
		t.Error("a folder that is not there")
	}
}

// A server whose operator wants GOST and has no program for it does not start: it would refuse everybody, and nobody would know why.
func TestNoServerWithoutTheProgramThatItWasPromised(t *testing.T) {
	_, err := signatures(t.Context(), nil, nil, config.Config{SignGOST: filepath.Join(t.TempDir(), "openssl")}, Options{})
	if err == nil || !strings.Contains(err.Error(), "MEDCARD_SIGN_GOST") || !strings.Contains(err.Error(), "libengine-gost-openssl") {
		t.Error(err)
	}
}
