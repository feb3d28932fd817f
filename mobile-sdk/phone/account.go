package phone

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
)

// ErrOtherAccount says that the phone holds another person's cards: Wipe and open anew before somebody else signs in.
var ErrOtherAccount = errors.New("phone: the file belongs to another account")

// Channel is the way by which a one-time code comes.
type Channel string

// The channels.
const (
	ByPhone Channel = "phone"
	ByEmail Channel = "email"
)

// Registration is what a person types to register.
type Registration struct {
	Phone    string
	Email    string
	Password string
	Language string // "ru" or "en"; "" = ru
}

// Registered is a registration that waits for both codes.
type Registered struct {
	ID    string // send it back with each code
	Ends  time.Time
	Phone string // masked
	Email string // masked
}

// Register starts a registration: one code goes to the phone, one to the e-mail address.
func (c *Client) Register(ctx context.Context, r Registration) (Registered, error) {
	var a registerAnswer
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/register", open: true, once: true, into: &a, body: registerBody(r)})
	return Registered{ID: a.Registration, Ends: a.Ends, Phone: a.Phone, Email: a.Email}, err
}

// Confirmed tells how far a registration is.
type Confirmed struct {
	Missing []Channel          // whose code is still awaited
	Account identity.AccountID // "" while something is missing
}

// Confirm sends the code that came by one channel. With the second one the account is there, and the person can sign in.
func (c *Client) Confirm(ctx context.Context, registration string, by Channel, code string) (Confirmed, error) {
	var a confirmAnswer
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/confirm", open: true, once: true, into: &a,
		body: confirmBody{Registration: registration, Channel: string(by), Code: code}})
	out := Confirmed{Account: identity.AccountID(a.Account)}
	for _, m := range a.Missing {
		out.Missing = append(out.Missing, Channel(m))
	}
	return out, err
}

// Resend asks for a new code in place of the last one, of a registration (Registered.ID) or a sign-in (Challenge.ID).
func (c *Client) Resend(ctx context.Context, challenge string, by Channel) error {
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/resend", open: true, once: true,
		body: resendBody{Challenge: challenge, Channel: string(by)}})
}

// Challenge is a sign-in that waits for its second factor.
type Challenge struct {
	ID     string // send it back with the code
	Method string // what the second factor is: "sms", or "otp": the person's authenticator app shows the code
	To     string // where the code went, masked; "" for otp
	Ends   time.Time
}

// SignIn checks the password; login is the phone number or the e-mail address. A code goes to the person's phone,
// unless there is an authenticator app.
func (c *Client) SignIn(ctx context.Context, login, password string) (Challenge, error) {
	var a signInAnswer
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/sign-in", open: true, once: true, into: &a, body: signInBody{
		Login: login, Password: password, Device: deviceBody{ID: c.self.ID, Name: c.self.name, Secret: c.self.Secret},
	}})
	return Challenge{ID: a.Challenge, Method: a.Method, To: a.To, Ends: a.Ends}, err
}

// SecondFactor sends the code, or a recovery code in place of it, and opens the session. ErrOtherAccount if the phone holds another person's cards.
func (c *Client) SecondFactor(ctx context.Context, challenge, code string) error {
	return c.enter(ctx, "/v1/auth/second-factor", secondFactorBody{Challenge: challenge, Code: code})
}

// enter opens a session with the last proof that a sign-in wants.
func (c *Client) enter(ctx context.Context, path string, proof any) error {
	before := c.session.get()
	var a tokensAnswer
	err := c.do(ctx, call{method: http.MethodPost, path: path, open: true, once: true, into: &a, body: proof})
	if err != nil {
		return err
	}
	return c.begin(ctx, before, a)
}

// begin keeps a session that was opened, if the cards on the phone are that person's.
func (c *Client) begin(ctx context.Context, before tokens, a tokensAnswer) error {
	var owner string
	found, err := c.vault.Load(settingAccount, &owner)
	if err != nil {
		return err
	}
	if found && owner != a.Account {
		// Nobody will use this session: end it as far as that can be done.
		t := a.tokens()
		if res, err := c.proved(ctx, call{method: http.MethodPost, path: "/v1/auth/sign-out"}, nil, false, t); err == nil {
			res.Body.Close()
		}
		return ErrOtherAccount
	}
	if err := c.vault.Save(settingAccount, a.Account); err != nil {
		return err
	}
	return c.keepTokens(before, a.tokens())
}

