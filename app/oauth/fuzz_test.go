package oauth

import (
	"context"
	"testing"

	"github.com/medcard/medcard/domain/identity"
)

// Nothing that somebody posts or registers breaks the server or makes an actor of him.
func FuzzTokensAndKeys(f *testing.F) {
	f.Add("a.b.c", []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"AA"}]}`))
	f.Add("eyJhbGciOiJub25lIn0.e30.", []byte(`{"keys":[{"kty":"RSA","kid":"k","n":"AQ","e":"AQAB"}]}`))
	f.Add("", []byte(`{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"","y":""}]}`))
	f.Fuzz(func(t *testing.T, token string, keys []byte) {
		w := newWorld(t)
		if actor, err := w.Verify(context.Background(), Shown{Scheme: Bearer, Token: token}); err == nil || actor.Kind != identity.Nobody {
			t.Errorf("%q makes %v", token, actor.Kind)
		}
		if _, err := w.grant(token, ""); err == nil {
			t.Errorf("%q is an assertion", token)
		}
		if set, err := ParseKeySet(keys); err == nil && len(set.keys) == 0 {
			t.Error("a key set without keys")
		}
	})
}
