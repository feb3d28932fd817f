package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"math/big"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// What is signed here is believed by another library, under the header that it was given.
func TestCompact(t *testing.T) {
	for algorithm, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384()} {
		for range 50 { // numbers that begin with zeros among them
			key, err := ecdsa.GenerateKey(curve, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			text, err := Compact(key, map[string]any{"typ": "dpop+jwt"}, map[string]any{"jti": "1"})
			if err != nil {
				t.Fatal(err)
			}
			token, err := jwt.Parse(text, func(*jwt.Token) (any, error) { return key.Public(), nil }, jwt.WithValidMethods([]string{algorithm}), jwt.WithStrictDecoding())
			if err != nil || token.Header["typ"] != "dpop+jwt" {
				t.Fatalf("%s: %v, %v", algorithm, token.Header, err)
			}
			public, name, err := Public(key.Public())
			if err != nil || public.Algorithm() != algorithm || len(name) != 43 || public.Curve != curve.Params().Name {
				t.Fatalf("%+v, %q, %v", public, name, err)
			}
		}
	}
}

// wrong gives something else than a signature.
type wrong struct{ crypto.Signer }

func (wrong) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return []byte{0x30, 0}, nil }

func TestKeysThatDoNotSignHere(t *testing.T) {
	large, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"another curve": large, "another kind": edwards, "no signature": wrong{good}} {
		if _, err := Compact(key, map[string]any{}, big.NewInt(1)); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
