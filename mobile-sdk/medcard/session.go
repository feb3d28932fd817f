package medcard

import (
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// The channels by which a one-time code comes.
const (
	ByPhone = string(phone.ByPhone)
	ByEmail = string(phone.ByEmail)
)

// The carriers of pushes.
const (
	CarrierFCM = phone.CarrierFCM // a Firebase registration token
	CarrierFID = phone.CarrierFID // a Firebase installation id
)

// Registered is a registration that waits for both codes.
type Registered struct {
	ID    string // send it back with each code
	Ends  int64
	Phone string // masked
	Email string // masked
}

// Register starts a registration: one code goes to the phone, one to the e-mail address. language is "ru" or "en"; "" = ru.
func (c *Client) Register(number, email, password, language string) (registered *Registered, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	r, err := c.inner.Register(ctx, phone.Registration{Phone: number, Email: email, Password: password, Language: language})
	if err != nil {
		return nil, err
	}
	return &Registered{ID: r.ID, Ends: millis(r.Ends), Phone: r.Phone, Email: r.Email}, nil
}

// Confirmed tells how far a registration is.
type Confirmed struct {
	Account string // "" while a code is missing
	Missing []byte // JSON: the channels whose code is still awaited
}

// Confirm sends the code that came by one channel. With the second one the account is there, and the person can sign in.
func (c *Client) Confirm(registration, channel, code string) (confirmed *Confirmed, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	r, err := c.inner.Confirm(ctx, registration, phone.Channel(channel), code)
	if err != nil {
		return nil, err
	}
	missing, err := marshal(texts(r.Missing))
	return &Confirmed{Account: string(r.Account), Missing: missing}, err
}

// Resend asks for a new code in place of the last one, of a registration (Registered.ID) or a sign-in (Challenge.ID).
func (c *Client) Resend(challenge, channel string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.Resend(ctx, challenge, phone.Channel(channel))
}

// Challenge is a sign-in that waits for its second factor.
type Challenge struct {
	ID     string // send it back with the code
	Method string // "sms", or "otp": the person's authenticator app shows the code
	To     string // where the code went, masked; "" for otp
	Ends   int64
}

// SignIn checks the password; login is the phone number or the e-mail address. A code goes to the person's phone.
func (c *Client) SignIn(login, password string) (challenge *Challenge, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	r, err := c.inner.SignIn(ctx, login, password)
	if err != nil {
		return nil, err
	}
	return &Challenge{ID: r.ID, Method: r.Method, To: r.To, Ends: millis(r.Ends)}, nil
}

// SecondFactor sends the code and opens the session. sdk.other_account if the phone holds another person's cards: Wipe first.
func (c *Client) SecondFactor(challenge, code string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.SecondFactor(ctx, challenge, code)
}

// SignedIn is the account that is signed in, "" if nobody is. It does not ask the server.
func (c *Client) SignedIn() (account string, err error) {
	defer guard(&err)
	id, _ := c.inner.SignedIn()
	return string(id), nil
}

// SignOut ends the session, or with everywhere all sessions of the account. The phone forgets its tokens even if the server cannot
// be reached; the error tells. The cards stay on the phone: see Wipe.
func (c *Client) SignOut(everywhere bool) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.SignOut(ctx, everywhere)
}

// Me asks the server who is signed in. JSON: {"account", "phone", "email", "language", "recipient": whether a clinic knows the
// person, "cards": [{"id", "role": "owner", "representative" or "letIn"}], "waiting": [id] of cards that are redeemed and closed until nothing is missing, "missing": [{"code", "detail", "document"}]: what still
// stands between the person and the health data}.
func (c *Client) Me() (me []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	r, err := c.inner.Me(ctx)
	if err != nil {
		return nil, err
	}
	shape := meShape{
		Account: string(r.Account), Phone: r.Phone, Email: r.Email, Language: r.Language, Recipient: r.Recipient,
		Cards: []myCardShape{}, Waiting: texts(r.Waiting), Missing: []missingShape{},
	}
	for _, k := range r.Cards {
		shape.Cards = append(shape.Cards, myCardShape{ID: string(k.ID), Role: string(k.Role)})
	}
	for _, m := range r.Missing {
		shape.Missing = append(shape.Missing, missingShape(m))
	}
	return marshal(shape)
}

// Claim redeems the code from a clinic's desk: the card becomes the person's, and the next Sync brings it. It gives the card's id.
func (c *Client) Claim(code string) (id string, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	claimed, err := c.inner.Claim(ctx, code)
	return string(claimed), err
}

// Enrol finds out about cards that were claimed on another phone of the person.
func (c *Client) Enrol() (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.Enrol(ctx)
}

// RegisterPush tells the server how this phone can be woken: at each start, and whenever the carrier gives a new token. language
// is that of the line a push shows; "" = the app looks the words up itself.
func (c *Client) RegisterPush(carrier, token, language string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.RegisterPush(ctx, carrier, token, language)
}
