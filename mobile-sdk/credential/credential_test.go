package credential

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/medcard/medcard/mobile-sdk/problem"
)

// endpoint is a token endpoint that believes assertions as another library reads them.
type endpoint struct {
	t      *testing.T
	key    *ecdsa.PrivateKey
	answer func(http.ResponseWriter, jwt.MapClaims)

	mu     sync.Mutex
	claims []jwt.MapClaims
	forms  []map[string][]string
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		e.t.Error(err)
	}
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(r.PostForm.Get("client_assertion"), claims, func(token *jwt.Token) (any, error) {
		jwks, err := JWKS(&e.key.PublicKey)
		if err != nil {
			return nil, err
		}
		var set struct{ Keys []map[string]string }
		if err := json.Unmarshal(jwks, &set); err != nil {
			return nil, err
		}
		if token.Header["kid"] != set.Keys[0]["kid"] || set.Keys[0]["kty"] != "EC" || set.Keys[0]["crv"] != "P-384" || set.Keys[0]["alg"] != "ES384" {
			return nil, errors.New("not the registered key")
		}
		return &e.key.PublicKey, nil
	}, jwt.WithValidMethods([]string{"ES384"}), jwt.WithoutClaimsValidation())
	if err != nil {
		e.t.Error(err)
	}
	e.mu.Lock()
	e.claims, e.forms = append(e.claims, claims), append(e.forms, r.PostForm)
	e.mu.Unlock()
	e.answer(w, claims)
}

func granting(seconds int) func(http.ResponseWriter, jwt.MapClaims) {
	n := 0
	return func(w http.ResponseWriter, _ jwt.MapClaims) {
		n++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"token %d","token_type":"bearer","expires_in":%d,"scope":"s"}`, n, seconds)
	}
}

func start(t *testing.T, answer func(http.ResponseWriter, jwt.MapClaims)) (*endpoint, *Source, *time.Time) {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint{t: t, key: key, answer: answer}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	return e, New(Client{ID: "client-1", Key: key, TokenURL: server.URL + "/oauth/token", Scopes: []string{"a", "b"}, Clock: func() time.Time { return now }}), &now
}

func TestAssertion(t *testing.T) {
	e, source, now := start(t, granting(300))
	pharmacist := Actor{Subject: "e-17", Name: "Соколова Мария", Role: "провизор"}
	for range 20 { // now and then one of a signature's numbers is short and must be padded
		if token, err := source.As(pharmacist)(context.Background()); err != nil || token == "" {
			t.Fatal(err)
		}
		source.Forget()
	}
	if _, err := source.Token(context.Background()); err != nil {
		t.Fatal(err)
	}
	c := e.claims[0]
	if c["iss"] != "client-1" || c["sub"] != "client-1" || c["aud"] != source.client.TokenURL || c["exp"] != float64(now.Add(2*time.Minute).Unix()) || c["jti"] == e.claims[1]["jti"] {
		t.Errorf("%v", c)
	}
	if actor := c["actor"].(map[string]any); actor["sub"] != "e-17" || actor["name"] != "Соколова Мария" || actor["role"] != "провизор" {
		t.Errorf("%v", actor)
	}
	if _, named := e.claims[20]["actor"]; named {
		t.Error("the organisation alone has no actor")
	}
	f := e.forms[0]
	if f["grant_type"][0] != "client_credentials" || f["scope"][0] != "a b" || f["client_assertion_type"][0] != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		t.Errorf("%v", f)
	}
}

func TestTokensAreKept(t *testing.T) {
	e, source, now := start(t, granting(300))
	ask := func(who string) string {
		t.Helper()
		token, err := source.As(Actor{Subject: who})(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	first := ask("a")
	if ask("a") != first || ask("b") == first || len(e.claims) != 2 {
		t.Error("one token a person")
	}
	*now = now.Add(269 * time.Second)
	if ask("a") != first {
		t.Error("dropped too early")
	}
	*now = now.Add(2 * time.Second)
	if ask("a") == first {
		t.Error("used up to its end: a request under way would fail")
	}
	var wait sync.WaitGroup
	source.Forget()
	before := len(e.claims)
	for range 10 {
		wait.Go(func() { _, _ = source.Token(context.Background()) })
	}
	wait.Wait()
	if len(e.claims) != before+1 {
		t.Errorf("%d requests for one token", len(e.claims)-before)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, jwt.MapClaims)
		code   string // of the problem; "" = an error that is none
	}{
		"invalid client": {func(w http.ResponseWriter, _ jwt.MapClaims) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client","error_description":"Who?"}`)
		}, "invalid_client"},
		"a problem document": {func(w http.ResponseWriter, _ jwt.MapClaims) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"code":"database.away"}`)
		}, "database.away"},
		"a proxy":  {func(w http.ResponseWriter, _ jwt.MapClaims) { w.WriteHeader(http.StatusBadGateway) }, "http"},
		"no token": {func(w http.ResponseWriter, _ jwt.MapClaims) { fmt.Fprint(w, `{}`) }, ""},
		"no JSON":  {func(w http.ResponseWriter, _ jwt.MapClaims) { fmt.Fprint(w, `hello`) }, ""},
	} {
		_, source, _ := start(t, c.answer)
		token, err := source.Token(context.Background())
		var p *problem.Problem
		if err == nil || token != "" || errors.As(err, &p) != (c.code != "") || p != nil && p.Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnlyP384(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := JWKS(&p256.PublicKey); !errors.Is(err, errKey) {
		t.Error(err)
	}
	if _, err := JWKS(ed25519.NewKeyFromSeed(make([]byte, 32)).Public()); !errors.Is(err, errKey) {
		t.Error(err)
	}
	source := New(Client{ID: "x", Key: p256, TokenURL: "http://localhost:1/"})
	if _, err := source.Token(context.Background()); !errors.Is(err, errKey) {
		t.Error(err)
	}
}
