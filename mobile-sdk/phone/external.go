package phone

import (
	"context"
	"net/http"
	"time"
)

// Departure is a way to the external provider's page. Open URL in the system's browser; when the provider sends the person back to the
// app's redirect address, go on only if its state is State, and bring its code.
type Departure struct {
	ID    string
	URL   string
	State string
	Ends  time.Time
}

func (c *Client) depart(ctx context.Context, call call) (Departure, error) {
	var a struct {
		Ceremony string    `json:"ceremony"`
		URL      string    `json:"url"`
		State    string    `json:"state"`
		Ends     time.Time `json:"ends"`
	}
	call.method, call.once, call.into = http.MethodPost, true, &a
	err := c.do(ctx, call)
	return Departure{ID: a.Ceremony, URL: a.URL, State: a.State, Ends: a.Ends}, err
}

// BeginExternalSignIn starts a sign-in through the external provider that the server knows.
func (c *Client) BeginExternalSignIn(ctx context.Context) (Departure, error) {
	return c.depart(ctx, call{path: "/v1/auth/external", open: true,
		body: passkeySignInBody{Device: deviceBody{ID: c.self.ID, Name: c.self.name, Secret: c.self.Secret}}})
}

// ExternalSignIn brings the provider's code in place of a password. The challenge is answered by SecondFactor as ever.
func (c *Client) ExternalSignIn(ctx context.Context, d Departure, code string) (Challenge, error) {
	var a signInAnswer
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/external/confirm", open: true, once: true, into: &a,
		body: arrivalBody{Ceremony: d.ID, State: d.State, Code: code}})
	return Challenge{ID: a.Challenge, Method: a.Method, To: a.To, Ends: a.Ends}, err
}

// BeginLink starts to link the account to the external provider. Needs a step-up.
func (c *Client) BeginLink(ctx context.Context) (Departure, error) {
	return c.depart(ctx, call{path: "/v1/me/factors/external"})
}

// Link links the account to whom the provider vouches for.
func (c *Client) Link(ctx context.Context, d Departure, code string) error {
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/me/factors/external/confirm", once: true,
		body: arrivalBody{Ceremony: d.ID, State: d.State, Code: code}})
}

// Unlink removes the link. Needs a step-up.
func (c *Client) Unlink(ctx context.Context) error {
	return c.do(ctx, call{method: http.MethodDelete, path: "/v1/me/factors/external", once: true})
}
