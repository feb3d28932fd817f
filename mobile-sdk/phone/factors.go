package phone

import (
	"context"
	"net/http"
	"time"
)

// CodeStepUp is the code of the *problem.Problem by which the server asks for the second factor once more: call StepUp, let the
// person type the code, call ConfirmStepUp, and do again what was refused.
const CodeStepUp = "step_up.required"

// StepUp asks for the second factor once more, before a dangerous act.
func (c *Client) StepUp(ctx context.Context) (Challenge, error) {
	var a signInAnswer
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/step-up", once: true, into: &a})
	return Challenge{ID: a.Challenge, Method: a.Method, To: a.To, Ends: a.Ends}, err
}

// ConfirmStepUp sends the code of a step-up. Until the moment that it gives, this session may do dangerous acts.
func (c *Client) ConfirmStepUp(ctx context.Context, challenge, code string) (until time.Time, err error) {
	var a struct {
		Until time.Time `json:"until"`
	}
	err = c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/step-up/confirm", once: true, into: &a,
		body: secondFactorBody{Challenge: challenge, Code: code}})
	return a.Until, err
}

// Factors are the second factors that a person has besides text messages.
type Factors struct {
	Authenticator time.Time // since when an app makes the codes; zero = none does
	RecoveryCodes int       // not used yet
	Passkeys      []Passkey
	Links         []Link // to external providers
}

// Link says that an external provider does in place of the password.
type Link struct {
	Provider string
	Since    time.Time
}

// Factors asks for the person's second factors.
func (c *Client) Factors(ctx context.Context) (Factors, error) {
	var a struct {
		Authenticator time.Time `json:"authenticator"`
		RecoveryCodes int       `json:"recoveryCodes"`
		Passkeys      []struct {
			ID    string    `json:"id"`
			Name  string    `json:"name"`
			Added time.Time `json:"added"`
			Used  time.Time `json:"used"`
		} `json:"passkeys"`
		Links []struct {
			Provider string    `json:"provider"`
			Since    time.Time `json:"since"`
		} `json:"links"`
	}
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/me/factors", into: &a})
	f := Factors{Authenticator: a.Authenticator, RecoveryCodes: a.RecoveryCodes}
	for _, p := range a.Passkeys {
		f.Passkeys = append(f.Passkeys, Passkey(p))
	}
	for _, l := range a.Links {
		f.Links = append(f.Links, Link(l))
	}
	return f, err
}

// AuthenticatorSecret is what an authenticator app needs. Nobody gives it a second time.
type AuthenticatorSecret struct {
	URI    string // otpauth, to show as a QR code or to open on this phone
	Secret string // to type
	Ends   time.Time
}

// EnrolAuthenticator gets a secret for an authenticator app. It guards nothing until ConfirmAuthenticator has seen a code of it.
func (c *Client) EnrolAuthenticator(ctx context.Context) (AuthenticatorSecret, error) {
	var a struct {
		URI    string    `json:"uri"`
		Secret string    `json:"secret"`
		Ends   time.Time `json:"ends"`
	}
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/me/factors/authenticator", once: true, into: &a})
	return AuthenticatorSecret(a), err
}

// ConfirmAuthenticator shows the app's first code: from now on the app is the second factor, and no text messages are sent.
func (c *Client) ConfirmAuthenticator(ctx context.Context, code string) error {
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/me/factors/authenticator/confirm", once: true, body: codeBody{Code: code}})
}

// RemoveAuthenticator takes the app off: codes come by text message again.
func (c *Client) RemoveAuthenticator(ctx context.Context) error {
	return c.do(ctx, call{method: http.MethodDelete, path: "/v1/me/factors/authenticator", once: true})
}

// NewRecoveryCodes makes ten codes for the person to write down; each does once in place of a second factor. Those from before are
// worthless then.
func (c *Client) NewRecoveryCodes(ctx context.Context) ([]string, error) {
	var a struct {
		Codes []string `json:"codes"`
	}
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/me/factors/recovery-codes", once: true, into: &a})
	return a.Codes, err
}
