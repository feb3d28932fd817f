package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/enrolling"
	"github.com/medcard/medcard/domain/account"
)

type departureReply struct {
	Body struct {
		Ceremony string    `json:"ceremony" format:"uuid" doc:"Send it back with the provider's code; it is good once"`
		URL      string    `json:"url" doc:"The provider's page, to be opened in the system's browser"`
		State    string    `json:"state" doc:"An answer from the provider with another state is not for this app: drop it"`
		Ends     time.Time `json:"ends"`
	}
}

type arrivalRequest struct {
	Body struct {
		Ceremony string `json:"ceremony" format:"uuid"`
		State    string `json:"state" maxLength:"200"`
		Code     string `json:"code" maxLength:"4096" doc:"As the provider gave it to the app's redirect address"`
	}
}

type linkBody struct {
	Provider string    `json:"provider"`
	Since    time.Time `json:"since"`
}

func showDeparture(d enrolling.Departure) *departureReply {
	out := new(departureReply)
	out.Body.Ceremony, out.Body.URL, out.Body.State, out.Body.Ends = string(d.ID), d.URL, d.State, d.Ends
	return out
}

func showLinks(list []account.Link) []linkBody {
	out := make([]linkBody, len(list))
	for i, l := range list {
		out[i] = linkBody(l)
	}
	return out
}

// externalRoutes are the sign-in through an OpenID provider that the operator has set up.
func (a *API) externalRoutes() {
	const tag, fresh = "people", " (needs a step-up)"
	operate(a, Route{ID: "externalSignIn", Method: http.MethodPost, Path: "/v1/auth/external", Tag: tag, Summary: "Start a sign-in through the external provider", Access: Public(), Deadline: sending},
		func(ctx context.Context, in *passkeySignInRequest) (*departureReply, error) {
			d, err := a.Enrolling.BeginExternal(ctx, in.Body.Device.device(), origin(ctx))
			return showDeparture(d), err
		})
	operate(a, Route{ID: "confirmExternalSignIn", Method: http.MethodPost, Path: "/v1/auth/external/confirm", Tag: tag, Summary: "Bring the provider's code in place of a password; the second factor is still asked for", Access: Public(), Deadline: sending},
		func(ctx context.Context, in *arrivalRequest) (*signInReply, error) {
			c, err := a.Enrolling.ExternalSignIn(ctx, account.ChallengeID(in.Body.Ceremony), in.Body.State, in.Body.Code, origin(ctx))
			return showChallenge(c), err
		})
	operate(a, Route{ID: "beginLink", Method: http.MethodPost, Path: "/v1/me/factors/external", Tag: tag, Summary: "Start to link the account to the external provider" + fresh, Access: Patients(), Deadline: sending},
		func(ctx context.Context, _ *struct{}) (*departureReply, error) {
			d, err := a.Enrolling.BeginLink(ctx, actorFrom(ctx))
			return showDeparture(d), err
		})
	operate(a, Route{ID: "link", Method: http.MethodPost, Path: "/v1/me/factors/external/confirm", Tag: tag, Summary: "Link the account to whom the provider vouches for" + fresh, Access: Patients(), Status: http.StatusNoContent, Deadline: sending},
		func(ctx context.Context, in *arrivalRequest) (*struct{}, error) {
			return nil, a.Enrolling.Link(ctx, actorFrom(ctx), account.ChallengeID(in.Body.Ceremony), in.Body.State, in.Body.Code)
		})
	operate(a, Route{ID: "unlink", Method: http.MethodDelete, Path: "/v1/me/factors/external", Tag: tag, Summary: "Remove the link to the external provider" + fresh, Access: Patients(), Status: http.StatusNoContent, Deadline: sending},
		func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			return nil, a.Enrolling.Unlink(ctx, actorFrom(ctx))
		})
}
