package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/dispensing"
	"github.com/medcard/medcard/domain/prescription"
)

type supplyBody struct {
	RegisteredAt time.Time  `json:"registeredAt"`
	DueAt        time.Time  `json:"dueAt" doc:"The end of the term of the law, in working days"`
	ArrivedAt    *time.Time `json:"arrivedAt,omitempty"`
	KeptUntil    time.Time  `json:"keptUntil" doc:"Until then the prescription does not expire for this pharmacy"`
}

type deferRequest struct {
	ID   string `path:"id" format:"uuid"`
	Body struct {
		Secret         string `json:"secret" maxLength:"128"`
		IdempotencyKey string `json:"idempotencyKey" minLength:"8" maxLength:"128"`
		Assortment     string `json:"assortment" enum:"minimum,other,commission" doc:"Decides the term, unless the prescription is marked cito or statim"`
	}
}

type suppliesReply struct {
	Body struct {
		Deferred []deferredBody `json:"deferred"`
	}
}

type deferredBody struct {
	ID      string     `json:"id" format:"uuid"`
	Supply  supplyBody `json:"supply"`
	Overdue bool       `json:"overdue"`
}

// supplyRoutes are a pharmacy that has to get the medicine first.
func (a *API) supplyRoutes() {
	const tag = "dispensing"
	access := Pharmacies(dispensing.Right)
	operate(a, Route{ID: "deferDispensing", Method: http.MethodPost, Path: "/v1/dispensing/{id}/defer", Tag: tag, Summary: "Register that the medicine has to be ordered; the hold ends", Access: access.For(Held)},
		func(ctx context.Context, in *deferRequest) (*courseReply, error) {
			course, err := a.Dispensing.Defer(ctx, actorFrom(ctx), prescription.ID(in.ID), in.Body.Secret, prescription.Assortment(in.Body.Assortment),
				dispensing.Ask{Key: in.Body.IdempotencyKey, Request: requestID(ctx)})
			return showCourse(in.ID, course), err
		})
	operate(a, Route{ID: "supplyArrived", Method: http.MethodPost, Path: "/v1/dispensing/{id}/arrived", Tag: tag, Summary: "The ordered medicine is there; the patient is told", Access: access.For(Held)},
		func(ctx context.Context, in *onceRequest) (*courseReply, error) {
			course, err := a.Dispensing.Arrived(ctx, actorFrom(ctx), prescription.ID(in.ID), in.ask(ctx))
			return showCourse(in.ID, course), err
		})
	operate(a, Route{ID: "withdrawSupply", Method: http.MethodPost, Path: "/v1/dispensing/{id}/withdraw", Tag: tag, Summary: "End a deferral without the medicine", Access: access.For(Held)},
		func(ctx context.Context, in *onceRequest) (*courseReply, error) {
			course, err := a.Dispensing.Withdraw(ctx, actorFrom(ctx), prescription.ID(in.ID), in.ask(ctx))
			return showCourse(in.ID, course), err
		})
	operate(a, Route{ID: "listSupplies", Method: http.MethodGet, Path: "/v1/dispensing/deferred", Tag: tag, Summary: "What the pharmacy has ordered, the next term first", Access: access},
		func(ctx context.Context, _ *struct{}) (*suppliesReply, error) {
			list, err := a.Dispensing.Supplies(ctx, actorFrom(ctx))
			if err != nil {
				return nil, err
			}
			now := a.clock()
			out := new(suppliesReply)
			out.Body.Deferred = []deferredBody{}
			for _, d := range list {
				out.Body.Deferred = append(out.Body.Deferred, deferredBody{ID: string(d.Prescription), Supply: *showSupply(d.Supply), Overdue: d.Supply.Overdue(now)})
			}
			return out, nil
		})
}

func showSupply(s prescription.Supply) *supplyBody {
	if s.Holder == "" {
		return nil
	}
	return &supplyBody{RegisteredAt: s.Registered, DueAt: s.Due, ArrivedAt: maybe(s.Arrived), KeptUntil: s.Ends()}
}
