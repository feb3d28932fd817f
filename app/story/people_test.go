package story

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/credential"
	"github.com/medcard/medcard/mobile-sdk/problem"
)

// How people and systems come in, and how they do not: the doors of /v1/auth and /oauth over plain HTTP, without the SDKs in
// between, because what an app must not send is what matters here.

type body map[string]any

// person is somebody with an app that sends what it is told to.
type person struct {
	phone, email, password string
	device                 body
	account                string
}

func somebody(digit string) *person {
	return &person{
		phone: "+7916123456" + digit, email: "anna" + digit + "@example.org", password: "сорок тысяч обезьян",
		device: body{"id": uuid.NewString(), "name": "Телефон", "secret": uuid.NewString()},
	}
}

// post sends JSON and reads the answer.
func (w *World) post(ctx context.Context, path, token string, in any) (map[string]any, error) {
	var out map[string]any
	var raw []byte
	err := w.Call(ctx, token, http.MethodPost, path, nil, in, &raw)
	if err == nil && len(raw) > 0 {
		err = json.Unmarshal(raw, &out)
	}
	return out, err
}

func (w *World) me(ctx context.Context, token string) (map[string]any, error) {
	var out map[string]any
	err := w.Call(ctx, token, http.MethodGet, "/v1/me", nil, nil, &out)
	return out, err
}

func str(of map[string]any, name string) string { s, _ := of[name].(string); return s }

// enrol makes an account.
func (w *World) enrol(ctx context.Context, t testing.TB, p *person) {
	t.Helper()
	r := got(w.post(ctx, "/v1/auth/register", "", body{"phone": p.phone, "email": p.email, "password": p.password}))(t)
	for channel, to := range map[string]string{"phone": p.phone, "email": p.email} {
		done := got(w.post(ctx, "/v1/auth/confirm", "", body{"registration": r["registration"], "channel": channel, "code": got(w.Code(ctx, to))(t)}))(t)
		p.account = str(done, "account")
	}
	if p.account == "" {
		t.Fatal("both codes were right and there is no account")
	}
}

// enter opens a session.
func (w *World) enter(ctx context.Context, t testing.TB, p *person) map[string]any {
	t.Helper()
	c := got(w.post(ctx, "/v1/auth/sign-in", "", body{"login": p.phone, "password": p.password, "device": p.device}))(t)
	return got(w.post(ctx, "/v1/auth/second-factor", "", body{"challenge": c["challenge"], "code": got(w.Code(ctx, p.phone))(t)}))(t)
}

// different gives a code that is not the right one.
func different(code string) string {
	return strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, code)
}

func TestAPersonComesInAndGoesOut(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna := somebody("1")
		w.enrol(ctx, t, anna)
		token := str(w.enter(ctx, t, anna), "accessToken")
		me := got(w.me(ctx, token))(t)
		missing, _ := me["missing"].([]any)
		if str(me, "account") != anna.account || str(me, "phone") != anna.phone || me["recipientOfMedicalServices"] != false || len(missing) != 1 {
			t.Errorf("she is %v", me)
		}
		_, err := w.post(ctx, "/v1/auth/sign-out", token, nil)
		ok(t, err)
		_, err = w.me(ctx, token)
		refused(t, err, http.StatusUnauthorized, "session.ended")
	})
}

func TestCodesThatAreNotGood(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna := somebody("2")
		form := body{"phone": anna.phone, "email": anna.email, "password": anna.password}
		r := got(w.post(ctx, "/v1/auth/register", "", form))(t)
		confirm := func(code string) error {
			_, err := w.post(ctx, "/v1/auth/confirm", "", body{"registration": r["registration"], "channel": "phone", "code": code})
			return err
		}
		right := got(w.Code(ctx, anna.phone))(t)
		p := refused(t, confirm(different(right)), http.StatusUnprocessableEntity, "code.wrong")
		if strings.Contains(p.Detail, different(right)) {
			t.Error("the answer repeats the code")
		}
		ok(t, confirm(right))
		refused(t, confirm(right), http.StatusConflict, "code.used")

		r = got(w.post(ctx, "/v1/auth/register", "", form))(t)
		late := got(w.Code(ctx, anna.phone))(t)
		for range account.CodeTries - 1 {
			refused(t, confirm(different(late)), http.StatusUnprocessableEntity, "code.wrong")
		}
		refused(t, confirm(different(late)), http.StatusGone, "code.exhausted")
		refused(t, confirm(late), http.StatusGone, "code.exhausted")

		r = got(w.post(ctx, "/v1/auth/register", "", form))(t)
		late = got(w.Code(ctx, anna.phone))(t)
		w.Skip(account.CodeLife)
		refused(t, confirm(late), http.StatusGone, "code.expired")
	})
}

