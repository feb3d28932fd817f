package oauth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// memory is a Store in maps.
type memory struct {
	clients  map[identity.ClientID]identity.Client
	spent    map[string]time.Time
	sessions map[identity.SessionID]account.Session
}

var (
	_ Store = (*memory)(nil)
	_ Tx    = (*memory)(nil)
)

func (m *memory) Glance(_ context.Context, f func(Tx) error) error { return f(m) }
func (m *memory) View(_ context.Context, f func(Tx) error) error   { return f(m) }
func (m *memory) Update(_ context.Context, f func(Tx) error) error { return f(m) }

func (m *memory) AddClient(c identity.Client) error { m.clients[c.ID] = c; return nil }

func (m *memory) Client(id identity.ClientID) (identity.Client, bool, error) {
	c, ok := m.clients[id]
	return c, ok, nil
}

func (m *memory) Clients() (all []identity.Client, err error) {
	for _, c := range m.clients {
		all = append(all, c)
	}
	return all, nil
}

func (m *memory) RevokeClient(id identity.ClientID, now time.Time) (bool, error) {
	c, ok := m.clients[id]
	if !ok || !c.Revoked.IsZero() {
		return false, nil
	}
	c.Revoked = now
	m.clients[id] = c
	return true, nil
}

func (m *memory) SpendAssertion(id identity.ClientID, jti []byte, ends time.Time) (bool, error) {
	key := string(id) + string(jti)
	if _, seen := m.spent[key]; seen {
		return false, nil
	}
	m.spent[key] = ends
	return true, nil
}

func (m *memory) ForgetAssertions(before time.Time) error {
	for key, ends := range m.spent {
		if ends.Before(before) {
			delete(m.spent, key)
		}
	}
	return nil
}

func (m *memory) Session(id identity.SessionID) (account.Session, bool, error) {
	s, ok := m.sessions[id]
	return s, ok, nil
}

// world is a Service with a clock that stands until it is moved, and one clinic that has a key of its own.
type world struct {
	*Service
	t      *testing.T
	memory *memory
	now    time.Time
	clinic identity.Client
	key    *ecdsa.PrivateKey
}

const issuer = "https://medcard.example"

func newSigner(t *testing.T) crypto.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		memory: &memory{map[identity.ClientID]identity.Client{}, map[string]time.Time{}, map[identity.SessionID]account.Session{}}}
	w.Service = w.server(newSigner(t))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.key = key
	w.clinic, err = w.AddClient(context.Background(), NewClient{Kind: identity.Clinic, Name: "Поликлиника № 7", Keys: set(jwkOf(t, "k1", key.Public()))})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) server(keys ...crypto.Signer) *Service {
	w.t.Helper()
	s, err := New(Parts{Store: w.memory, Issuer: issuer, Keys: keys, Digest: digest, Clock: func() time.Time { return w.now }})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func jwkOf(t *testing.T, kid string, public crypto.PublicKey) jwk {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		half := (len(point) - 1) / 2
		return jwk{Type: "EC", Curve: k.Params().Name, ID: kid, X: encode(point[1 : 1+half]), Y: encode(point[1+half:])}
	case ed25519.PublicKey:
		return jwk{Type: "OKP", Curve: "Ed25519", ID: kid, X: encode(k)}
	case *rsa.PublicKey:
		return jwk{Type: "RSA", ID: kid, Modulus: encode(k.N.Bytes()), Exponent: encode(big.NewInt(int64(k.E)).Bytes())}
	}
	t.Fatalf("no JWK of %T", public)
	return jwk{}
}

func set(keys ...jwk) []byte {
	document, err := json.Marshal(jwkSet{Keys: keys})
	if err != nil {
		panic(err)
	}
	return document
}

// assertion is what a good client signs; change makes it a bad one.
func (w *world) assertion(change func(claims jwt.MapClaims, header map[string]any)) string {
	return w.signed(jwt.SigningMethodES256, w.key, change)
}

