package phone

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// Passkey is one that the person has registered.
type Passkey struct {
	ID    string
	Name  string
	Added time.Time
	Used  time.Time // zero = never yet
}

// Ceremony is what the platform's credential API is to be asked: Android's CredentialManager and a browser take Options as it is, iOS
// takes its challenge. What comes of it goes back with ID, once.
type Ceremony struct {
	ID      string
	Options string // JSON
	Ends    time.Time
}

func (c *Client) ceremony(ctx context.Context, path string, open bool, body any) (Ceremony, error) {
	var a struct {
		Ceremony string    `json:"ceremony"`
		Options  string    `json:"options"`
		Ends     time.Time `json:"ends"`
	}
	err := c.do(ctx, call{method: http.MethodPost, path: path, open: open, once: true, into: &a, body: body})
	if err == nil && !json.Valid([]byte(a.Options)) {
		err = ErrAnswer
	}
	return Ceremony{ID: a.Ceremony, Options: a.Options, Ends: a.Ends}, err
}

// BeginPasskey starts the making of a passkey. Needs a step-up.
func (c *Client) BeginPasskey(ctx context.Context) (Ceremony, error) {
	return c.ceremony(ctx, "/v1/me/factors/passkeys", false, nil)
}

// AddPasskey registers the passkey that the platform made. name is the person's word for it.
func (c *Client) AddPasskey(ctx context.Context, ceremony, name, response string) error {
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/me/factors/passkeys/confirm", once: true,
		body: newPasskeyBody{Ceremony: ceremony, Name: name, Response: response}})
}

// RemovePasskey forgets a passkey. Needs a step-up.
func (c *Client) RemovePasskey(ctx context.Context, id string) error {
	if id == "" {
		return errors.New("phone: a passkey has an id")
	}
	return c.do(ctx, call{method: http.MethodDelete, path: "/v1/me/factors/passkeys/" + url.PathEscape(id), once: true})
}

// BeginPasskeySignIn starts a sign-in with a passkey, which needs neither a login nor a password.
func (c *Client) BeginPasskeySignIn(ctx context.Context) (Ceremony, error) {
	return c.ceremony(ctx, "/v1/auth/passkey", true, passkeySignInBody{Device: deviceBody{ID: c.self.ID, Name: c.self.name, Secret: c.self.Secret}})
}

// PasskeySignIn opens the session with what the platform signed. ErrOtherAccount if the phone holds another person's cards.
func (c *Client) PasskeySignIn(ctx context.Context, ceremony, response string) error {
	return c.enter(ctx, "/v1/auth/passkey/confirm", passkeyBody{Ceremony: ceremony, Response: response})
}

// BeginPasskeyStepUp starts a step-up with a passkey in place of a code.
func (c *Client) BeginPasskeyStepUp(ctx context.Context) (Ceremony, error) {
	return c.ceremony(ctx, "/v1/auth/step-up/passkey", false, nil)
}

// PasskeyStepUp steps up with what the platform signed. Until the moment that it gives, this session may do dangerous acts.
func (c *Client) PasskeyStepUp(ctx context.Context, ceremony, response string) (until time.Time, err error) {
	var a struct {
		Until time.Time `json:"until"`
	}
	err = c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/step-up/passkey/confirm", once: true, into: &a,
		body: passkeyBody{Ceremony: ceremony, Response: response}})
	return a.Until, err
}