// The same answer for a person who has no account and for one whose password is another; and neither can be hammered.
func TestStrangersLearnNothing(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna, nobody := somebody("3"), somebody("4")
		w.enrol(ctx, t, anna)
		try := func(login string) error {
			_, err := w.post(ctx, "/v1/auth/sign-in", "", body{"login": login, "password": "not the password", "device": nobody.device})
			return err
		}
		for range 5 {
			known, unknown := refused(t, try(anna.phone), http.StatusUnauthorized, "credentials.wrong"), refused(t, try(nobody.phone), http.StatusUnauthorized, "credentials.wrong")
			known.RequestID, unknown.RequestID = "", ""
			if known.Error() != unknown.Error() || len(known.Fields)+len(unknown.Fields) != 0 {
				t.Errorf("%v\n%v", known, unknown)
			}
		}
		for _, login := range []string{anna.phone, nobody.phone} {
			if p := refused(t, try(login), http.StatusTooManyRequests, "throttled"); p.RetryAfter <= 0 {
				t.Error("nobody tells how long to wait")
			}
		}
		// A registration with her contacts gets the answer that anybody gets; she is told, and no code leaves.
		before := got(w.post(ctx, "/v1/auth/register", "", body{"phone": nobody.phone, "email": nobody.email, "password": nobody.password}))(t)
		after := got(w.post(ctx, "/v1/auth/register", "", body{"phone": anna.phone, "email": anna.email, "password": nobody.password}))(t)
		if len(before) != len(after) {
			t.Errorf("%v\n%v", before, after)
		}
	})
}

func TestARefreshTokenIsGoodOnce(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna := somebody("5")
		w.enrol(ctx, t, anna)
		first := w.enter(ctx, t, anna)
		refresh := func(of map[string]any) (map[string]any, error) {
			return w.post(ctx, "/v1/auth/refresh", "", body{"refreshToken": of["refreshToken"], "deviceSecret": anna.device["secret"]})
		}
		// Ten windows of the app wake up together, or the answer was lost: all get the same successor.
		var all sync.WaitGroup
		answers := make(chan map[string]any, 10)
		for range 10 {
			all.Go(func() {
				next, err := refresh(first)
				if err != nil {
					t.Error(err)
				}
				answers <- next
			})
		}
		all.Wait()
		second := <-answers
		for range 9 {
			if next := <-answers; str(next, "refreshToken") != str(second, "refreshToken") || str(next, "refreshEnds") != str(second, "refreshEnds") {
				t.Error("two successors of one token")
			}
		}
		w.Skip(account.AccessLife)
		_, err := w.me(ctx, str(second, "accessToken"))
		refused(t, err, http.StatusUnauthorized, "token.expired")
		third := got(refresh(second))(t)
		got(w.me(ctx, str(third, "accessToken")))(t)

		_, err = refresh(first) // somebody kept a copy
		refused(t, err, http.StatusUnauthorized, "refresh.reused")
		_, err = w.me(ctx, str(third, "accessToken"))
		refused(t, err, http.StatusUnauthorized, "session.ended")
		_, err = refresh(third)
		refused(t, err, http.StatusUnauthorized, "refresh.invalid")
	})
}

func TestTokensThatAreNone(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna := somebody("6")
		w.enrol(ctx, t, anna)
		session := w.enter(ctx, t, anna)
		good := str(session, "accessToken")
		_, err := w.me(ctx, "")
		refused(t, err, http.StatusUnauthorized, "token.missing")
		parts := strings.Split(good, ".")
		for _, bad := range []string{"x", "a.b.c", good + "A", parts[0] + "." + parts[1] + ".", strings.Join(slices.Concat(parts[:1], parts[:1], parts[2:]), "."), str(session, "refreshToken")} {
			_, err := w.me(ctx, bad)
			refused(t, err, http.StatusUnauthorized, "token.invalid")
		}
	})
}

// recorder is a transport that keeps the forms that a system posts for tokens, and posts them or not.
type recorder struct {
	forms []url.Values
	away  bool
}

var errAway = errors.New("kept, not sent")

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, err
	}
	r.forms = append(r.forms, form)
	if r.away {
		return nil, errAway
	}
	request.Body = io.NopCloser(bytes.NewReader(text))
	return http.DefaultTransport.RoundTrip(request)
}

// tokenFor posts a form to the token endpoint; the error has the form of RFC 6749.
func (w *World) tokenFor(ctx context.Context, t testing.TB, form url.Values) (status int, answer map[string]any) {
	t.Helper()
	request := got(http.NewRequestWithContext(ctx, http.MethodPost, w.URL+"/oauth/token", strings.NewReader(form.Encode())))(t)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response := got(http.DefaultClient.Do(request))(t)
	defer response.Body.Close()
	ok(t, json.NewDecoder(response.Body).Decode(&answer))
	if response.Header.Get("Content-Type") != "application/json" || response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", response.Header)
	}
	return response.StatusCode, answer
}

