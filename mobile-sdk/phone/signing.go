package phone

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"time"
)

// Electronic signatures: the app signs with whatever holds the person's certificate (a token, the keystore, another app), and this
// package carries the bytes. No private key is ever given to it.

// Unsigned is what waits for the person's signature.
type Unsigned struct {
	Challenge string // goes back with the signature
	Content   []byte // sign exactly these bytes: CMS, detached, DER, with the certificates inside. They are a text to show before
	Ends      time.Time
}

// Signature is a request that was confirmed by one, as the server keeps it.
type Signature struct {
	ID     string
	Action string
	Digest string // SHA-256 of what was confirmed, 64 hexadecimal digits
	At     time.Time
}

// AskToSignIn gets a challenge with which the owner of a certificate signs in, once he has bound it to his account.
func (c *Client) AskToSignIn(ctx context.Context) (Unsigned, error) {
	return c.unsigned(ctx, call{method: http.MethodPost, path: "/v1/auth/signature/challenge", open: true})
}

// AskToBind gets a challenge with which the person says that the owner of his certificate may sign in to this account.
func (c *Client) AskToBind(ctx context.Context) (Unsigned, error) {
	return c.unsigned(ctx, call{method: http.MethodPost, path: "/v1/signatures/challenge", body: askSignatureBody{Purpose: "bind"}})
}

// AskToConfirm gets a challenge with which the person confirms a request: an action such as grant.give, and the SHA-256 of the request
// as 64 hexadecimal digits.
func (c *Client) AskToConfirm(ctx context.Context, action, digest string) (Unsigned, error) {
	return c.unsigned(ctx, call{method: http.MethodPost, path: "/v1/signatures/challenge", body: askSignatureBody{Purpose: "confirm", Action: action, Digest: digest}})
}

func (c *Client) unsigned(ctx context.Context, ask call) (Unsigned, error) {
	var a unsignedAnswer
	ask.into = &a
	err := c.do(ctx, ask)
	return Unsigned(a), err
}

// SignInBySignature opens the session with a signed challenge. ErrOtherAccount if the phone holds another person's cards. Hint says what to
// do where the signature does not count.
func (c *Client) SignInBySignature(ctx context.Context, challenge string, signature []byte) error {
	before := c.session.get()
	var a tokensAnswer
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/signature", open: true, once: true, into: &a, body: signedSignInBody{
		Challenge: challenge, Signature: base64.StdEncoding.EncodeToString(signature),
		Device: deviceBody{ID: c.self.ID, Name: c.self.name, Secret: c.self.Secret},
	}})
	if err != nil {
		return err
	}
	return c.begin(ctx, before, a)
}

// BindSignature lets the owner of the certificate sign in to this account from now on.
func (c *Client) BindSignature(ctx context.Context, challenge string, signature []byte) error {
	return c.do(ctx, call{method: http.MethodPut, path: "/v1/me/signature", once: true, body: signedOf(challenge, signature)})
}

// UnbindSignature ends that.
func (c *Client) UnbindSignature(ctx context.Context) error {
	return c.do(ctx, call{method: http.MethodDelete, path: "/v1/me/signature"})
}

// ConfirmBySignature confirms the request of a challenge from AskToConfirm. The server keeps the signature.
func (c *Client) ConfirmBySignature(ctx context.Context, challenge string, signature []byte) (Signature, error) {
	var a signatureAnswer
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/signatures", once: true, into: &a, body: signedOf(challenge, signature)})
	return Signature(a), err
}

// Signatures lists what this account confirmed, from the newest; with a digest only that request's.
func (c *Client) Signatures(ctx context.Context, digest string) (list []Signature, err error) {
	ask := call{method: http.MethodGet, path: "/v1/signatures"}
	if digest != "" {
		ask.query = url.Values{"digest": {digest}}
	}
	var a struct {
		Confirmations []signatureAnswer `json:"confirmations"`
	}
	ask.into = &a
	if err := c.do(ctx, ask); err != nil {
		return nil, err
	}
	for _, one := range a.Confirmations {
		list = append(list, Signature(one))
	}
	return list, nil
}

func signedOf(challenge string, signature []byte) signedBody {
	return signedBody{Challenge: challenge, Signature: base64.StdEncoding.EncodeToString(signature)}
}

type askSignatureBody struct {
	Purpose string `json:"purpose"`
	Action  string `json:"action,omitempty"`
	Digest  string `json:"digest,omitempty"`
}

type unsignedAnswer struct {
	Challenge string    `json:"challenge"`
	Content   []byte    `json:"content"`
	Ends      time.Time `json:"ends"`
}

type signedBody struct {
	Challenge string `json:"challenge"`
	Signature string `json:"signature"`
}

type signedSignInBody struct {
	Challenge string     `json:"challenge"`
	Signature string     `json:"signature"`
	Device    deviceBody `json:"device"`
}

type signatureAnswer struct {
	ID     string    `json:"id"`
	Action string    `json:"action"`
	Digest string    `json:"digest"`
	At     time.Time `json:"at"`
}
