package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
)

func digest(kind, value string) []byte {
	mac := hmac.New(sha256.New, []byte("a key of the tests"))
	mac.Write([]byte(kind + "|" + value))
	return mac.Sum(nil)
}

// prover is a phone with a session that is bound to its key.
type prover struct {
	*world
	key        *ecdsa.PrivateKey
	thumbprint string
	token      string
}

func newProver(t *testing.T) *prover {
	t.Helper()
	p := &prover{world: newWorld(t)}
	var err error
	if p.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if p.thumbprint, err = p.Proven(p.shown("", nil)); err != nil {
		t.Fatal(err)
	}
	p.token = p.session(p.thumbprint)
	return p
}

// session opens one that is bound to a key, and gives a token of it.
func (p *prover) session(key string) string {
	p.t.Helper()
	s := account.Session{ID: "s", Account: "a", Device: "d", Methods: []account.Method{account.Password, account.SMS, account.Several}, Opened: p.now, Ends: p.now.Add(time.Hour), Key: key}
	p.memory.sessions[s.ID] = s
	token, err := p.IssueSession(s, p.now.Add(account.AccessLife))
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

// draft is a proof before it is signed.
type draft struct {
	method jwt.SigningMethod
	header map[string]any
	claims jwt.MapClaims
	key    any
}

// shown is a request with a proof, changed before it is signed; nil = as it should be.
func (p *prover) shown(token string, change func(*draft)) Shown {
	p.t.Helper()
	const method, path = "GET", "/v1/me"
	d := &draft{
		method: jwt.SigningMethodES256, key: p.key, header: map[string]any{"typ": "dpop+jwt", "jwk": jwkOf(p.t, "", p.key.Public())},
		claims: jwt.MapClaims{"jti": uuid.NewString(), "htm": method, "htu": issuer + path, "iat": p.now.Unix()},
	}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		d.claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if change != nil {
		change(d)
	}
	t := jwt.NewWithClaims(d.method, d.claims)
	for name, value := range d.header {
		t.Header[name] = value
	}
	proof, err := t.SignedString(d.key)
	if err != nil {
		p.t.Fatal(err)
	}
	return Shown{Scheme: DPoP, Token: token, Proof: proof, Method: method, Path: path}
}

func TestABoundToken(t *testing.T) {
	p := newProver(t)
	ctx := context.Background()
	if actor, err := p.Verify(ctx, p.shown(p.token, nil)); err != nil || actor.Session != "s" {
		t.Fatalf("%+v, %v", actor, err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	large, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(name string, value any) func(*draft) { return func(d *draft) { d.claims[name] = value } }
	for name, c := range map[string]struct {
		change func(*draft)
		want   fault.Code
	}{
		"another method":     {claim("htm", "POST"), CodeProof},
		"a method in small":  {claim("htm", "get"), CodeProof},
		"another path":       {claim("htu", issuer+"/v1/cards"), CodeProof},
		"another server":     {claim("htu", "https://evil.example/v1/me"), CodeProof},
		"another port":       {claim("htu", issuer+":444/v1/me"), CodeProof},
		"without TLS":        {claim("htu", "http://medcard.example/v1/me"), CodeProof},
		"somebody's address": {claim("htu", "https://medcard.example@evil.example/v1/me"), CodeProof},
		"no target":          {claim("htu", ""), CodeProof},
		"another token":      {claim("ath", base64.RawURLEncoding.EncodeToString(make([]byte, 32))), CodeProof},
		"no token":           {func(d *draft) { delete(d.claims, "ath") }, CodeProof},
		"no name":            {func(d *draft) { delete(d.claims, "jti") }, CodeProof},
		"a name without end": {claim("jti", strings.Repeat("x", 257)), CodeProof},
		"no time":            {func(d *draft) { delete(d.claims, "iat") }, CodeProof},
		"too old":            {claim("iat", p.now.Add(-61*time.Second).Unix()), CodeNonce},
		"too new":            {claim("iat", p.now.Add(61*time.Second).Unix()), CodeNonce},
		"of another key":     {func(d *draft) { d.key, d.header["jwk"] = other, jwkOf(t, "", other.Public()) }, CodeProof},
		"signed by another":  {func(d *draft) { d.key = other }, CodeProof},
		"another curve": {func(d *draft) {
			d.method, d.key, d.header["jwk"] = jwt.SigningMethodES384, large, jwkOf(t, "", large.Public())
		}, CodeProof},
		"a secret in common": {func(d *draft) { d.method, d.key = jwt.SigningMethodHS256, []byte("secret") }, CodeProof},
		"not signed":         {func(d *draft) { d.method, d.key = jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType }, CodeProof},
		"another type":       {func(d *draft) { d.header["typ"] = "JWT" }, CodeProof},
		"no key":             {func(d *draft) { delete(d.header, "jwk") }, CodeProof},
		"a private key": {func(d *draft) {
			d.header["jwk"] = map[string]any{"kty": "EC", "crv": "P-256", "d": "AA", "x": "AA", "y": "AA"}
		}, CodeProof},
		"something critical":   {func(d *draft) { d.header["crit"] = []string{"b64"} }, CodeProof},
		"as large as a letter": {claim("htx", strings.Repeat("x", maxProof)), CodeProof},
	} {
		if _, err := p.Verify(ctx, p.shown(p.token, c.change)); fault.CodeOf(err) != c.want || fault.From(err).Kind != fault.Unauthenticated {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	// What is as well.
	for name, change := range map[string]func(*draft){
		"the port spelt out":   claim("htu", "https://medcard.example:443/v1/me"),
		"the host in capitals": claim("htu", "https://MEDCARD.example/v1/me"),
		"with a query":         claim("htu", issuer+"/v1/me?x=1"),
		"a minute old":         claim("iat", p.now.Add(-60*time.Second).Unix()),
		"a minute new":         claim("iat", p.now.Add(60*time.Second).Unix()),
	} {
		if _, err := p.Verify(ctx, p.shown(p.token, change)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	whole := p.shown(p.token, nil)
	for name, c := range map[string]struct {
		change func(*Shown)
		want   fault.Code
	}{
		"as a bearer":             {func(s *Shown) { s.Scheme, s.Proof = Bearer, "" }, CodeProofMissing},
		"as a bearer, with proof": {func(s *Shown) { s.Scheme = Bearer }, CodeProofMissing},
		"without a proof":         {func(s *Shown) { s.Proof = "" }, CodeProofMissing},
		"two proofs":              {func(s *Shown) { s.Proof = "two" }, CodeProof},
		"at another path":         {func(s *Shown) { s.Path = "/v1/cards" }, CodeProof},
		"by another method":       {func(s *Shown) { s.Method = "DELETE" }, CodeProof},
	} {
		shown := whole
		c.change(&shown)
		if _, err := p.Verify(ctx, shown); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := p.Verify(ctx, whole); err != nil {
		t.Errorf("what was refused spent the proof: %v", err)
	}
	for _, later := range []time.Duration{0, time.Second, 59 * time.Second} {
		p.now = p.now.Add(later)
		if _, err := p.Verify(ctx, whole); fault.CodeOf(err) != CodeProof {
			t.Errorf("a second time after %s: %v", later, err)
		}
	}

	free := p.session("")
	if _, err := p.Verify(ctx, Shown{Scheme: Bearer, Token: free}); err != nil {
		t.Errorf("bound to none: %v", err)
	}
	if _, err := p.Verify(ctx, p.shown(free, nil)); fault.CodeOf(err) != "dpop.not_bound" {
		t.Errorf("bound to none, shown as if it were: %v", err)
	}
	bound := p.session(p.thumbprint)
	p.session("another key")
	if _, err := p.Verify(ctx, p.shown(bound, nil)); fault.CodeOf(err) != "token.invalid" {
		t.Errorf("the session is bound to another key than its token: %v", err)
	}
}

// A phone whose clock is wrong is told a nonce, and gets in with that for a minute, once with each proof.
func TestNonces(t *testing.T) {
	p := newProver(t)
	ctx := context.Background()
	with := func(nonce string) Shown {
		return p.shown(p.token, func(d *draft) { d.claims["iat"], d.claims["nonce"] = p.now.AddDate(-3, 0, 0).Unix(), nonce })
	}
	nonce := p.Nonce()
	shown := with(nonce)
	if _, err := p.Verify(ctx, shown); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Verify(ctx, shown); fault.CodeOf(err) != CodeProof {
		t.Errorf("twice: %v", err)
	}
	forged := []byte(nonce)
	forged[len(forged)-2]++
	for _, bad := range []string{"", "x", string(forged), base64.RawURLEncoding.EncodeToString(make([]byte, 24))} {
		if _, err := p.Verify(ctx, with(bad)); fault.CodeOf(err) != CodeNonce {
			t.Errorf("%q: %v", bad, err)
		}
	}
	p.now = p.now.Add(time.Minute)
	if _, err := p.Verify(ctx, with(nonce)); err != nil {
		t.Errorf("within its minute: %v", err)
	}
	p.now = p.now.Add(time.Second)
	if _, err := p.Verify(ctx, with(nonce)); fault.CodeOf(err) != CodeNonce {
		t.Errorf("after it: %v", err)
	}
}

// A sign-in's proof counts once, and whoever makes proofs without end keeps nobody out.
func TestProofsOfSignIns(t *testing.T) {
	p := newProver(t)
	shown := p.shown("", nil)
	if key, err := p.Proven(shown); err != nil || key != p.thumbprint {
		t.Fatalf("%s, %v", key, err)
	}
	if _, err := p.Proven(shown); fault.CodeOf(err) != CodeProof {
		t.Errorf("twice: %v", err)
	}
	p.openings.most = 1
	for range 3 {
		if _, err := p.Proven(p.shown("", nil)); err != nil {
			t.Errorf("with no room left: %v", err)
		}
	}
	p.proofs.most = 1
	for _, want := range []fault.Code{"", "dpop.too_many"} {
		if _, err := p.Verify(context.Background(), p.shown(p.token, nil)); err == nil != (want == "") || want != "" && fault.CodeOf(err) != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := p.Proven(p.shown("", func(d *draft) { d.claims["iat"] = p.now.Add(-time.Hour).Unix() })); fault.CodeOf(err) != CodeNonce {
		t.Errorf("an old one: %v", err)
	}
}

// A server that knows no address of its own but where it listens compares the path alone.
func TestWhereAProofIsFor(t *testing.T) {
	for _, c := range []struct {
		issuer, target string
		want           bool
	}{
		{"http://127.0.0.1:8080", "http://localhost:9000/v1/me", true},
		{"http://localhost:8080", "http://[::1]:1/v1/me", true},
		{"http://127.0.0.1:8080", "http://10.0.2.2:8080/v1/me", true},
		{"http://[::]:8080", "https://medcard.example/v1/me", true},
		{"http://0.0.0.0:8080", "https://medcard.example/v1/cards", false},
		{"http://192.0.2.1:8080", "http://192.0.2.2:8080/v1/me", false},
		{"https://medcard.example", "https://127.0.0.1/v1/me", false},
		{"https://medcard.example/card", "https://medcard.example/card/v1/me", true},
		{"https://medcard.example/card", "https://medcard.example/v1/me", false},
		{"https://medcard.example", "https://medcard.example/v1/%6de", false},
		{"https://medcard.example", "::", false},
	} {
		if got := (&Service{issuer: c.issuer}).here(c.target, "/v1/me"); got != c.want {
			t.Errorf("%s at %s: %v", c.target, c.issuer, got)
		}
	}
}

// What is remembered is bounded, is not forgotten too early, and is forgotten.
func TestReplays(t *testing.T) {
	r := replays{most: 100}
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for i := range 100 {
		if got := r.spend(strconv.Itoa(i), now); got != spentNow {
			t.Fatalf("%d: %d", i, got)
		}
	}
	if r.spend("one more", now) != noRoom || r.spend("7", now) != spentBefore {
		t.Error("it has no bound, or forgets when it is full")
	}
	if r.spend("99", now.Add(rememberProofs-time.Second)) != spentBefore || r.spend("7", now.Add(rememberProofs)) != spentBefore {
		t.Error("it forgets too early")
	}
	if r.spend("one more", now.Add(rememberProofs)) != spentNow {
		t.Error("there is no room after a turn")
	}
	if r.spend("7", now.Add(2*rememberProofs)) != spentNow || r.spend("8", now.Add(24*time.Hour)) != spentNow || len(r.old)+len(r.current) != 1 {
		t.Error("it never forgets")
	}
}

// What a proof costs a server for each request, against a bearer token: most of it is one more signature to check.
func BenchmarkVerify(b *testing.B) {
	t := new(testing.T)
	p := newProver(t)
	ctx := context.Background()
	p.proofs.most = 1 << 30
	b.Run("bearer", func(b *testing.B) {
		shown := Shown{Scheme: Bearer, Token: p.session("")}
		for b.Loop() {
			if _, err := p.Verify(ctx, shown); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("dpop", func(b *testing.B) {
		token := p.session(p.thumbprint)
		for b.Loop() {
			b.StopTimer()
			shown := p.shown(token, nil)
			b.StartTimer()
			if _, err := p.Verify(ctx, shown); err != nil {
				b.Fatal(errors.Unwrap(err), err)
			}
		}
	})
}