func TestSystemsProveThemselves(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		id, key, err := w.Register(ctx, identity.Clinic, "Поликлиника № 7")
		ok(t, err)
		wire := &recorder{away: true}
		system := credential.New(credential.Client{ID: string(id), Key: key, TokenURL: w.URL + "/oauth/token", Scopes: []string{"system/*.rs", "system/dispensing.c"}, Clock: w.Now, HTTP: &http.Client{Transport: wire}})
		form := func(change func(url.Values)) url.Values {
			_, _ = system.Token(ctx)
			f := wire.forms[len(wire.forms)-1]
			if change != nil {
				change(f)
			}
			return f
		}
		good := form(nil)
		status, answer := w.tokenFor(ctx, t, good)
		if status != http.StatusOK || str(answer, "token_type") != "bearer" || answer["expires_in"] != 300.0 || str(answer, "scope") != "system/*.rs" {
			t.Fatalf("%d %v", status, answer)
		}
		token := str(answer, "access_token")
		_, err = w.me(ctx, token)
		refused(t, err, http.StatusForbidden, "actor.not_allowed")

		late := form(nil)
		stranger, _, err := newKey()
		ok(t, err)
		foreign := credential.New(credential.Client{ID: string(id), Key: stranger, TokenURL: w.URL + "/oauth/token", Clock: w.Now, HTTP: &http.Client{Transport: wire}})
		elsewhere := credential.New(credential.Client{ID: string(id), Key: key, TokenURL: w.URL + "/oauth/token", Audience: "https://other.example", Clock: w.Now, HTTP: &http.Client{Transport: wire}})
		for name, c := range map[string]struct {
			form   url.Values
			status int
			code   string
		}{
			"replayed":      {good, http.StatusUnauthorized, "invalid_client"},
			"foreign key":   {func() url.Values { _, _ = foreign.Token(ctx); return wire.forms[len(wire.forms)-1] }(), http.StatusUnauthorized, "invalid_client"},
			"other server":  {func() url.Values { _, _ = elsewhere.Token(ctx); return wire.forms[len(wire.forms)-1] }(), http.StatusUnauthorized, "invalid_client"},
			"other scope":   {form(func(f url.Values) { f.Set("scope", "system/dispensing.c") }), http.StatusBadRequest, "invalid_scope"},
			"other grant":   {form(func(f url.Values) { f.Set("grant_type", "password") }), http.StatusBadRequest, "unsupported_grant_type"},
			"a field twice": {form(func(f url.Values) { f.Add("scope", "system/*.c") }), http.StatusBadRequest, "invalid_request"},
			"nothing":       {url.Values{}, http.StatusBadRequest, "invalid_request"},
		} {
			if status, answer := w.tokenFor(ctx, t, c.form); status != c.status || str(answer, "error") != c.code || str(answer, "error_description") == "" {
				t.Errorf("%s: %d %v", name, status, answer)
			}
		}
		w.Skip(3 * time.Minute)
		if status, answer := w.tokenFor(ctx, t, late); status != http.StatusUnauthorized || str(answer, "error") != "invalid_client" {
			t.Errorf("expired: %d %v", status, answer)
		}

		ok(t, w.Server.Clients.RevokeClient(ctx, id))
		_, err = w.me(ctx, token)
		refused(t, err, http.StatusUnauthorized, "client.revoked")
		if status, _ := w.tokenFor(ctx, t, form(nil)); status != http.StatusUnauthorized {
			t.Errorf("a revoked client got %d", status)
		}
	})
}

// Many people type the code from one desk at once: one of them owns the card, the others hear that it is used.
func TestAClaimCodeHasOneWinner(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, code := admitted(ctx, t, clinic)
		var tokens []string
		for _, digit := range []string{"0", "1", "2", "3", "4"} {
			p := somebody(digit)
			w.enrol(ctx, t, p)
			tokens = append(tokens, str(w.enter(ctx, t, p), "accessToken"))
		}
		_, err := w.post(ctx, "/v1/cards/claim", tokens[0], body{"code": "0000-0000-0000"})
		refused(t, err, http.StatusUnprocessableEntity, "claim.wrong")

		var all sync.WaitGroup
		var mu sync.Mutex
		winners := map[string]card.ID{}
		for _, token := range tokens {
			all.Go(func() {
				done, err := w.post(ctx, "/v1/cards/claim", token, body{"code": strings.ToLower(code)})
				var p *problem.Problem
				switch {
				case err == nil:
					mu.Lock()
					defer mu.Unlock()
					winners[token] = card.ID(str(done, "card"))
				case !errors.As(err, &p) || p.Status != http.StatusConflict || p.Code != "claim.used":
					t.Errorf("a loser heard %v", err)
				}
			})
		}
		all.Wait()
		if len(winners) != 1 {
			t.Fatalf("%d people own the card", len(winners))
		}
		for token, opened := range winners {
			again := got(w.post(ctx, "/v1/cards/claim", token, body{"code": code}))(t) // the answer was lost
			me := got(w.me(ctx, token))(t)
			cards, _ := me["cards"].([]any)
			if opened != id || str(again, "card") != string(id) || len(cards) != 1 || me["recipientOfMedicalServices"] != true {
				t.Errorf("opened %s, again %v, she is %v", opened, again, me)
			}
		}
	})
}
