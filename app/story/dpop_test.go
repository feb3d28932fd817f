package story

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/mobile-sdk/jws"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// A thief who reads all that a phone sends, but not its key (DPoP, RFC 9449).

// wiretap keeps the last request to each path, and its answer.
type wiretap struct {
	mu   sync.Mutex
	sent map[string]http.Header // by method and path
	said map[string][]byte      // the answers
	all  []string
}

func (w *wiretap) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent == nil {
		w.sent, w.said = map[string]http.Header{}, map[string][]byte{}
	}
	what := req.Method + " " + req.URL.Path
	w.sent[what], w.said[what], w.all = req.Header.Clone(), body, append(w.all, what)
	return res, err
}

// tapped installs the app on a further phone of the patient, with somebody on the line.
func (p *Patient) tapped(ctx context.Context, t *testing.T, clock func() time.Time) (*Phone, *wiretap) {
	t.Helper()
	tap := new(wiretap)
	h := &Phone{File: filepath.Join(t.TempDir(), "card.db"), Owner: p}
	h.Client = got(phone.Open(ctx, phone.Config{File: h.File, Key: bytes.Repeat([]byte{7}, 32), BaseURL: p.world.URL, HTTPClient: &http.Client{Transport: tap}, Clock: clock}))(t)
	t.Cleanup(func() { _ = h.Close() })
	return h, tap
}

// What was read on the line lets nobody in: not the token, not the token with a proof that was used, not the refresh token; and none of that
// throws the phone out.
func TestStolenTokensAreOfNoUse(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna, first, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		defer first.Close()
		h, tap := anna.tapped(ctx, t, w.Now)
		ok(t, h.Enter(ctx))
		var opened struct{ TokenType, AccessToken, RefreshToken string }
		ok(t, json.Unmarshal(tap.said["POST /v1/auth/second-factor"], &opened))
		if opened.TokenType != "DPoP" {
			t.Fatalf("the session is opened with %q", opened.TokenType)
		}
		got(h.Me(ctx))(t)
		stolen := tap.sent["GET /v1/me"]
		if stolen.Get("Authorization") != "DPoP "+opened.AccessToken || stolen.Get("DPoP") == "" {
			t.Fatalf("the phone sends %v", stolen)
		}
		for name, c := range map[string]struct {
			method, target string
			headers        []string
			code, word     string
		}{
			"the token as a bearer":       {"GET", "/v1/me", []string{"Authorization: Bearer " + opened.AccessToken}, "dpop.required", "use_dpop_proof"},
			"the token without a proof":   {"GET", "/v1/me", []string{"Authorization: DPoP " + opened.AccessToken}, "dpop.required", "use_dpop_proof"},
			"the whole request again":     {"GET", "/v1/me", []string{"Authorization: DPoP " + opened.AccessToken, "DPoP: " + stolen.Get("DPoP")}, "dpop.invalid", "invalid_dpop_proof"},
			"the proof for another path":  {"GET", "/v1/me/documents", []string{"Authorization: DPoP " + opened.AccessToken, "DPoP: " + stolen.Get("DPoP")}, "dpop.invalid", "invalid_dpop_proof"},
			"the proof for another act":   {"DELETE", "/v1/me/devices", []string{"Authorization: DPoP " + opened.AccessToken, "DPoP: " + stolen.Get("DPoP")}, "dpop.invalid", "invalid_dpop_proof"},
			"with two proofs":             {"GET", "/v1/me", []string{"Authorization: DPoP " + opened.AccessToken, "DPoP: " + stolen.Get("DPoP"), "DPoP: x"}, "dpop.invalid", "invalid_dpop_proof"},
			"under a scheme of his own":   {"GET", "/v1/me", []string{"Authorization: Basic " + opened.AccessToken}, "token.missing", "token.missing"},
			"at a route of FHIR":          {"GET", "/fhir/R4/Patient", []string{"Authorization: Bearer " + opened.AccessToken}, "", ""},
			"a proof that is none at all": {"GET", "/v1/me", []string{"Authorization: DPoP " + opened.AccessToken, "DPoP: x.y.z"}, "dpop.invalid", "invalid_dpop_proof"},
		} {
			r := w.say(t, turn{name: name, method: c.method, target: c.target, headers: c.headers})
			if c.code == "" {
				if r.status < 400 {
					t.Errorf("%s: %d", name, r.status)
				}
				continue
			}
			code := got(readRefusal(c.target, r))(t)
			if r.status != http.StatusUnauthorized || code != c.code || !strings.Contains(r.header.Get("WWW-Authenticate"), `error="`+c.word+`"`) ||
				strings.HasPrefix(c.code, "dpop.") != strings.HasPrefix(r.header.Get("WWW-Authenticate"), "DPoP ") {
				t.Errorf("%s: %d %s, %s", name, r.status, code, r.header.Get("WWW-Authenticate"))
			}
		}

		// The refresh token, with the installation's own secret, is no better, and is not spent by the try.
		w.Skip(11 * time.Minute)
		got(h.Me(ctx))(t)
		ok(t, json.Unmarshal(tap.said["POST /v1/auth/refresh"], &opened))
		if tap.sent["POST /v1/auth/refresh"].Get("DPoP") == "" {
			t.Error("the phone renews its session without a proof")
		}
		hers := func(proof string) error {
			header := map[string]string{}
			if proof != "" {
				header["DPoP"] = proof
			}
			return w.Call(ctx, "", http.MethodPost, "/v1/auth/refresh", header, body{"refreshToken": opened.RefreshToken, "deviceSecret": "whatever it is, it is asked for later"}, nil)
		}
		refused(t, hers(""), http.StatusUnauthorized, "dpop.required")
		refused(t, hers(tap.sent["POST /v1/auth/refresh"].Get("DPoP")), http.StatusBadRequest, "dpop.invalid")
		refused(t, hers("x"), http.StatusBadRequest, "dpop.invalid")
		w.Skip(11 * time.Minute)
		if me := got(h.Me(ctx))(t); me.Account != anna.Account {
			t.Errorf("she is %+v", me)
		}

		// Who proves nothing is bound to nothing, as before.
		self := somebody("7")
		self.phone, self.password = anna.Login, anna.Password
		entered := w.enter(ctx, t, self)
		if entered["tokenType"] != "Bearer" {
			t.Errorf("without a proof: %v", entered["tokenType"])
		}
		got(w.me(ctx, str(entered, "accessToken")))(t)
	})
}

