package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/domain/account"
)

type changeContactRequest struct {
	Body struct {
		Phone string `json:"phone,omitempty" maxLength:"40" doc:"The new number, or"`
		Email string `json:"email,omitempty" maxLength:"254" doc:"the new address: one of the two"`
	}
}

type changeContactReply struct {
	Body struct {
		Change string    `json:"change" format:"uuid"`
		Ends   time.Time `json:"ends"`
		To     string    `json:"to" doc:"Where the code went, masked"`
	}
}

type confirmContactRequest struct {
	Body struct {
		Change string `json:"change" format:"uuid"`
		Code   string `json:"code" maxLength:"20"`
	}
}

// contactRoutes are for another phone number or e-mail address.
func (a *API) contactRoutes() {
	const tag, path = "people", "/v1/me/contacts"
	operate(a, Route{ID: "changeContact", Method: http.MethodPost, Path: path, Tag: tag, Summary: "Have a code sent to a new phone number or e-mail address (needs a step-up). The answer does not tell whether somebody has it", Access: Patients(), Status: http.StatusAccepted, Deadline: sending},
		func(ctx context.Context, in *changeContactRequest) (*changeContactReply, error) {
			change, err := a.Enrolling.ChangeContact(ctx, actorFrom(ctx), in.Body.Phone, in.Body.Email, origin(ctx))
			out := new(changeContactReply)
			out.Body.Change, out.Body.Ends, out.Body.To = string(change.ID), change.Ends, change.To
			return out, err
		})
	operate(a, Route{ID: "confirmContact", Method: http.MethodPost, Path: path + "/confirm", Tag: tag, Summary: "Put the new contact in the place of the old one, which is told", Access: Patients(), Status: http.StatusNoContent, Deadline: sending},
		func(ctx context.Context, in *confirmContactRequest) (*struct{}, error) {
			return nil, a.Enrolling.ConfirmContact(ctx, actorFrom(ctx), account.ChallengeID(in.Body.Change), in.Body.Code)
		})
}