func (w *world) signed(method jwt.SigningMethod, key any, change func(jwt.MapClaims, map[string]any)) string {
	w.t.Helper()
	claims := jwt.MapClaims{"iss": string(w.clinic.ID), "sub": string(w.clinic.ID), "aud": issuer + TokenPath, "jti": uuid.NewString(),
		"iat": w.now.Unix(), "exp": w.now.Add(time.Minute).Unix(), "actor": map[string]any{"sub": "17", "name": "Иванова А. П.", "role": "терапевт"}}
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = "k1"
	if change != nil {
		change(claims, token.Header)
	}
	text, err := token.SignedString(key)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

func (w *world) grant(assertion, scope string) (Response, error) {
	return w.Grant(context.Background(), Request{GrantType: grantType, AssertionType: assertionType, Assertion: assertion, Scope: scope})
}

func TestGrantAndVerify(t *testing.T) {
	w := newWorld(t)
	got, err := w.grant(w.assertion(nil), ScopePublish+" "+ScopeDispense+" "+ScopePublish)
	if err != nil {
		t.Fatal(err)
	}
	if got.Scope != ScopePublish || got.ExpiresIn != AccessLife {
		t.Errorf("granted %q for %v", got.Scope, got.ExpiresIn)
	}
	actor, err := w.Verify(context.Background(), Shown{Scheme: Bearer, Token: got.AccessToken})
	if err != nil {
		t.Fatal(err)
	}
	if actor.Kind != identity.Clinic || actor.Client != w.clinic.ID || actor.Organisation != "Поликлиника № 7" ||
		actor.Person != (identity.Person{ID: "17", Name: "Иванова А. П.", Role: "терапевт"}) || !slices.Equal(actor.Scopes, []string{ScopePublish}) {
		t.Errorf("%+v", actor)
	}
	all, err := w.grant(w.assertion(func(c jwt.MapClaims, _ map[string]any) { c["aud"] = issuer; delete(c, "actor") }), "")
	if err != nil || all.Scope != strings.Join(scopesOf[identity.Clinic], " ") {
		t.Errorf("%q, %v", all.Scope, err)
	}
	if actor, err = w.Verify(context.Background(), Shown{Scheme: Bearer, Token: all.AccessToken}); err != nil || actor.Person != (identity.Person{}) {
		t.Errorf("%+v, %v", actor, err)
	}
}

func TestBadAssertions(t *testing.T) {
	w := newWorld(t)
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(name string, value any) string {
		return w.assertion(func(c jwt.MapClaims, _ map[string]any) { c[name] = value })
	}
	good := w.assertion(nil)
	tampered := good[:strings.LastIndex(good, ".")-2] + "A" + good[strings.LastIndex(good, ".")-1:]
	for name, c := range map[string]struct {
		assertion string
		want      *fault.Fault
	}{
		"foreign key":        {w.signed(jwt.SigningMethodES256, stranger, nil), errClient},
		"tampered":           {tampered, errClient},
		"no signature":       {w.signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), errClient},
		"shared secret":      {w.signed(jwt.SigningMethodHS256, w.clinic.Keys, nil), errClient},
		"unknown kid":        {w.assertion(func(_ jwt.MapClaims, h map[string]any) { h["kid"] = "k2" }), errClient},
		"no kid":             {w.assertion(func(_ jwt.MapClaims, h map[string]any) { delete(h, "kid") }), errClient},
		"unknown client":     {claim("iss", uuid.NewString()), errClient},
		"no client":          {claim("iss", "clinic'; --"), errClient},
		"not a JWT":          {"a.b.c", errClient},
		"huge":               {strings.Repeat("a", maxAssertion) + ".b.c", errClient},
		"other subject":      {claim("sub", uuid.NewString()), errAssertionClaims},
		"no jti":             {claim("jti", ""), errAssertionClaims},
		"no end":             {w.assertion(func(c jwt.MapClaims, _ map[string]any) { delete(c, "exp") }), errAssertionClaims},
		"made tomorrow":      {claim("iat", w.now.Add(time.Hour).Unix()), errAssertionClaims},
		"not yet good":       {claim("nbf", w.now.Add(time.Hour).Unix()), errAssertionClaims},
		"for another server": {claim("aud", "https://other.example"), errAssertionTarget},
		"for two servers":    {claim("aud", []string{issuer, "https://other.example"}), errAssertionTarget},
		"for nobody":         {w.assertion(func(c jwt.MapClaims, _ map[string]any) { delete(c, "aud") }), errAssertionTarget},
		"expired":            {claim("exp", w.now.Add(-leeway).Unix()), errAssertionExpired},
		"too long":           {claim("exp", w.now.Add(longestProof+leeway+time.Second).Unix()), errAssertionLong},
		"nameless person":    {claim("actor", map[string]any{"name": "Иванова"}), errAssertionPerson},
		"long-named person":  {claim("actor", map[string]any{"sub": "1", "name": strings.Repeat("я", 201)}), errAssertionPerson},
		"person in lines":    {claim("actor", map[string]any{"sub": "1", "name": "a\nb"}), errAssertionPerson},
	} {
		_, err := w.grant(c.assertion, "")
		if f := fault.From(err); err == nil || f.Code != c.want.Code || f.Text != c.want.Text || f.Kind != fault.Unauthenticated {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if len(w.memory.spent) != 0 {
		t.Error("a refused assertion was spent")
	}
}

func TestAssertionIsGoodOnce(t *testing.T) {
	w := newWorld(t)
	assertion := w.assertion(nil)
	if _, err := w.grant(assertion, ""); err != nil {
		t.Fatal(err)
	}
	// Until the very moment at which it would be refused as expired it must be refused as used.
	for _, wait := range []time.Duration{0, time.Minute + leeway - time.Second} {
		w.now = w.now.Add(wait)
		if err := w.Sweep(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.grant(assertion, ""); fault.From(err).Text != errReplayed.Text {
			t.Errorf("after %v: %v", wait, err)
		}
	}
	w.now = w.now.Add(time.Second)
	if _, err := w.grant(assertion, ""); fault.From(err).Text != errAssertionExpired.Text {
		t.Errorf("at its end: %v", err)
	}
}

func TestBadRequests(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		change func(*Request)
		want   fault.Code
	}{
		"nothing":         {func(r *Request) { *r = Request{} }, "invalid_request"},
		"no assertion":    {func(r *Request) { r.Assertion = "" }, "invalid_request"},
		"other assertion": {func(r *Request) { r.AssertionType = "saml" }, "invalid_request"},
		"password grant":  {func(r *Request) { r.GrantType = "password" }, "unsupported_grant_type"},
		"foreign scope":   {func(r *Request) { r.Scope = ScopeDispense + " openid" }, "invalid_scope"},
		"other client":    {func(r *Request) { r.ClientID = uuid.NewString() }, "invalid_client"},
	} {
		r := Request{GrantType: grantType, AssertionType: assertionType, Assertion: w.assertion(nil)}
		c.change(&r)
		if _, err := w.Grant(context.Background(), r); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestEveryAlgorithm(t *testing.T) {
	w := newWorld(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method jwt.SigningMethod
		key    crypto.Signer
	}{{jwt.SigningMethodES256, w.key}, {jwt.SigningMethodES384, p384}, {jwt.SigningMethodRS256, big}, {jwt.SigningMethodRS384, big}, {jwt.SigningMethodEdDSA, edwards}} {
		w.clinic, err = w.AddClient(context.Background(), NewClient{Kind: identity.Clinic, Name: "Клиника", Keys: set(jwkOf(t, "k1", c.key.Public()))})
		if err != nil {
			t.Fatalf("%s: %v", c.method.Alg(), err)
		}
		if _, err := w.grant(w.signed(c.method, c.key, nil), ""); err != nil {
			t.Errorf("%s: %v", c.method.Alg(), err)
		}
	}
	// A key signs with its own algorithm only: PS256 and RS512 are not on the list.
	if _, err := w.grant(w.signed(jwt.SigningMethodRS512, big, nil), ""); fault.CodeOf(err) != "invalid_client" {
		t.Errorf("RS512: %v", err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	got, err := w.grant(w.assertion(nil), "")
	if err != nil {
		t.Fatal(err)
	}
	other := w.server(newSigner(t))
	foreign, err := other.sign(accessClaims{RegisteredClaims: other.registered("x", w.now.Add(time.Hour)), ClientID: string(w.clinic.ID)})
	if err != nil {
		t.Fatal(err)
	}
	plain := jwt.NewWithClaims(jwt.SigningMethodEdDSA, accessClaims{RegisteredClaims: w.registered("x", w.now.Add(time.Hour)), ClientID: string(w.clinic.ID)})
	plain.Header["kid"] = w.kid
	untyped, err := plain.SignedString(w.signer)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"empty": "", "text": "hello", "tampered": got.AccessToken[:len(got.AccessToken)-3] + "AAA", "foreign key": foreign,
		"an assertion": w.assertion(nil), "without its type": untyped, "unsigned": w.signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
	} {
		if actor, err := w.Verify(ctx, Shown{Scheme: Bearer, Token: token}); fault.CodeOf(err) != "token.invalid" || actor.Kind != identity.Nobody {
			t.Errorf("%s: %+v, %v", name, actor, err)
		}
	}
	w.now = w.now.Add(AccessLife)
	if _, err := w.Verify(ctx, Shown{Scheme: Bearer, Token: got.AccessToken}); fault.CodeOf(err) != "token.expired" {
		t.Errorf("expired: %v", err)
	}
}

func TestRevokedClientIsOutAtOnce(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	got, err := w.grant(w.assertion(nil), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.RevokeClient(ctx, w.clinic.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Verify(ctx, Shown{Scheme: Bearer, Token: got.AccessToken}); fault.CodeOf(err) != "client.revoked" {
		t.Errorf("with its token: %v", err)
	}
	if _, err := w.grant(w.assertion(nil), ""); fault.CodeOf(err) != "invalid_client" {
		t.Errorf("with its key: %v", err)
	}
	for _, id := range []identity.ClientID{w.clinic.ID, identity.ClientID(uuid.NewString()), "x"} {
		if err := w.RevokeClient(ctx, id); fault.CodeOf(err) != "client.not_found" {
			t.Errorf("revoke again: %v", err)
		}
	}
}

// A scope that was taken from a client is gone from tokens that carry it already.
func TestScopesAreBoundedAtUse(t *testing.T) {
	w := newWorld(t)
	got, err := w.grant(w.assertion(nil), ScopePublish+" "+ScopeRead)
	if err != nil {
		t.Fatal(err)
	}
	w.clinic.Scopes = []string{ScopeRead}
	w.memory.clients[w.clinic.ID] = w.clinic
	if actor, err := w.Verify(context.Background(), Shown{Scheme: Bearer, Token: got.AccessToken}); err != nil || !slices.Equal(actor.Scopes, []string{ScopeRead}) {
		t.Errorf("%+v, %v", actor, err)
	}
}

func TestSessionTokens(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	session := account.Session{ID: "s", Account: "a", Device: "d", Methods: []account.Method{account.Password, account.SMS, account.Several}, Opened: w.now, Ends: w.now.Add(time.Hour)}
	w.memory.sessions[session.ID] = session
	token, err := w.IssueSession(session, w.now.Add(account.AccessLife))
	if err != nil {
		t.Fatal(err)
	}
	actor, err := w.Verify(ctx, Shown{Scheme: Bearer, Token: token})
	if err != nil || actor.Kind != identity.Patient || actor.Account != "a" || actor.Device != "d" || actor.Session != "s" || !actor.SecondFactor {
		t.Errorf("%+v, %v", actor, err)
	}
	for name, change := range map[string]func(*account.Session){
		"revoked":            func(s *account.Session) { s.Revoked = w.now },
		"ended":              func(s *account.Session) { s.Ends = w.now },
		"of another account": func(s *account.Session) { s.Account = "b" },
	} {
		changed := session
		change(&changed)
		w.memory.sessions[session.ID] = changed
		if _, err := w.Verify(ctx, Shown{Scheme: Bearer, Token: token}); fault.CodeOf(err) != "session.ended" {
			t.Errorf("%s: %v", name, err)
		}
	}
	delete(w.memory.sessions, session.ID)
	if _, err := w.Verify(ctx, Shown{Scheme: Bearer, Token: token}); fault.CodeOf(err) != "session.ended" {
		t.Errorf("unknown: %v", err)
	}
}

// The signing key is replaced while tokens of the old one live.
func TestKeysRotate(t *testing.T) {
	w := newWorld(t)
	old := w.signer
	got, err := w.grant(w.assertion(nil), "")
	if err != nil {
		t.Fatal(err)
	}
	rotated := w.server(newSigner(t), old)
	if _, err := rotated.Verify(context.Background(), Shown{Scheme: Bearer, Token: got.AccessToken}); err != nil {
		t.Errorf("during the change: %v", err)
	}
	if _, err := w.server(newSigner(t)).Verify(context.Background(), Shown{Scheme: Bearer, Token: got.AccessToken}); fault.CodeOf(err) != "token.invalid" {
		t.Errorf("after it: %v", err)
	}
	if _, err := New(Parts{Keys: []crypto.Signer{w.key}}); err == nil {
		t.Error("an ECDSA key was taken for access tokens")
	}
	if _, err := New(Parts{}); err == nil {
		t.Error("no key was taken for enough")
	}
}
