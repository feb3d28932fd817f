package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

type emergencyRequest struct {
	CardPath
	Body struct {
		Scopes []string `json:"scopes" minItems:"1" maxItems:"8" doc:"The sections that are needed, e.g. dx.general, rx.*"`
		Reason string   `json:"reason" enum:"unconscious,lifeThreat,contagion"`
		Words  string   `json:"words" minLength:"10" maxLength:"500" doc:"Why, in the person's own words: the owner and the reviewer read them"`
	}
}

type emergencyBody struct {
	ID       string     `json:"id" format:"uuid" doc:"Of the grant, too: the owner may take it back"`
	Clinic   string     `json:"clinic"`
	Person   string     `json:"person"`
	Role     string     `json:"role"`
	Scopes   []string   `json:"scopes"`
	Reason   string     `json:"reason"`
	Words    string     `json:"words"`
	Opened   time.Time  `json:"opened"`
	Ends     time.Time  `json:"ends"`
	Due      time.Time  `json:"due" doc:"When it is to be reviewed by"`
	Verdict  string     `json:"verdict,omitempty" enum:"justified,unjustified"`
	Reviewed *time.Time `json:"reviewed,omitempty"`
	Reviewer string     `json:"reviewer,omitempty"`
	Finding  string     `json:"finding,omitempty"`
}

type emergencyReply struct{ Body emergencyBody }

type emergenciesReply struct {
	Body struct {
		Emergencies []emergencyBody `json:"emergencies"`
	}
}

// emergencyRoutes open a card without its owner's consent, and show him who did.
func (a *API) emergencyRoutes() {
	const tag, path = "access", "/v1/cards/{card}/emergencies"
	operate(a, Route{ID: "breakGlass", Method: http.MethodPost, Path: path, Tag: tag, Status: http.StatusCreated,
		Summary: "Open sections of a card for an hour in an emergency: its owner is told, and it is reviewed", Access: Organisations("system/*.rs", identity.Clinic).For(AnyCard)},
		func(ctx context.Context, in *emergencyRequest) (*emergencyReply, error) {
			need := granting.Need{
				Card: card.ID(in.Card), Reason: consent.EmergencyReason(in.Body.Reason), Words: in.Body.Words, Scopes: card.ScopesOf(in.Body.Scopes), Request: requestID(ctx),
			}
			e, err := a.Granting.BreakGlass(ctx, actorFrom(ctx), need)
			return &emergencyReply{Body: showEmergency(e)}, err
		})
	operate(a, Route{ID: "listEmergencies", Method: http.MethodGet, Path: path, Tag: tag, Summary: "Who opened this card without being let in, and why?", Access: Speakers()},
		func(ctx context.Context, in *CardPath) (*emergenciesReply, error) {
			list, err := a.Granting.Emergencies(ctx, actorFrom(ctx), card.ID(in.Card))
			out := new(emergenciesReply)
			out.Body.Emergencies = make([]emergencyBody, len(list))
			for i, e := range list {
				out.Body.Emergencies[i] = showEmergency(e)
			}
			return out, err
		})
}

func showEmergency(e consent.Opening) emergencyBody {
	b := emergencyBody{
		ID: string(e.ID), Clinic: e.Clinic, Person: e.Person.Name, Role: e.Person.Role, Reason: string(e.Reason), Words: e.Words, Opened: e.Opened, Ends: e.Ends, Due: e.Due,
		Verdict: string(e.Verdict), Reviewer: e.Reviewer, Finding: e.Finding, Scopes: e.Scopes.Words(),
	}
	if !e.Reviewed.IsZero() {
		b.Reviewed = &e.Reviewed
	}
	return b
}
