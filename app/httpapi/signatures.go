package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/enrolling"
	"github.com/medcard/medcard/app/signing"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/signature"
)

type challengeReply struct {
	Body struct {
		Challenge string    `json:"challenge" doc:"Send it back with the signature"`
		Content   []byte    `json:"content" doc:"The bytes to sign, base64; exactly these. They are a text that the person may be shown"`
		Ends      time.Time `json:"ends"`
	}
}

// answeredRequest is a challenge with its answer.
type answeredRequest struct {
	Body struct {
		Challenge string `json:"challenge" maxLength:"2048"`
		Signature string `json:"signature" maxLength:"98304" doc:"CMS SignedData (RFC 5652), detached, DER, with the certificate and those of its authorities; base64. Never a private key"`
	}
}

type signedSignInRequest struct {
	Body struct {
		Challenge string `json:"challenge" maxLength:"2048"`
		Signature string `json:"signature" maxLength:"98304" doc:"CMS SignedData (RFC 5652), detached, DER, with the certificate and those of its authorities; base64. Never a private key"`
		Device    struct {
			ID     string `json:"id" format:"uuid" doc:"Drawn when the app was installed"`
			Name   string `json:"name,omitempty" maxLength:"100" doc:"Shown in the list of sessions"`
			Secret string `json:"secret" minLength:"32" maxLength:"128" doc:"Drawn at random when the app was installed; never leaves it but here and to refresh"`
		} `json:"device"`
	}
}

type askRequest struct {
	Body struct {
		Purpose string `json:"purpose" enum:"bind,confirm" doc:"bind: the certificate's owner signs in to this account from now on; confirm: a request of yours"`
		Action  string `json:"action,omitempty" maxLength:"64" doc:"confirm: what is confirmed, a word such as grant.give"`
		Digest  string `json:"digest,omitempty" maxLength:"64" doc:"confirm: SHA-256 of the request, 64 hexadecimal digits"`
	}
}

type confirmationBody struct {
	ID     string    `json:"id" format:"uuid"`
	Action string    `json:"action"`
	Digest string    `json:"digest"`
	At     time.Time `json:"at"`
}

type confirmationReply struct {
	Body struct {
		ID           string    `json:"id" format:"uuid"`
		Action       string    `json:"action"`
		Digest       string    `json:"digest"`
		At           time.Time `json:"at"`
		Issuer       string    `json:"issuer" doc:"Who gave the certificate"`
		Serial       string    `json:"serial" doc:"Its number there, hexadecimal"`
		Until        time.Time `json:"until" doc:"The certificate's last moment"`
		Content      []byte    `json:"content" doc:"What was signed, base64"`
		Signature    []byte    `json:"signature" doc:"The detached CMS message, base64"`
		Certificates [][]byte  `json:"certificates" doc:"From the owner's to the root, DER in base64: at that moment all held, and none was revoked"`
	}
}

type confirmationsRequest struct {
	Digest string `query:"digest" maxLength:"64" doc:"Only those of the request with this SHA-256"`
}

type confirmationsReply struct {
	Body struct {
		Confirmations []confirmationBody `json:"confirmations" doc:"From the newest; at most 100"`
	}
}

type confirmationRequest struct {
	ID string `path:"id" format:"uuid"`
}

// checking is the deadline of routes that check a signature: an authority may have to be asked.
const checking = 25 * time.Second

// largestSignature is the largest body with a signature.
const largestSignature = 112 << 10

