package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/enrolling"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
)

type policyRequest struct {
	Body struct {
		Number  string     `json:"number" maxLength:"40" doc:"The unified number of the policy of compulsory medical insurance, 16 digits"`
		Insurer string     `json:"insurer,omitempty" format:"uuid" doc:"Which of several insurers whose policies begin as the number does: GET /v1/insurers"`
		Holder  *NamedBody `json:"holder,omitempty" doc:"The person as the policy names him: an insurer that is connected compares it, and nobody else sees it"`
	}
}

type policyCodeRequest struct {
	Body struct {
		Code string `json:"code" maxLength:"20" doc:"As the insurer sent it"`
	}
}

type policyBody struct {
	Number  string     `json:"number"`
	Status  string     `json:"status" enum:"pending,linked,failed" doc:"pending: the insurer's answer or its code is awaited; failed: the policy is somebody else's, or its insurer did not confirm it"`
	Asked   time.Time  `json:"asked"`
	Insurer string     `json:"insurer,omitempty" doc:"Which is asked to confirm it; absent = none is connected, and the code goes to the account's own number"`
	Sent    *time.Time `json:"sent,omitempty" doc:"When the insurer took the code that it sends to the number it has on file"`
	Reason  string     `json:"reason,omitempty" enum:"notOurs,otherPerson,ended,noPhone,unanswered" doc:"Why the insurer did not confirm it"`
	Settled *time.Time `json:"settled,omitempty"`
}

type policyReply struct{ Body policyBody }

type policiesReply struct {
	Body struct {
		Policies []policyBody `json:"policies" doc:"One, or none"`
	}
}

type insurerBody struct {
	ID       string   `json:"id" format:"uuid"`
	Name     string   `json:"name"`
	Policies []string `json:"policies" doc:"With what the numbers of its policies begin"`
}

type insurersReply struct {
	Body struct {
		Insurers []insurerBody `json:"insurers"`
	}
}

// policyRoutes link a person's policy, which its insurer confirms by a code.
func (a *API) policyRoutes() {
	const tag, path = "documents", "/v1/me/policies"
	operate(a, Route{ID: "insurers", Method: http.MethodGet, Path: "/v1/insurers", Tag: tag, Summary: "Insurers that confirm policies here, with what the numbers of theirs begin", Access: Patients()},
		func(ctx context.Context, _ *struct{}) (*insurersReply, error) {
			list, err := a.Enrolling.Insurers(ctx)
			out := new(insurersReply)
			out.Body.Insurers = make([]insurerBody, len(list))
			for i, c := range list {
				out.Body.Insurers[i] = insurerBody{ID: string(c.ID), Name: c.Name, Policies: c.Policies}
			}
			return out, err
		})
	operate(a, Route{ID: "policies", Method: http.MethodGet, Path: path, Tag: tag, Summary: "The person's policy, and how far its confirmation is", Access: Patients()},
		func(ctx context.Context, _ *struct{}) (*policiesReply, error) {
			link, found, err := a.Enrolling.Policy(ctx, actorFrom(ctx))
			out := new(policiesReply)
			out.Body.Policies = []policyBody{}
			if found {
				out.Body.Policies = append(out.Body.Policies, showPolicy(link).Body)
			}
			return out, err
		})
	operate(a, Route{ID: "linkPolicy", Method: http.MethodPost, Path: path, Tag: tag, Summary: "Name a policy: its insurer is asked to confirm it, and sends a code", Access: Patients(), Status: http.StatusAccepted, Deadline: sending},
		func(ctx context.Context, in *policyRequest) (*policyReply, error) {
			link, err := a.Enrolling.LinkPolicy(ctx, actorFrom(ctx), in.named(), origin(ctx))
			return showPolicy(link), err
		})
	operate(a, Route{ID: "confirmPolicy", Method: http.MethodPost, Path: path + "/confirm", Tag: tag, Summary: "Link the policy by the insurer's code", Access: Patients()},
		func(ctx context.Context, in *policyCodeRequest) (*policyReply, error) {
			link, err := a.Enrolling.ConfirmPolicy(ctx, actorFrom(ctx), in.Body.Code, origin(ctx))
			return showPolicy(link), err
		})
}

func showPolicy(l evidence.Link) *policyReply {
	b := policyBody{Number: string(l.Number), Status: string(l.State), Asked: l.Asked, Settled: optional(l.Settled), Insurer: l.Name, Reason: string(l.Refusal)}
	if l.Refusal == "" {
		b.Sent = optional(l.Answered)
	}
	return &policyReply{Body: b}
}

func (in *policyRequest) named() enrolling.NamedPolicy {
	p := enrolling.NamedPolicy{Number: in.Body.Number, Insurer: identity.ClientID(in.Body.Insurer)}
	if h := in.Body.Holder; h != nil {
		p.Holder = family.Named{Name: card.Name{Family: h.Family, Given: h.Given}, Born: card.Date(h.Born)}
	}
	return p
}
