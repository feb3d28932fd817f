package httpapi

import (
	"context"
	"net/http"
	"time"
)

type destroyedReply struct {
	Body struct {
		Cards []destroyedBody `json:"cards"`
	}
}

type destroyedBody struct {
	Card  string    `json:"card" format:"uuid"`
	At    time.Time `json:"at"`
	Order string    `json:"order" doc:"Which document ordered it"`
	Ask   string    `json:"ask" doc:"Whom to ask about it"`
}

// destroyedRoute tells a person which cards are gone, and why.
func (a *API) destroyedRoute() {
	operate(a, Route{ID: "destroyedCards", Method: http.MethodGet, Path: "/v1/me/destroyed-cards", Tag: "people", Summary: "Cards of yours that were destroyed: by what order, and whom to ask", Access: Patients()},
		func(ctx context.Context, _ *struct{}) (*destroyedReply, error) {
			list, err := a.Alerting.Destroyed(ctx, actorFrom(ctx))
			out := new(destroyedReply)
			out.Body.Cards = make([]destroyedBody, len(list))
			for i, d := range list {
				out.Body.Cards[i] = destroyedBody{Card: string(d.Card), At: d.At, Order: d.Order, Ask: d.Ask}
			}
			return out, err
		})
}