// signatureRoutes take electronic signatures.
func (a *API) signatureRoutes() {
	const tag = "signatures"
	operate(a, Route{ID: "signInChallenge", Method: http.MethodPost, Path: "/v1/auth/signature/challenge", Tag: tag, Summary: "Get a challenge to sign in with a certificate", Access: Public()},
		func(context.Context, *struct{}) (*challengeReply, error) {
			return showAsked(a.Signing.Ask(signature.SignIn, identity.Actor{}, "", ""))
		})
	operate(a, Route{ID: "signInBySignature", Method: http.MethodPost, Path: "/v1/auth/signature", Tag: tag, Summary: "Open a session with the signed challenge", Access: Public(), MaxBody: largestSignature, Deadline: checking},
		func(ctx context.Context, in *signedSignInRequest) (*tokensReply, error) {
			d := in.Body.Device
			t, err := a.Enrolling.SignInBySignature(ctx, in.Body.Challenge, in.Body.Signature, enrolling.Device{ID: d.ID, Name: d.Name, Secret: d.Secret}, origin(ctx))
			return showTokens(t), err
		})
	operate(a, Route{ID: "signatureChallenge", Method: http.MethodPost, Path: "/v1/signatures/challenge", Tag: tag, Summary: "Get a challenge to bind a certificate, or to confirm a request with one", Access: Patients()},
		func(ctx context.Context, in *askRequest) (*challengeReply, error) {
			return showAsked(a.Signing.Ask(signature.Purpose(in.Body.Purpose), actorFrom(ctx), in.Body.Action, in.Body.Digest))
		})
	operate(a, Route{ID: "bindSignature", Method: http.MethodPut, Path: "/v1/me/signature", Tag: tag, Summary: "Let the owner of the certificate sign in to this account", Access: Patients(), Status: http.StatusNoContent, MaxBody: largestSignature, Deadline: checking},
		func(ctx context.Context, in *answeredRequest) (*struct{}, error) {
			return nil, a.Signing.Bind(ctx, actorFrom(ctx), in.Body.Challenge, in.Body.Signature)
		})
	operate(a, Route{ID: "unbindSignature", Method: http.MethodDelete, Path: "/v1/me/signature", Tag: tag, Summary: "No certificate opens this account any more", Access: Patients(), Status: http.StatusNoContent},
		func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			return nil, a.Signing.Unbind(ctx, actorFrom(ctx))
		})
	operate(a, Route{ID: "confirmRequest", Method: http.MethodPost, Path: "/v1/signatures", Tag: tag, Summary: "Confirm a request with the signed challenge; the signature is kept", Access: Patients(), Status: http.StatusCreated, MaxBody: largestSignature, Deadline: checking},
		func(ctx context.Context, in *answeredRequest) (*confirmationReply, error) {
			return showConfirmation(a.Signing.Confirm(ctx, actorFrom(ctx), in.Body.Challenge, in.Body.Signature))
		})
	operate(a, Route{ID: "listSignatures", Method: http.MethodGet, Path: "/v1/signatures", Tag: tag, Summary: "What this account confirmed by signatures", Access: Patients()},
		a.listSignatures)
	operate(a, Route{ID: "getSignature", Method: http.MethodGet, Path: "/v1/signatures/{id}", Tag: tag, Summary: "A confirmation with all that is needed to check it again", Access: Patients().For(Own)},
		func(ctx context.Context, in *confirmationRequest) (*confirmationReply, error) {
			return showConfirmation(a.Signing.Show(ctx, actorFrom(ctx), signature.ID(in.ID)))
		})
}

func showAsked(c signing.Asked, err error) (*challengeReply, error) {
	out := new(challengeReply)
	out.Body.Challenge, out.Body.Content, out.Body.Ends = c.Token, c.Content, c.Ends
	return out, err
}

func (a *API) listSignatures(ctx context.Context, in *confirmationsRequest) (*confirmationsReply, error) {
	list, err := a.Signing.List(ctx, actorFrom(ctx), in.Digest)
	out := new(confirmationsReply)
	out.Body.Confirmations = make([]confirmationBody, len(list))
	for i, c := range list {
		out.Body.Confirmations[i] = confirmationBody{ID: string(c.ID), Action: c.Action, Digest: c.Digest.String(), At: c.At}
	}
	return out, err
}

func showConfirmation(c signature.Confirmation, err error) (*confirmationReply, error) {
	out := new(confirmationReply)
	b := &out.Body
	b.ID, b.Action, b.Digest, b.At = string(c.ID), c.Action, c.Digest.String(), c.At
	b.Issuer, b.Serial, b.Until = c.Proof.Issuer, c.Proof.Serial, c.Proof.Until
	b.Content, b.Signature, b.Certificates = c.Proof.Content, c.Proof.Message, c.Proof.Chain
	return out, err
}
