package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/incident"
)

type incidentsReply struct {
	Body struct {
		Incidents []incidentBody `json:"incidents"`
	}
}

type incidentBody struct {
	ID    string     `json:"id" format:"uuid"`
	Found time.Time  `json:"found" doc:"When somebody saw that it had happened"`
	Told  time.Time  `json:"told" doc:"When it was found to concern you"`
	Read  *time.Time `json:"read,omitempty" doc:"Absent = you did not say so yet"`
	Words struct {
		Russian string `json:"ru"`
		English string `json:"en"`
	} `json:"words" doc:"What happened, and what to do"`
}

type incidentPath struct {
	Incident string `path:"incident" format:"uuid"`
}

// incidentRoutes tell a person what happened to his data.
func (a *API) incidentRoutes() {
	a.destroyedRoute()
	const tag, path = "people", "/v1/me/incidents"
	operate(a, Route{ID: "incidents", Method: http.MethodGet, Path: path, Tag: tag, Summary: "What happened to your data that should not have", Access: Patients()},
		func(ctx context.Context, _ *struct{}) (*incidentsReply, error) {
			list, err := a.Alerting.Mine(ctx, actorFrom(ctx))
			out := new(incidentsReply)
			out.Body.Incidents = make([]incidentBody, len(list))
			for i, n := range list {
				b := &out.Body.Incidents[i]
				b.ID, b.Found, b.Told = string(n.ID), n.Found, n.Told
				b.Words.Russian, b.Words.English = n.In(account.Russian), n.In(account.English)
				if !n.Read.IsZero() {
					b.Read = &n.Read
				}
			}
			return out, err
		})
	operate(a, Route{ID: "readIncident", Method: http.MethodPost, Path: path + "/{incident}/read", Tag: tag, Summary: "Say that you read it", Access: Patients().For(Own), Status: http.StatusNoContent},
		func(ctx context.Context, in *incidentPath) (*struct{}, error) {
			return nil, a.Alerting.Read(ctx, actorFrom(ctx), incident.ID(in.Incident))
		})
}
