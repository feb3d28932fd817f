package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/notifying"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/notice"
)

type contactRequest struct {
	Body struct {
		Carrier  string `json:"carrier" enum:"fcm,fid" doc:"fcm: a Firebase registration token; fid: a Firebase installation id"`
		Token    string `json:"token" minLength:"1" maxLength:"2048"`
		Language string `json:"language,omitempty" enum:"ru,en" doc:"Of the line a push shows; absent = the app looks the words up itself"`
	}
}

type reminderRequest struct {
	Key  string `header:"Idempotency-Key" required:"true" minLength:"8" maxLength:"128" pattern:"^[ -~]*$" doc:"ASCII. Send the same again to be sure that the reminder was taken"`
	Body struct {
		Card     string    `json:"card" format:"uuid"`
		Template string    `json:"template" enum:"appointment" doc:"What the patient reads is ours; there is no field for a text"`
		Subject  string    `json:"subject" pattern:"^[A-Za-z0-9.-]{1,64}$" doc:"Your id of the appointment"`
		Starts   time.Time `json:"startsAt" doc:"RFC 3339 with your own offset: quiet hours are those of the place"`
	}
}

type reminderReply struct {
	Body struct {
		ID   string    `json:"id" format:"uuid"`
		Send time.Time `json:"sendAt" doc:"When the patient's phones are told"`
	}
}

// noticeRoutes are how phones can be reached, and what clinics may have them told.
func (a *API) noticeRoutes() {
	if a.Notifying == nil {
		return
	}
	const tag = "notices"
	operate(a, Route{ID: "registerPushToken", Method: http.MethodPost, Path: "/v1/push-tokens", Tag: tag, Summary: "Reach this device by push", Access: Patients(), Status: http.StatusNoContent},
		func(ctx context.Context, in *contactRequest) (*struct{}, error) {
			return nil, a.Notifying.Register(ctx, actorFrom(ctx), in.Body.Carrier, in.Body.Token, account.Language(in.Body.Language))
		})
	operate(a, Route{ID: "triggerReminder", Method: http.MethodPost, Path: "/v1/clinic/reminders", Tag: tag, Summary: "Remind a patient of an appointment", Access: Clinics(notifying.Right).For(AnyCard), Status: http.StatusAccepted},
		func(ctx context.Context, in *reminderRequest) (*reminderReply, error) {
			r, err := a.Notifying.Trigger(ctx, actorFrom(ctx), notifying.Ask{
				Card: card.ID(in.Body.Card), Template: notice.Template(in.Body.Template), Subject: in.Body.Subject,
				Starts: in.Body.Starts, Key: in.Key, Request: requestID(ctx),
			})
			out := new(reminderReply)
			out.Body.ID, out.Body.Send = string(r.ID), r.At.UTC()
			return out, err
		})
}
