package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

func TestAPatientComesIn(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		anna := newPatient(1)
		s.register(anna)
		session := s.signIn(anna)
		me := s.want(s.get("/v1/me", session.str("accessToken")), http.StatusOK, "")
		if me.str("account") != anna.account || me.str("phone") != anna.phone || me.body["recipientOfMedicalServices"] != false || !strings.Contains(me.text, "card.not_claimed") {
			t.Errorf("she is %s", me.text)
		}
		s.want(s.post("/v1/auth/sign-out", session.str("accessToken"), nil), http.StatusNoContent, "")
		s.want(s.get("/v1/me", session.str("accessToken")), http.StatusUnauthorized, "session.ended")
	})
}

func TestBadCodesOverHTTP(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		anna := newPatient(2)
		r := s.want(s.post("/v1/auth/register", "", body{"phone": anna.phone, "email": anna.email, "password": anna.password}), http.StatusAccepted, "")
		confirm := func(code string) reply {
			return s.post("/v1/auth/confirm", "", body{"registration": r.str("registration"), "channel": "phone", "code": code})
		}
		right := s.code(anna.phone)
		wrong := s.want(confirm(otherCode(right)), http.StatusUnprocessableEntity, "code.wrong")
		if strings.Contains(wrong.text, otherCode(right)) {
			t.Error("the answer repeats the code")
		}
		s.want(confirm(right), http.StatusOK, "")
		s.want(confirm(right), http.StatusConflict, "code.used")

		again := s.want(s.post("/v1/auth/register", "", body{"phone": anna.phone, "email": anna.email, "password": anna.password}), http.StatusAccepted, "")
		s.pass(account.CodeLife)
		s.want(s.post("/v1/auth/confirm", "", body{"registration": again.str("registration"), "channel": "phone", "code": s.code(anna.phone)}), http.StatusGone, "code.expired")
		s.want(s.post("/v1/auth/confirm", "", body{"registration": again.str("registration"), "channel": "pigeon", "code": "1"}), http.StatusUnprocessableEntity, "invalid_input")
	})
}

// The same answer for a person who has no account and for one whose password is another; and neither can be hammered.
func TestStrangersLearnNothing(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		anna, nobody := newPatient(3), newPatient(4)
		s.register(anna)
		try := func(login string) reply {
			return s.post("/v1/auth/sign-in", "", body{"login": login, "password": "not the password", "device": nobody.device})
		}
		for range 5 {
			known, unknown := s.want(try(anna.phone), http.StatusUnauthorized, "credentials.wrong"), s.want(try(nobody.phone), http.StatusUnauthorized, "credentials.wrong")
			if known.str("detail") != unknown.str("detail") || len(known.text) != len(unknown.text) {
				t.Errorf("%s\n%s", known.text, unknown.text)
			}
		}
		known, unknown := s.want(try(anna.phone), http.StatusTooManyRequests, "throttled"), s.want(try(nobody.phone), http.StatusTooManyRequests, "throttled")
		if known.header.Get("Retry-After") == "" || unknown.header.Get("Retry-After") == "" {
			t.Error("nobody tells how long to wait")
		}
	})
}

func TestTokensAreRefreshedOnce(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		anna := newPatient(5)
		s.register(anna)
		first := s.signIn(anna)
		refresh := func(token string) reply {
			return s.post("/v1/auth/refresh", "", body{"refreshToken": token, "deviceSecret": anna.device["secret"]})
		}
		second := s.want(refresh(first.str("refreshToken")), http.StatusOK, "")
		lost := s.want(refresh(first.str("refreshToken")), http.StatusOK, "")
		if second.str("refreshToken") != lost.str("refreshToken") || second.str("refreshEnds") != lost.str("refreshEnds") {
			t.Error("the lost answer is another one")
		}
		s.pass(account.AccessLife)
		s.want(s.get("/v1/me", second.str("accessToken")), http.StatusUnauthorized, "token.expired")
		third := s.want(refresh(second.str("refreshToken")), http.StatusOK, "")
		s.want(s.get("/v1/me", third.str("accessToken")), http.StatusOK, "")
		s.want(refresh(first.str("refreshToken")), http.StatusUnauthorized, "refresh.reused")
		s.want(s.get("/v1/me", third.str("accessToken")), http.StatusUnauthorized, "session.ended")
		s.want(refresh(third.str("refreshToken")), http.StatusUnauthorized, "refresh.invalid")
	})
}

