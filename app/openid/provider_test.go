package openid_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/openid"
	"github.com/medcard/medcard/app/openid/openidtest"
	"github.com/medcard/medcard/domain/account"
)

func open(issuer string, change func(*openid.Config)) *openid.Provider {
	cfg := openid.Config{Profile: openid.Profiles["esia"], Issuer: issuer, Client: openidtest.Client, Secret: openidtest.Secret, Redirect: openidtest.Redirect}
	if change != nil {
		change(&cfg)
	}
	return openid.New(cfg)
}

const state, nonce, verifier = "the state of one sign-in", "the nonce of one sign-in", "a verifier of one sign-in, of 43 symbols at least"

func TestAProviderVouches(t *testing.T) {
	server := openidtest.Start()
	defer server.Close()
	p := open(server.Issuer, nil)
	for name, c := range map[string]struct {
		claims map[string]any
		snils  string
	}{
		"a confirmed person":       {map[string]any{"snils": "150-731-846 47", "trusted": true}, "15073184647"},
		"confirmed, spelt out":     {map[string]any{"snils": "15073184647", "trusted": "true"}, "15073184647"},
		"one who typed it himself": {map[string]any{"snils": "150-731-846 47", "trusted": false}, ""},
		"nobody says so":           {map[string]any{"snils": "150-731-846 47"}, ""},
		"another word for it":      {map[string]any{"snils": "150-731-846 47", "trusted": "yes, certainly"}, ""},
		"a wrong number":           {map[string]any{"snils": "150-731-846 48", "trusted": true}, ""},
		"no number":                {map[string]any{"trusted": true}, ""},
		"a number that is none":    {map[string]any{"snils": []any{"150-731-846 47"}, "trusted": true}, ""},
	} {
		server.Claims["id1"] = c.claims
		page, err := p.URL(t.Context(), state, nonce, verifier)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"code_challenge_method=S256", "code_challenge=", "scope=openid+fullname+birthdate+snils", "nonce=", "response_type=code"} {
			if !strings.Contains(page, part) {
				t.Errorf("no %s in %s", part, page)
			}
		}
		if strings.Contains(page, "verifier") || strings.Contains(page, openidtest.Secret) {
			t.Error("a secret stands in the address")
		}
		back, code, err := server.SignIn(page, openidtest.One)
		if err != nil || back != state {
			t.Fatalf("%q, %v", back, err)
		}
		who, err := p.Person(t.Context(), code, nonce, verifier)
		if err != nil || who.Provider != "esia" || who.Subject != "id1" || string(who.SNILS) != c.snils {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
		if _, err := p.Person(t.Context(), code, nonce, verifier); !errors.Is(err, openid.ErrRefused) {
			t.Errorf("%s: the code again: %v", name, err)
		}
	}
}

func TestAProviderDoesNotVouch(t *testing.T) {
	server := openidtest.Start()
	defer server.Close()
	p := open(server.Issuer, nil)
	for name, person := range map[string]func(code string) (account.External, error){
		"another nonce": func(code string) (account.External, error) {
			return p.Person(t.Context(), code, "the nonce of another", verifier)
		},
		"no nonce": func(code string) (account.External, error) { return p.Person(t.Context(), code, "", verifier) },
		"another verifier": func(code string) (account.External, error) {
			return p.Person(t.Context(), code, nonce, "x"+verifier)
		},
		"no verifier": func(code string) (account.External, error) { return p.Person(t.Context(), code, nonce, "") },
		"made up":     func(string) (account.External, error) { return p.Person(t.Context(), "made up", nonce, verifier) },
		"another secret": func(code string) (account.External, error) {
			return open(server.Issuer, func(c *openid.Config) { c.Secret = "guessed" }).Person(t.Context(), code, nonce, verifier)
		},
	} {
		page, err := p.URL(t.Context(), state, nonce, verifier)
		if err != nil {
			t.Fatal(err)
		}
		_, code, err := server.SignIn(page, openidtest.One)
		if err != nil {
			t.Fatal(err)
		}
		if who, err := person(code); !errors.Is(err, openid.ErrRefused) || who != (account.External{}) {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
}

func TestAProviderThatIsAwayIsAskedAgain(t *testing.T) {
	server := openidtest.Start()
	address := server.Issuer
	server.Close()
	if _, err := open(address, nil).URL(t.Context(), state, nonce, verifier); !errors.Is(err, openid.ErrAway) {
		t.Errorf("%v", err)
	}
}
