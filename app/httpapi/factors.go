package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/domain/account"
)

type factorsReply struct {
	Body struct {
		Authenticator *time.Time      `json:"authenticator,omitempty" doc:"Since when an authenticator app is the second factor; absent = codes come by SMS"`
		RecoveryCodes int             `json:"recoveryCodes" doc:"How many are not used yet"`
		Passkeys      []listedPasskey `json:"passkeys"`
		Links         []linkBody      `json:"links" doc:"External providers that do in place of the password"`
	}
}

type secretReply struct {
	Body struct {
		URI    string    `json:"uri" doc:"otpauth, to be shown as a QR code. It is given once"`
		Secret string    `json:"secret" doc:"The same to type into an app that cannot scan: base 32, SHA-1, six digits, 30 seconds"`
		Ends   time.Time `json:"ends" doc:"The first code must be confirmed before"`
	}
}

type codeRequest struct {
	Body struct {
		Code string `json:"code" maxLength:"20"`
	}
}

type recoveryCodesReply struct {
	Body struct {
		Codes []string `json:"codes" doc:"Each does once in place of a second factor. They are given once; those from before are worthless now"`
	}
}

type provedReply struct {
	Body struct {
		Until time.Time `json:"until" doc:"Till then this session may do what asks for a step-up"`
	}
}

// factorRoutes are a person's second factors, and showing one again. What needs a fresh one is refused with step_up.required.
func (a *API) factorRoutes() {
	const tag, fresh = "people", " (needs a step-up)"
	operate(a, Route{ID: "stepUp", Method: http.MethodPost, Path: "/v1/auth/step-up", Tag: tag, Summary: "Ask for the second factor once more, before a dangerous act", Access: Patients(), Deadline: sending},
		func(ctx context.Context, _ *struct{}) (*signInReply, error) {
			c, err := a.Enrolling.StepUp(ctx, actorFrom(ctx), origin(ctx))
			return showChallenge(c), err
		})
	operate(a, Route{ID: "confirmStepUp", Method: http.MethodPost, Path: "/v1/auth/step-up/confirm", Tag: tag, Summary: "Show the second factor once more", Access: Patients(), Deadline: sending},
		func(ctx context.Context, in *secondFactorRequest) (*provedReply, error) {
			until, err := a.Enrolling.ProveAgain(ctx, actorFrom(ctx), account.ChallengeID(in.Body.Challenge), in.Body.Code)
			out := new(provedReply)
			out.Body.Until = until
			return out, err
		})
	operate(a, Route{ID: "factors", Method: http.MethodGet, Path: "/v1/me/factors", Tag: tag, Summary: "The second factors of the account", Access: Patients()},
		a.factors)
	operate(a, Route{ID: "enrolAuthenticator", Method: http.MethodPost, Path: "/v1/me/factors/authenticator", Tag: tag, Summary: "Get a secret for an authenticator app" + fresh, Access: Patients()},
		func(ctx context.Context, _ *struct{}) (*secretReply, error) {
			s, err := a.Enrolling.EnrolApp(ctx, actorFrom(ctx))
			out := new(secretReply)
			out.Body.URI, out.Body.Secret, out.Body.Ends = s.URI, s.Text, s.Ends
			return out, err
		})
	operate(a, Route{ID: "confirmAuthenticator", Method: http.MethodPost, Path: "/v1/me/factors/authenticator/confirm", Tag: tag, Summary: "Show the app's first code: it is the second factor from now on" + fresh, Access: Patients(), Status: http.StatusNoContent, Deadline: sending},
		func(ctx context.Context, in *codeRequest) (*struct{}, error) {
			return nil, a.Enrolling.ConfirmApp(ctx, actorFrom(ctx), in.Body.Code)
		})
	operate(a, Route{ID: "removeAuthenticator", Method: http.MethodDelete, Path: "/v1/me/factors/authenticator", Tag: tag, Summary: "Take the authenticator app off" + fresh, Access: Patients(), Status: http.StatusNoContent, Deadline: sending},
		func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			return nil, a.Enrolling.RemoveApp(ctx, actorFrom(ctx))
		})
	operate(a, Route{ID: "newRecoveryCodes", Method: http.MethodPost, Path: "/v1/me/factors/recovery-codes", Tag: tag, Summary: "Make new recovery codes, to be written down" + fresh, Access: Patients(), Deadline: sending},
		func(ctx context.Context, _ *struct{}) (*recoveryCodesReply, error) {
			codes, err := a.Enrolling.NewRecoveryCodes(ctx, actorFrom(ctx))
			out := new(recoveryCodesReply)
			out.Body.Codes = make([]string, len(codes))
			for i, c := range codes {
				out.Body.Codes[i] = c.Printed()
			}
			return out, err
		})
}

func (a *API) factors(ctx context.Context, _ *struct{}) (*factorsReply, error) {
	f, err := a.Enrolling.Factors(ctx, actorFrom(ctx))
	out := new(factorsReply)
	if !f.App.IsZero() {
		out.Body.Authenticator = &f.App
	}
	out.Body.RecoveryCodes, out.Body.Passkeys = f.RecoveryCodes, showPasskeys(f.Passkeys)
	out.Body.Links = showLinks(f.Links)
	return out, err
}
