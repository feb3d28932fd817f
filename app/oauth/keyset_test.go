package oauth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

func TestKeySets(t *testing.T) {
	w := newWorld(t)
	good := jwkOf(t, "k1", w.key.Public())
	with := func(change func(*jwk)) []byte {
		k := good
		change(&k)
		return set(k)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this build makes no weak key to refuse: ", err)
	}
	for name, c := range map[string]struct {
		document []byte
		want     fault.Code
	}{
		"good":               {set(good), ""},
		"two":                {set(good, jwkOf(t, "k2", w.key.Public())), ""},
		"nothing":            {nil, "jwks.format"},
		"no JSON":            {[]byte("-----BEGIN"), "jwks.format"},
		"no keys":            {set(), "jwks.format"},
		"a bare key":         {[]byte(`{"kty":"EC"}`), "jwks.format"},
		"one name twice":     {set(good, good), "jwks.format"},
		"no name":            {with(func(k *jwk) { k.ID = "" }), "jwks.format"},
		"private":            {with(func(k *jwk) { k.Private = "AA" }), "jwks.private_key"},
		"shared secret":      {with(func(k *jwk) { k.Type = "oct" }), "jwks.private_key"},
		"off the curve":      {with(func(k *jwk) { k.X = k.Y }), "jwks.unsupported_key"},
		"short point":        {with(func(k *jwk) { k.X = k.X[:40] }), "jwks.unsupported_key"},
		"other curve":        {with(func(k *jwk) { k.Curve = "secp256k1" }), "jwks.unsupported_key"},
		"foreign algorithm":  {with(func(k *jwk) { k.Algorithm = "HS256" }), "jwks.unsupported_key"},
		"mismatch":           {with(func(k *jwk) { k.Algorithm = "ES384" }), "jwks.unsupported_key"},
		"weak RSA":           {set(jwkOf(t, "k", weak.Public())), "jwks.unsupported_key"},
		"Ed25519 of nothing": {[]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":""}]}`), "jwks.unsupported_key"},
		"too many":           {[]byte(`{"keys":[` + strings.Repeat(`{"kty":"EC","kid":"k"},`, maxKeys) + `{"kty":"EC","kid":"k"}]}`), "jwks.format"},
	} {
		if _, err := ParseKeySet(c.document); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestClientsAreChecked(t *testing.T) {
	w := newWorld(t)
	good := NewClient{Kind: identity.Pharmacy, Name: " Аптека  № 1 ", Keys: w.clinic.Keys}
	c, err := w.AddClient(context.Background(), good)
	if err != nil || c.Name != "Аптека № 1" || len(c.Scopes) != 1 || c.Scopes[0] != ScopeDispense {
		t.Errorf("%+v, %v", c, err)
	}
	for want, change := range map[fault.Code]func(*NewClient){
		"client.kind":  func(n *NewClient) { n.Kind = identity.Patient },
		"client.name":  func(n *NewClient) { n.Name = " " },
		"client.scope": func(n *NewClient) { n.Scopes = []string{ScopePublish} },
		"jwks.format":  func(n *NewClient) { n.Keys = []byte("{}") },
	} {
		n := good
		change(&n)
		if _, err := w.AddClient(context.Background(), n); fault.CodeOf(err) != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	if all, err := w.Clients(context.Background()); err != nil || len(all) != 2 {
		t.Errorf("%d clients, %v", len(all), err)
	}
}
