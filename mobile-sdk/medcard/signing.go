package medcard

import "github.com/medcard/medcard/mobile-sdk/phone"

// Unsigned is what waits for the person's electronic signature.
type Unsigned struct {
	Challenge string // goes back with the signature
	Content   []byte // sign exactly these bytes: CMS, detached, DER, with the certificates inside. They are a text to show before
	Ends      int64
}

func unsigned(u phone.Unsigned, err error) (*Unsigned, error) {
	if err != nil {
		return nil, err
	}
	return &Unsigned{Challenge: u.Challenge, Content: u.Content, Ends: millis(u.Ends)}, nil
}

// AskToSignIn gets a challenge with which the owner of a certificate signs in, once he has bound it to his account. The app signs it with
// what holds the certificate; the private key is never given to this package.
func (c *Client) AskToSignIn() (challenge *Unsigned, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return unsigned(c.inner.AskToSignIn(ctx))
}

// SignInBySignature opens the session with a signed challenge. sdk.other_account if the phone holds another person's cards: Wipe first.
func (c *Client) SignInBySignature(challenge string, signature []byte) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.SignInBySignature(ctx, challenge, signature)
}

// AskToBind gets a challenge with which the person says that the owner of his certificate may sign in to this account.
func (c *Client) AskToBind() (challenge *Unsigned, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return unsigned(c.inner.AskToBind(ctx))
}

// BindSignature lets the owner of the certificate sign in to this account from now on.
func (c *Client) BindSignature(challenge string, signature []byte) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.BindSignature(ctx, challenge, signature)
}

// UnbindSignature ends that.
func (c *Client) UnbindSignature() (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.UnbindSignature(ctx)
}

// AskToConfirm gets a challenge with which the person confirms a request: an action such as grant.give, and the SHA-256 of the request
// as 64 hexadecimal digits.
func (c *Client) AskToConfirm(action, digest string) (challenge *Unsigned, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return unsigned(c.inner.AskToConfirm(ctx, action, digest))
}

// ConfirmBySignature confirms the request of a challenge from AskToConfirm. It gives the id of what the server keeps.
func (c *Client) ConfirmBySignature(challenge string, signature []byte) (id string, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	made, err := c.inner.ConfirmBySignature(ctx, challenge, signature)
	return made.ID, err
}

// Signatures lists what this account confirmed, from the newest; with a digest only that request's. JSON: [{"id", "action", "digest",
// "at"}].
func (c *Client) Signatures(digest string) (list []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	all, err := c.inner.Signatures(ctx, digest)
	if err != nil {
		return nil, err
	}
	shapes := make([]signatureShape, len(all))
	for i, one := range all {
		shapes[i] = signatureShape{ID: one.ID, Action: one.Action, Digest: one.Digest, At: millis(one.At)}
	}
	return marshal(shapes)
}

type signatureShape struct {
	ID     string `json:"id"`
	Action string `json:"action"`
	Digest string `json:"digest"`
	At     int64  `json:"at"`
}

// SignatureHint says what the person can do when one of these methods failed because of the signature: Remedy is a word for the app
// ("reinstall", "update", "renew", "choose", "again", "wait", "sign_in", "nothing"), Text is for the person.
type SignatureHint struct {
	Remedy string
	Text   string
}

// SignatureHintOf reads what such a method threw; language is "ru" or "en". It is nil where the failure is none of a signature.
func SignatureHintOf(problem error, language string) (hint *SignatureHint, err error) {
	defer guard(&err)
	h, ok := phone.HintFor(problem, language)
	if !ok {
		return nil, nil
	}
	return &SignatureHint{Remedy: string(h.Remedy), Text: h.Text}, nil
}
