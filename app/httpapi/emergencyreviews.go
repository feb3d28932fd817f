package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
)

// OpenedPath names an emergency in an address, to a reviewer.
type OpenedPath struct {
	CardPath
	Emergency string `path:"emergency" format:"uuid"`
}

func (p OpenedPath) which(ctx context.Context) granting.Which {
	return granting.Which{Card: card.ID(p.Card), Emergency: consent.GrantID(p.Emergency), Request: requestID(ctx)}
}

type openedRequest struct {
	OpenedPath
	ReviewPurpose
}

type openedVerdictRequest struct {
	OpenedPath
	Body struct {
		Verdict string `json:"verdict" enum:"justified,unjustified" doc:"unjustified ends it at once"`
		Finding string `json:"finding" minLength:"3" maxLength:"500" doc:"What you found out; the owner reads it"`
	}
}

type waitingEmergency struct {
	Card   string    `json:"card" format:"uuid"`
	ID     string    `json:"id" format:"uuid"`
	Clinic string    `json:"clinic"`
	Reason string    `json:"reason"`
	Scopes []string  `json:"scopes"`
	Opened time.Time `json:"opened"`
	Due    time.Time `json:"due" doc:"When it is to be reviewed by"`
}

type waitingEmergenciesReply struct {
	Body struct {
		Emergencies []waitingEmergency `json:"emergencies"`
		Next        string             `json:"next,omitempty" doc:"Send it as after for the next page"`
	}
}

func (a *API) emergencyReviewRoutes(tag string, reviewers Access) {
	const path = "/v1/reviews/emergencies"
	operate(a, Route{ID: "waitingEmergencies", Method: http.MethodGet, Path: path, Tag: tag, Summary: "Cards that were opened in an emergency and wait for their review, the first due first", Access: reviewers},
		func(ctx context.Context, in *queueRequest) (*waitingEmergenciesReply, error) {
			due, ids, err := in.read(2)
			if err != nil {
				return nil, err
			}
			list, more, err := a.Granting.Unreviewed(ctx, actorFrom(ctx), consent.Opening{Due: due, Card: card.ID(ids[0]), ID: consent.GrantID(ids[1])})
			out := new(waitingEmergenciesReply)
			out.Body.Emergencies = make([]waitingEmergency, len(list))
			for i, e := range list {
				out.Body.Emergencies[i] = waitingEmergency{Card: string(e.Card), ID: string(e.ID), Clinic: e.Clinic, Reason: string(e.Reason), Scopes: e.Scopes.Words(), Opened: e.Opened, Due: e.Due}
				if more {
					out.Body.Next = nextOf(e.Due, string(e.Card), string(e.ID))
				}
			}
			return out, err
		})
	operate(a, Route{ID: "lookAtEmergency", Method: http.MethodGet, Path: path + "/{card}/{emergency}", Tag: tag, Summary: "Who opened the card and why, and nothing of what is in it; its owner reads that you looked", Access: reviewers.For(Queue)},
		func(ctx context.Context, in *openedRequest) (*emergencyReply, error) {
			e, err := a.Granting.LookAtEmergency(ctx, actorFrom(ctx), in.which(ctx))
			return &emergencyReply{Body: showEmergency(e)}, err
		})
	operate(a, Route{ID: "judgeEmergency", Method: http.MethodPost, Path: path + "/{card}/{emergency}/verdict", Tag: tag, Summary: "Say whether it was justified, once; the owner is told", Access: reviewers.For(Queue)},
		func(ctx context.Context, in *openedVerdictRequest) (*emergencyReply, error) {
			e, err := a.Granting.Review(ctx, actorFrom(ctx), in.which(ctx), granting.Finding{Verdict: consent.Verdict(in.Body.Verdict), Words: in.Body.Finding})
			return &emergencyReply{Body: showEmergency(e)}, err
		})
}