func TestOrganisationsGetTokens(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		clinic := s.organisation(identity.Clinic, "Поликлиника № 7")
		form := s.form(clinic, identity.Person{ID: "17", Name: "Иванова А. П.", Role: "терапевт"})
		form.Set("scope", oauth.ScopeRead)
		got := s.postForm(form)
		if got.status != http.StatusOK || got.str("token_type") != "bearer" || got.body["expires_in"] != 300.0 || got.str("scope") != oauth.ScopeRead || got.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s", got.status, got.text)
		}
		s.want(s.get("/v1/me", got.str("access_token")), http.StatusForbidden, "actor.not_allowed")

		s.refused(form, http.StatusUnauthorized, "invalid_client") // the same assertion once more
		form = s.form(clinic, identity.Person{})
		s.pass(2 * time.Minute)
		s.refused(form, http.StatusUnauthorized, "invalid_client") // expired
		form = s.form(clinic, identity.Person{})
		form.Set("scope", oauth.ScopeDispense)
		s.refused(form, http.StatusBadRequest, "invalid_scope")
		form = s.form(clinic, identity.Person{})
		form.Set("grant_type", "password")
		s.refused(form, http.StatusBadRequest, "unsupported_grant_type")
		form = s.form(clinic, identity.Person{})
		form.Add("scope", "a")
		form.Add("scope", "b")
		s.refused(form, http.StatusBadRequest, "invalid_request")
		s.refused(url.Values{}, http.StatusBadRequest, "invalid_request")
		other, _, err := oauth.NewClientKey()
		if err != nil {
			t.Fatal(err)
		}
		other.Client = clinic.Client
		s.refused(s.form(other, identity.Person{}), http.StatusUnauthorized, "invalid_client") // a stranger's key

		token := s.token(clinic, identity.Person{})
		if err := s.server.Clients.RevokeClient(t.Context(), clinic.Client); err != nil {
			t.Fatal(err)
		}
		s.want(s.get("/v1/me", token), http.StatusUnauthorized, "client.revoked")
		s.refused(s.form(clinic, identity.Person{}), http.StatusUnauthorized, "invalid_client")
	})
}

// refused checks an error of the token endpoint, which has the form of RFC 6749.
func (s *served) refused(form url.Values, status int, code string) {
	s.t.Helper()
	r := s.postForm(form)
	if r.status != status || r.str("error") != code || r.str("error_description") == "" || r.header.Get("Content-Type") != "application/json" {
		s.t.Errorf("got %d %s, want %d %s", r.status, r.text, status, code)
	}
}

func TestTokensThatAreNone(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		anna := newPatient(6)
		s.register(anna)
		session := s.signIn(anna)
		good := session.str("accessToken")
		s.want(s.get("/v1/me", ""), http.StatusUnauthorized, "token.missing")
		parts := strings.Split(good, ".")
		for _, bad := range []string{"x", "a.b.c", good + "A", parts[0] + "." + parts[1] + ".", strings.Join(slices.Concat(parts[:1], parts[:1], parts[2:]), "."), session.str("refreshToken")} {
			r := s.want(s.get("/v1/me", bad), http.StatusUnauthorized, "token.invalid")
			if strings.Contains(r.text, bad) && len(bad) > 5 {
				t.Error("the answer repeats the token")
			}
		}
	})
}
