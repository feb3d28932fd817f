package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/domain/account"
)

type eventsRequest struct {
	Below string `query:"below" format:"uuid" doc:"The next of the page before; absent = from the newest"`
}

type eventBody struct {
	ID           string    `json:"id" format:"uuid"`
	Kind         string    `json:"kind" enum:"registered,signedIn,signInRefused,signedOut,sessionEnded,password,contact,authenticator,recoveryCodes,passkey,certificate,external,practitioner,lock"`
	What         string    `json:"what,omitempty" doc:"More of it, in English words: added, removed, new device"`
	At           time.Time `json:"at"`
	Last         time.Time `json:"last" doc:"When last, of several in one"`
	Count        int       `json:"count" doc:"How often: refused sign-ins of an hour from one network are one event"`
	Device       string    `json:"device,omitempty" doc:"From which installation of the app"`
	DeviceName   string    `json:"deviceName,omitempty" doc:"What it is called; absent where it is none of yours any more"`
	Organisation string    `json:"organisation,omitempty" doc:"The clinic that did it"`
}

type eventsReply struct {
	Body struct {
		Events []eventBody `json:"events"`
		Next   string      `json:"next,omitempty" doc:"Send it as below for the next page"`
	}
}

// eventRoutes show a person what was done with his account.
func (a *API) eventRoutes() {
	operate(a, Route{ID: "accountEvents", Method: http.MethodGet, Path: "/v1/me/events", Tag: "people", Summary: "What was done with this account: sign-ins and who was refused, and changes of the ways in", Access: Patients()},
		func(ctx context.Context, in *eventsRequest) (*eventsReply, error) {
			page, more, err := a.Enrolling.Events(ctx, actorFrom(ctx), account.EventID(in.Below))
			out := new(eventsReply)
			out.Body.Events = make([]eventBody, len(page))
			for i, e := range page {
				out.Body.Events[i] = eventBody{
					ID: string(e.ID), Kind: string(e.Kind), What: e.What, At: e.At, Last: e.Last, Count: e.Count, Device: string(e.Device), DeviceName: e.DeviceName, Organisation: e.Organisation,
				}
				if more {
					out.Body.Next = string(e.ID)
				}
			}
			return out, err
		})
}
