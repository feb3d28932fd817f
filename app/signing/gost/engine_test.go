package gost_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/cms"
	"github.com/medcard/medcard/app/signing/gost"
	"github.com/medcard/medcard/app/signing/gost/gosttest"
	"github.com/medcard/medcard/app/signing/revocation"
)

const snils = "11223344595"

var content = []byte("Medcard: electronic signature\npurpose: sign-in\n")

func TestGOSTSignaturesHold(t *testing.T) {
	engine := gosttest.Need(t)
	t.Setenv("TMPDIR", t.TempDir())
	for _, size := range []string{"256", "512"} {
		t.Run(size, func(t *testing.T) {
			var list []byte
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(list) }))
			defer web.Close()
			head := gosttest.NewAuthority(t, size, web.URL+"/list")
			head.Issue(t, "anna", snils)
			list = head.List(t)
			both := cms.Verifiers{cms.Native{}, engine}
			anchors := cms.Anchors{Roots: []*x509.Certificate{head.Certificate}}
			judge := func(raw, content []byte, v cms.Verifier) (cms.Owner, []*x509.Certificate, error) {
				m, err := cms.Parse(raw)
				if err != nil {
					return cms.Owner{}, nil, err
				}
				chain, err := anchors.Chain(t.Context(), v, m, time.Now())
				if err == nil {
					err = m.Holds(t.Context(), v, content)
				}
				if err == nil {
					err = cms.Usable(m.Signer)
				}
				if err != nil {
					return cms.Owner{}, nil, err
				}
				owner, err := cms.OwnerOf(m.Signer)
				return owner, chain, err
			}
			raw := head.Sign(t, "anna", content)
			owner, chain, err := judge(raw, content, both)
			if err != nil || owner.SNILS != snils || len(chain) != 2 {
				t.Fatalf("%v, %d certificates, %v", owner, len(chain), err)
			}
			if _, _, err := judge(raw, append(bytes.Clone(content), '!'), both); !errors.Is(err, cms.ErrSignature) {
				t.Errorf("over other bytes: %v", err)
			}
			flipped := bytes.Clone(raw)
			flipped[len(flipped)-7] ^= 1 // in the signature, which comes last
			if _, _, err := judge(flipped, content, both); !errors.Is(err, cms.ErrSignature) {
				t.Errorf("flipped: %v", err)
			}
			if _, _, err := judge(raw, content, cms.Native{}); !errors.Is(err, cms.ErrUnsupported) {
				t.Errorf("without the engine: %v", err)
			}
			other := gosttest.NewAuthority(t, size, web.URL+"/list") // of the same name
			other.Issue(t, "anna", snils)
			if _, _, err := judge(other.Sign(t, "anna", content), content, both); !errors.Is(err, cms.ErrUntrusted) {
				t.Errorf("of a stranger: %v", err)
			}

			now := time.Now()
			checker := revocation.New(revocation.Settings{Hosts: []string{strings.TrimPrefix(web.URL, "http://")}, Clock: func() time.Time { return now }, Verifier: both})
			if err := checker.Check(t.Context(), chain); err != nil {
				t.Errorf("not revoked: %v", err)
			}
			head.Revoke(t, "anna")
			list = other.List(t)
			now = now.Add(20 * time.Minute)
			if err := checker.Check(t.Context(), chain); err != nil {
				t.Errorf("a list that somebody else signed took the place of the good one: %v", err)
			}
			list = head.List(t)
			now = now.Add(20 * time.Minute)
			if err := checker.Check(t.Context(), chain); !errors.Is(err, cms.ErrRevoked) {
				t.Errorf("revoked: %v", err)
			}
			if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "medcard-gost-*")); len(left) > 0 {
				t.Errorf("files were left: %v", left)
			}
		})
	}
}

func TestACommandThatDoesNotServe(t *testing.T) {
	for name, script := range map[string]string{
		"says nothing": "#!/bin/sh\n", "says that all is well": "#!/bin/sh\necho Verified OK\n", "fails": "#!/bin/sh\nexit 1\n", "hangs": "#!/bin/sh\nsleep 60\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "openssl")
			if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			started := time.Now()
			if _, err := gost.Open(ctx, path); !errors.Is(err, gost.ErrEngine) {
				t.Error(err)
			}
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	if _, err := gost.Open(t.Context(), "/nowhere/openssl"); !errors.Is(err, gost.ErrEngine) {
		t.Error(err)
	}
}
