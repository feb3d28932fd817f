package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/domain/account"
)

type changePasswordRequest struct {
	Body struct {
		Current  string `json:"current" maxLength:"1024"`
		Password string `json:"password" maxLength:"1024" doc:"The new one, 8 to 128 characters"`
	}
}

type lostPasswordRequest struct {
	Body struct {
		Login  string  `json:"login" maxLength:"254" doc:"Phone number or e-mail address"`
		Device appBody `json:"device"`
	}
}

type lostPasswordReply struct {
	Body struct {
		Recovery string    `json:"recovery" format:"uuid" doc:"Send it back with both codes. It is given whether or not there is an account"`
		Ends     time.Time `json:"ends"`
	}
}

type foundPasswordRequest struct {
	Body struct {
		Recovery  string `json:"recovery" format:"uuid"`
		PhoneCode string `json:"phoneCode" maxLength:"20"`
		EmailCode string `json:"emailCode" maxLength:"20"`
		Password  string `json:"password" maxLength:"1024" doc:"The new one, 8 to 128 characters"`
	}
}

// passwordRoutes are for another password, by who knows the old one and by who lost it.
func (a *API) passwordRoutes() {
	const tag = "people"
	operate(a, Route{ID: "changePassword", Method: http.MethodPost, Path: "/v1/me/password", Tag: tag, Summary: "Change the password; all other devices are signed out (needs a step-up)", Access: Patients(), Status: http.StatusNoContent, Deadline: sending},
		func(ctx context.Context, in *changePasswordRequest) (*struct{}, error) {
			return nil, a.Enrolling.ChangePassword(ctx, actorFrom(ctx), in.Body.Current, in.Body.Password)
		})
	operate(a, Route{ID: "lostPassword", Method: http.MethodPost, Path: "/v1/auth/lost-password", Tag: tag, Summary: "Ask for a new password: one code goes to the phone, another to the e-mail address", Access: Public(), Status: http.StatusAccepted},
		func(ctx context.Context, in *lostPasswordRequest) (*lostPasswordReply, error) {
			lost, err := a.Enrolling.LostPassword(ctx, in.Body.Login, in.Body.Device.device(), origin(ctx))
			out := new(lostPasswordReply)
			out.Body.Recovery, out.Body.Ends = string(lost.ID), lost.Ends
			return out, err
		})
	operate(a, Route{ID: "foundPassword", Method: http.MethodPost, Path: "/v1/auth/lost-password/confirm", Tag: tag, Summary: "Set a new password with both codes; every session ends", Access: Public(), Status: http.StatusNoContent, Deadline: sending},
		func(ctx context.Context, in *foundPasswordRequest) (*struct{}, error) {
			b := in.Body
			return nil, a.Enrolling.FoundPassword(ctx, account.ChallengeID(b.Recovery), b.PhoneCode, b.EmailCode, b.Password, origin(ctx))
		})
}
