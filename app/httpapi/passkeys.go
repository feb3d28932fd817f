package httpapi

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/enrolling"
	"github.com/medcard/medcard/domain/account"
)

type ceremonyReply struct {
	Body struct {
		Ceremony string    `json:"ceremony" format:"uuid" doc:"Send it back with the authenticator's answer; it is good once"`
		Options  string    `json:"options" doc:"JSON text, as the platform's credential API takes it"`
		Ends     time.Time `json:"ends"`
	}
}

type passkeySignInRequest struct {
	Body struct {
		Device appBody `json:"device"`
	}
}

type signedRequest struct {
	Body struct {
		Ceremony string `json:"ceremony" format:"uuid"`
		Response string `json:"response" maxLength:"16384" doc:"JSON text, as the platform's credential API gave it"`
	}
}

type newPasskeyRequest struct {
	Body struct {
		Ceremony string `json:"ceremony" format:"uuid"`
		Name     string `json:"name,omitempty" maxLength:"100" doc:"To tell it from others"`
		Response string `json:"response" maxLength:"16384" doc:"JSON text, as the platform's credential API gave it"`
	}
}

type passkeyPath struct {
	Passkey string `path:"passkey" maxLength:"1400" doc:"Its id, from GET /v1/me/factors"`
}

type listedPasskey struct {
	ID    string     `json:"id" doc:"The credential id, base64url"`
	Name  string     `json:"name,omitempty"`
	Added time.Time  `json:"added"`
	Used  *time.Time `json:"used,omitempty"`
}

func showCeremony(c enrolling.Ceremony) *ceremonyReply {
	out := new(ceremonyReply)
	out.Body.Ceremony, out.Body.Options, out.Body.Ends = string(c.ID), c.Options, c.Ends
	return out
}

func showPasskeys(list []account.Passkey) []listedPasskey {
	out := make([]listedPasskey, len(list))
	for i, p := range list {
		out[i] = listedPasskey{ID: base64.RawURLEncoding.EncodeToString(p.ID), Name: p.Name, Added: p.Added}
		if !p.Used.IsZero() {
			out[i].Used = &list[i].Used
		}
	}
	return out
}

// passkeyRoutes are WebAuthn's ceremonies: each asks for options and sends back what the authenticator made of them.
func (a *API) passkeyRoutes() {
	const tag, fresh = "people", " (needs a step-up)"
	operate(a, Route{ID: "passkeySignIn", Method: http.MethodPost, Path: "/v1/auth/passkey", Tag: tag, Summary: "Start a sign-in with a passkey; no login is asked for", Access: Public()},
		func(ctx context.Context, in *passkeySignInRequest) (*ceremonyReply, error) {
			c, err := a.Enrolling.BeginPasskeySignIn(ctx, in.Body.Device.device(), origin(ctx))
			return showCeremony(c), err
		})
	operate(a, Route{ID: "confirmPasskeySignIn", Method: http.MethodPost, Path: "/v1/auth/passkey/confirm", Tag: tag, Summary: "Open a session with what the authenticator signed", Access: Public(), Deadline: sending},
		func(ctx context.Context, in *signedRequest) (*tokensReply, error) {
			t, err := a.Enrolling.PasskeySignIn(ctx, account.ChallengeID(in.Body.Ceremony), in.Body.Response, origin(ctx))
			return showTokens(t), err
		})
	operate(a, Route{ID: "stepUpByPasskey", Method: http.MethodPost, Path: "/v1/auth/step-up/passkey", Tag: tag, Summary: "Start a step-up with a passkey", Access: Patients()},
		func(ctx context.Context, _ *struct{}) (*ceremonyReply, error) {
			c, err := a.Enrolling.BeginPasskeyProof(ctx, actorFrom(ctx))
			return showCeremony(c), err
		})
	operate(a, Route{ID: "confirmStepUpByPasskey", Method: http.MethodPost, Path: "/v1/auth/step-up/passkey/confirm", Tag: tag, Summary: "Step up with what the authenticator signed", Access: Patients()},
		func(ctx context.Context, in *signedRequest) (*provedReply, error) {
			until, err := a.Enrolling.ProvePasskey(ctx, actorFrom(ctx), account.ChallengeID(in.Body.Ceremony), in.Body.Response)
			out := new(provedReply)
			out.Body.Until = until
			return out, err
		})
	operate(a, Route{ID: "beginPasskey", Method: http.MethodPost, Path: "/v1/me/factors/passkeys", Tag: tag, Summary: "Start the making of a passkey" + fresh, Access: Patients()},
		func(ctx context.Context, _ *struct{}) (*ceremonyReply, error) {
			c, err := a.Enrolling.BeginPasskey(ctx, actorFrom(ctx))
			return showCeremony(c), err
		})
	operate(a, Route{ID: "addPasskey", Method: http.MethodPost, Path: "/v1/me/factors/passkeys/confirm", Tag: tag, Summary: "Register the passkey that the authenticator made" + fresh, Access: Patients(), Status: http.StatusNoContent, Deadline: sending},
		func(ctx context.Context, in *newPasskeyRequest) (*struct{}, error) {
			return nil, a.Enrolling.AddPasskey(ctx, actorFrom(ctx), account.ChallengeID(in.Body.Ceremony), in.Body.Name, in.Body.Response)
		})
	operate(a, Route{ID: "removePasskey", Method: http.MethodDelete, Path: "/v1/me/factors/passkeys/{passkey}", Tag: tag, Summary: "Remove a passkey" + fresh, Access: Patients().For(Own), Status: http.StatusNoContent, Deadline: sending},
		func(ctx context.Context, in *passkeyPath) (*struct{}, error) {
			id, _ := base64.RawURLEncoding.DecodeString(in.Passkey) // what is no id is nobody's
			return nil, a.Enrolling.RemovePasskey(ctx, actorFrom(ctx), id)
		})
}
