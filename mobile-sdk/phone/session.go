package phone

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/mobile-sdk/problem"
)

// tokens keep a signed-in app going. They stand in the encrypted file.
type tokens struct {
	Access     string    `json:"access"`
	Type       string    `json:"type,omitempty"` // Bearer or DPoP; "" = Bearer
	AccessEnds time.Time `json:"accessEnds"`
	Refresh    string    `json:"refresh"`
	Account    string    `json:"account"`
}

// session holds the tokens. Whoever renews them goes through the turnstile, so that a screen that starts ten calls at once renews
// once: a refresh token that is shown twice looks to the server as if it had been copied.
type session struct {
	turn turnstile

	mu     sync.Mutex
	tokens tokens
}

const (
	settingTokens  = "tokens"
	settingAccount = "account" // whose phone this is
)

// margin is how long before its end an access token is renewed.
const margin = 30 * time.Second

func loadSession(v *vault.Vault) (*session, error) {
	s := &session{turn: newTurnstile()}
	_, err := v.Load(settingTokens, &s.tokens)
	return s, err
}

func (s *session) get() tokens {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens
}

func (s *session) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = tokens{}
}

// SignedIn says who is signed in; ok is false if nobody is. It does not ask the server.
func (c *Client) SignedIn() (id identity.AccountID, ok bool) {
	t := c.session.get()
	return identity.AccountID(t.Account), t.Refresh != ""
}

// access gives tokens whose access token is good, and another one than stale.
func (c *Client) access(ctx context.Context, stale string) (tokens, error) {
	good := func(t tokens) bool {
		return t.Access != "" && t.Access != stale && c.time.now().Add(margin).Before(t.AccessEnds)
	}
	if t := c.session.get(); good(t) {
		return t, nil
	}
	if err := c.session.turn.enter(ctx); err != nil {
		return tokens{}, err
	}
	defer c.session.turn.leave()
	t := c.session.get()
	switch {
	case t.Refresh == "":
		return tokens{}, ErrSignedOut
	case good(t):
		return t, nil // somebody else renewed it while we waited
	}
	return c.renew(ctx, t)
}

// renew trades the refresh token for new ones. An answer that was lost is asked for again at once: within a minute the server gives the
// same successor to the same installation.
func (c *Client) renew(ctx context.Context, old tokens) (tokens, error) {
	var answer tokensAnswer
	err := c.do(ctx, call{
		method: http.MethodPost, path: "/v1/auth/refresh", open: true, into: &answer,
		body: refreshBody{RefreshToken: old.Refresh, DeviceSecret: c.self.Secret},
	})
	var p *problem.Problem
	if errors.As(err, &p) && p.Status == http.StatusUnauthorized {
		if err := c.endSession(); err != nil {
			return tokens{}, err
		}
		return tokens{}, fmt.Errorf("%w: %w", ErrSignedOut, p)
	}
	if err != nil {
		return tokens{}, err
	}
	fresh := answer.tokens()
	return fresh, c.keepTokens(old, fresh)
}

// keepTokens writes tokens down before anybody uses them: the new refresh token is the only one that is still good. If the person
// signed out meanwhile they are dropped.
func (c *Client) keepTokens(old, fresh tokens) error {
	if fresh.Access == "" || fresh.Refresh == "" {
		return ErrAnswer
	}
	c.session.mu.Lock()
	defer c.session.mu.Unlock()
	if c.session.tokens.Refresh != old.Refresh {
		return ErrSignedOut
	}
	if err := c.vault.Save(settingTokens, fresh); err != nil {
		return fail("keep the session", err)
	}
	c.session.tokens = fresh
	return nil
}

func (c *Client) endSession() error {
	c.session.mu.Lock()
	defer c.session.mu.Unlock()
	c.session.tokens = tokens{}
	return c.vault.Drop(settingTokens)
}
