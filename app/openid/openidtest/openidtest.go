// Package openidtest runs a real OpenID provider on loopback for tests, with two people, and signs them in there as a browser would.
package openidtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// What Medcard is known by.
const (
	Client   = "medcard"
	Secret   = "a secret that both know"
	Redirect = "https://app.example.org/back"
)

// The people who have an account there.
const (
	One = "test-user@127.0.0.1" // subject id1
	Two = "test-user2"          // subject id2
)

// Server is a running provider.
type Server struct {
	Issuer string
	Claims map[string]map[string]any // by subject, "id1" and "id2": what the provider says of a person beyond who it is
	http   *httptest.Server
}

// people adds the server's claims to what the provider's storage knows.
type people struct {
	*storage.Storage
	server *Server
}

// SetUserinfoFromToken is what the provider's userinfo answers with.
func (p *people) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, origin string) error {
	if err := p.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin); err != nil {
		return err
	}
	for name, value := range p.server.Claims[subject] {
		info.AppendClaims(name, value)
	}
	return nil
}

// Start starts a provider.
func Start() *Server {
	s := &Server{Claims: map[string]map[string]any{}}
	var handler http.Handler
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	s.Issuer = s.http.URL
	clients := map[string]*storage.Client{Client: storage.WebClient(Client, Secret, Redirect)}
	kept := storage.NewStorageWithClients(storage.NewUserStore(s.Issuer), clients)
	handler = exampleop.SetupServer(s.Issuer, &people{kept, s}, nil, false)
	return s
}

// Close stops the provider.
func (s *Server) Close() { s.http.Close() }

// SignIn opens the page as a browser does, signs the person in, and gives what is sent back to the app.
func (s *Server) SignIn(page, who string) (state, code string, err error) {
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	login, err := follow(browser.Get(page)) //nolint:noctx // a test's browser
	if err != nil {
		return "", "", err
	}
	at, err := url.Parse(login)
	if err != nil {
		return "", "", err
	}
	next, err := follow(browser.PostForm(s.at(login), url.Values{ //nolint:noctx // a test's browser
		"username": {who}, "password": {"verysecure"}, "id": {at.Query().Get("authRequestID")},
	}))
	if err != nil {
		return "", "", err
	}
	back, err := follow(browser.Get(s.at(next))) //nolint:noctx // a test's browser
	if err != nil {
		return "", "", err
	}
	answer, err := url.Parse(back)
	if err != nil || !strings.HasPrefix(back, Redirect) {
		return "", "", fmt.Errorf("openidtest: sent to %s", back)
	}
	return answer.Query().Get("state"), answer.Query().Get("code"), nil
}

func (s *Server) at(location string) string {
	if strings.HasPrefix(location, "/") {
		return s.Issuer + location
	}
	return location
}

// follow gives where a redirect leads.
func follow(res *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	location := res.Header.Get("Location")
	if location == "" {
		return "", errors.New("openidtest: no redirect: " + res.Status)
	}
	return location, nil
}