// A phone whose clock is days off signs in and works all the same: the server tells it a nonce.
func TestAWrongClockKeepsNobodyOut(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna, first, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		defer first.Close()
		h, tap := anna.tapped(ctx, t, func() time.Time { return w.Now().Add(-50 * time.Hour) })
		ok(t, h.Enter(ctx))
		got(h.Me(ctx))(t)
		got(h.Sync(ctx))(t)
		before := len(tap.all)
		w.Skip(2 * time.Minute)
		got(h.Devices(ctx))(t)
		if n := len(tap.all) - before; n > 2 {
			t.Errorf("%d requests in place of one with another nonce: %v", n, tap.all[before:])
		}
	})
}

// BenchmarkBoundRequest asks who one is, with a bearer token and with one that is bound to a key: over HTTP, client and server on one machine, the
// making of the proof included.
func BenchmarkBoundRequest(b *testing.B) {
	w := start(b, "")
	ctx := b.Context()
	self := somebody("7")
	w.enrol(ctx, b, self)
	key := got(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(b)
	public, _, err := jws.Public(key.Public())
	ok(b, err)
	prove := func(method, path, token string) map[string]string {
		claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": w.URL + path, "iat": w.Now().Unix()}
		if token != "" {
			sum := sha256.Sum256([]byte(token))
			claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
		}
		return map[string]string{"DPoP": got(jws.Compact(key, map[string]any{"typ": "dpop+jwt", "jwk": public}, claims))(b)}
	}
	challenge := str(got(w.post(ctx, "/v1/auth/sign-in", "", body{"login": self.phone, "password": self.password, "device": self.device}))(b), "challenge")
	var opened struct{ TokenType, AccessToken string }
	ok(b, w.Call(ctx, "", http.MethodPost, "/v1/auth/second-factor", prove("POST", "/v1/auth/second-factor", ""),
		body{"challenge": challenge, "code": got(w.Code(ctx, self.phone))(b)}, &opened))
	if opened.TokenType != "DPoP" {
		b.Fatal(opened.TokenType)
	}
	free := str(w.enter(ctx, b, self), "accessToken")
	ask := func(b *testing.B, header map[string]string) {
		b.Helper()
		request := got(http.NewRequestWithContext(ctx, http.MethodGet, w.URL+"/v1/me", nil))(b)
		for name, value := range header {
			request.Header.Set(name, value)
		}
		answer := got(http.DefaultClient.Do(request))(b)
		defer answer.Body.Close()
		if text := got(io.ReadAll(answer.Body))(b); answer.StatusCode != http.StatusOK {
			b.Fatalf("%d %s", answer.StatusCode, text)
		}
	}
	b.Run("bearer", func(b *testing.B) {
		for b.Loop() {
			ask(b, map[string]string{"Authorization": "Bearer " + free})
		}
	})
	b.Run("dpop", func(b *testing.B) {
		for b.Loop() {
			header := prove("GET", "/v1/me", opened.AccessToken)
			header["Authorization"] = "DPoP " + opened.AccessToken
			ask(b, header)
		}
	})
}

// A server may take apps alone that hold a key: others are told at the sign-in, whose code is not used up, and a session of before does not go on.
func TestSessionsWithoutAKeyAreRefused(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{Dir: dir})
	anna, first, err := w.SignUp(t.Context(), "+79161234567", "anna@example.org")
	ok(t, err)
	defer first.Close()
	enter := func(w *World) (begun map[string]any, code string) {
		self := somebody("7")
		begun = got(w.post(t.Context(), "/v1/auth/sign-in", "", body{"login": anna.Login, "password": anna.Password, "device": self.device}))(t)
		return begun, got(w.Code(t.Context(), anna.Login))(t)
	}
	begun, code := enter(w)
	before := got(w.post(t.Context(), "/v1/auth/second-factor", "", body{"challenge": begun["challenge"], "code": code}))(t)
	ok(t, w.Stop())

	w = open(t, Options{Dir: dir, Push: w.Push, Change: func(c *config.Config) { c.Bound = true }})
	w.Skip(time.Hour)
	_, err = w.post(t.Context(), "/v1/auth/refresh", "", body{"refreshToken": before["refreshToken"], "deviceSecret": somebody("7").device["secret"]})
	refused(t, err, http.StatusUnauthorized, "dpop.required")
	begun, code = enter(w)
	for range 2 {
		_, err = w.post(t.Context(), "/v1/auth/second-factor", "", body{"challenge": begun["challenge"], "code": code})
		refused(t, err, http.StatusUnauthorized, "dpop.required")
	}
	anna.world = w
	handset, _ := anna.tapped(t.Context(), t, w.Now)
	ok(t, handset.Enter(t.Context()))
	got(handset.Me(t.Context()))(t)
}