// SignOut ends the session, or with everywhere all sessions of the account. The phone forgets its tokens even if the server
// cannot be reached; the error tells. The cards stay on the phone, readable until their leases end: see Wipe.
func (c *Client) SignOut(ctx context.Context, everywhere bool) error {
	call := call{method: http.MethodPost, path: "/v1/auth/sign-out"}
	if everywhere {
		call.query = url.Values{"everywhere": {"true"}}
	}
	err := c.do(ctx, call)
	if errors.Is(err, ErrSignedOut) {
		err = nil
	}
	return errors.Join(err, c.endSession())
}

// Me is what the server says of the person.
type Me struct {
	Account   identity.AccountID
	Phone     string
	Email     string
	Language  string
	Recipient bool // of medical services: a clinic knows the person, and the person redeemed its code: one of Cards is his own
	Cards     []MyCard
	Waiting   []card.ID // redeemed, and closed until nothing is missing
	Missing   []Missing // what still stands between the person and the health data
}

// Role says how the person sees a card.
type Role string

// The roles.
const (
	Owner          Role = "owner"          // it is his own
	Representative Role = "representative" // he acts for its patient
	LetIn          Role = "letIn"          // its owner lets him see it
)

// MyCard is a card that the person sees.
type MyCard struct {
	ID   card.ID
	Role Role
}

// Missing is one thing that is missing, and what to do about it.
type Missing struct {
	Code     string // card.not_claimed, documents.not_approved, policy.not_linked, proof.other_patient, proof.missing; a refusal to show the card has the same
	Detail   string
	Document string // of documents.not_approved and proof.other_patient: the slot
}

// Me asks the server who is signed in, and makes this phone know the person's cards.
func (c *Client) Me(ctx context.Context) (Me, error) {
	var a meAnswer
	if err := c.do(ctx, call{method: http.MethodGet, path: "/v1/me", into: &a}); err != nil {
		return Me{}, err
	}
	me := Me{Account: identity.AccountID(a.Account), Phone: a.Phone, Email: a.Email, Language: a.Language, Recipient: a.Recipient}
	for _, k := range a.Cards {
		me.Cards = append(me.Cards, MyCard{ID: card.ID(k.ID), Role: Role(k.Role)})
		if err := c.vault.Card(k.ID).Know(); err != nil {
			return Me{}, err
		}
	}
	for _, id := range a.Waiting {
		me.Waiting = append(me.Waiting, card.ID(id))
	}
	for _, m := range a.Missing {
		me.Missing = append(me.Missing, Missing{Code: m.Code, Document: m.Document, Detail: m.Detail})
	}
	return me, nil
}

// Claim redeems the code from a clinic's desk: the card becomes the person's, and the next Sync brings it; where proofs are demanded, the
// first Sync after the last of them was approved: Me tells what is missing. Redeeming the same code again gives the same card.
func (c *Client) Claim(ctx context.Context, code string) (card.ID, error) {
	var a claimAnswer
	if err := c.do(ctx, call{method: http.MethodPost, path: "/v1/cards/claim", into: &a, body: claimBody{Code: code}}); err != nil {
		return "", err
	}
	if a.Card == "" {
		return "", ErrAnswer
	}
	if len(a.Missing) > 0 {
		return card.ID(a.Card), nil
	}
	return card.ID(a.Card), c.vault.Card(a.Card).Know()
}

// The carriers of pushes.
const (
	CarrierFCM = "fcm" // a Firebase registration token
	CarrierFID = "fid" // a Firebase installation id
)

// RegisterPush tells the server how this phone can be woken. Apps call it at each start and whenever the carrier gives a new
// token. language is that of the line a push shows; "" = the app looks the words up itself.
func (c *Client) RegisterPush(ctx context.Context, carrier, token, language string) error {
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/push-tokens", body: pushTokenBody{Carrier: carrier, Token: token, Language: language}})
}
