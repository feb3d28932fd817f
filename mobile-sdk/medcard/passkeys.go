package medcard

import "github.com/medcard/medcard/mobile-sdk/phone"

// Ceremony is what the platform's credential API is to be asked. What comes of it goes back with ID, once.
type Ceremony struct {
	ID      string
	Options string // JSON
	Ends    int64
}

func ceremonyOf(r phone.Ceremony, err error) (*Ceremony, error) {
	if err != nil {
		return nil, err
	}
	return &Ceremony{ID: r.ID, Options: r.Options, Ends: millis(r.Ends)}, nil
}

// BeginPasskey starts the making of a passkey.
func (c *Client) BeginPasskey() (ceremony *Ceremony, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return ceremonyOf(c.inner.BeginPasskey(ctx))
}

// AddPasskey registers the passkey that the platform made. name is the person's word for it.
func (c *Client) AddPasskey(ceremony, name, response string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.AddPasskey(ctx, ceremony, name, response)
}

// RemovePasskey forgets a passkey.
func (c *Client) RemovePasskey(id string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.RemovePasskey(ctx, id)
}

// BeginPasskeySignIn starts a sign-in with a passkey, which needs neither a login nor a password.
func (c *Client) BeginPasskeySignIn() (ceremony *Ceremony, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return ceremonyOf(c.inner.BeginPasskeySignIn(ctx))
}

// PasskeySignIn opens the session with what the platform signed. sdk.other_account if the phone holds another person's cards.
func (c *Client) PasskeySignIn(ceremony, response string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.PasskeySignIn(ctx, ceremony, response)
}

// BeginPasskeyStepUp starts a step-up with a passkey in place of a code.
func (c *Client) BeginPasskeyStepUp() (ceremony *Ceremony, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return ceremonyOf(c.inner.BeginPasskeyStepUp(ctx))
}

// PasskeyStepUp steps up with what the platform signed. It gives until when this session may do dangerous acts.
func (c *Client) PasskeyStepUp(ceremony, response string) (until int64, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	r, err := c.inner.PasskeyStepUp(ctx, ceremony, response)
	return millis(r), err
}

// Departure is a way to the external provider's page: open URL in the system's browser; go on only with an answer whose state is State.
type Departure struct {
	ID    string
	URL   string
	State string
	Ends  int64
}

func departureOf(r phone.Departure, err error) (*Departure, error) {
	if err != nil {
		return nil, err
	}
	return &Departure{ID: r.ID, URL: r.URL, State: r.State, Ends: millis(r.Ends)}, nil
}

// BeginExternalSignIn starts a sign-in through the external provider that the server knows.
func (c *Client) BeginExternalSignIn() (departure *Departure, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return departureOf(c.inner.BeginExternalSignIn(ctx))
}

// ExternalSignIn brings the provider's code, and the state that came with it, in place of a password; SecondFactor follows.
func (c *Client) ExternalSignIn(departure, state, code string) (challenge *Challenge, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	r, err := c.inner.ExternalSignIn(ctx, phone.Departure{ID: departure, State: state}, code)
	if err != nil {
		return nil, err
	}
	return &Challenge{ID: r.ID, Method: r.Method, To: r.To, Ends: millis(r.Ends)}, nil
}

// BeginLink starts to link the account to the external provider.
func (c *Client) BeginLink() (departure *Departure, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return departureOf(c.inner.BeginLink(ctx))
}

// Link links the account to whom the provider vouches for.
func (c *Client) Link(departure, state, code string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.Link(ctx, phone.Departure{ID: departure, State: state}, code)
}

// Unlink removes the link.
func (c *Client) Unlink() (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.Unlink(ctx)
}
