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

type proposeRequest struct {
	Body struct {
		Scopes  []string  `json:"scopes" minItems:"1" maxItems:"32" doc:"What you ask to read, e.g. lab.general, rx.*"`
		Purpose string    `json:"purpose" enum:"TREAT,ETREAT" doc:"HL7 v3 PurposeOfUse"`
		Ends    time.Time `json:"ends" doc:"RFC 3339; at most five years from now"`
	}
}

type proposalBody struct {
	ID           string    `json:"id" format:"uuid" doc:"Of the grant that it becomes, too"`
	Organisation string    `json:"organisation"`
	Person       string    `json:"person,omitempty" doc:"Who asks, as the organisation signed it"`
	Role         string    `json:"role,omitempty"`
	Scopes       []string  `json:"scopes"`
	Purpose      string    `json:"purpose"`
	Ends         time.Time `json:"ends" doc:"Until when they want to be let in"`
	Expires      time.Time `json:"expires" doc:"Until when the code stands"`
	Code         string    `json:"code,omitempty" doc:"To who asks alone. Show it to the patient, as it is or as a QR code of this text"`
}

type proposalReply struct{ Body proposalBody }

type proposalPath struct {
	Proposal string `path:"proposal" format:"uuid"`
}

type proposalStateReply struct {
	Body struct {
		State string `json:"state" enum:"waiting,agreed,over"`
		Card  string `json:"card,omitempty" format:"uuid" doc:"The card that you were let into: what the patient agreed to may be less than you asked for, and may end"`
	}
}

type lookRequest struct {
	Body struct {
		Code string `json:"code" maxLength:"64" doc:"As it was typed, or read from the QR code"`
	}
}

type agreeRequest struct {
	CardPath
	Body struct {
		Code   string    `json:"code" maxLength:"64"`
		Scopes []string  `json:"scopes,omitempty" maxItems:"32" doc:"To what of that which they ask for; absent = all"`
		Ends   time.Time `json:"ends,omitzero" doc:"Absent = until when they ask for"`
	}
}

// proposalRoutes let an organisation ask, by a code, to be let in, and a patient agree.
func (a *API) proposalRoutes() {
	const tag, path = "access", "/v1/proposals"
	operate(a, Route{ID: "propose", Method: http.MethodPost, Path: path, Tag: tag, Status: http.StatusCreated,
		Summary: "Ask a patient who is here to let you in, by a code that the app reads", Access: Organisations("system/*.rs", identity.Clinic, identity.Pharmacy)},
		func(ctx context.Context, in *proposeRequest) (*proposalReply, error) {
			p, code, err := a.Granting.Propose(ctx, actorFrom(ctx), granting.Ask{
				Scopes: card.ScopesOf(in.Body.Scopes), Purpose: consent.Purpose(in.Body.Purpose), Ends: in.Body.Ends.UTC(),
			})
			out := showProposal(p)
			out.Code = code.Printed()
			return &proposalReply{Body: out}, err
		})
	operate(a, Route{ID: "proposalState", Method: http.MethodGet, Path: path + "/{proposal}", Tag: tag, Summary: "Did the patient agree?",
		Access: Organisations("system/*.rs", identity.Clinic, identity.Pharmacy).For(Own)},
		func(ctx context.Context, in *proposalPath) (*proposalStateReply, error) {
			p, err := a.Granting.Proposal(ctx, actorFrom(ctx), consent.GrantID(in.Proposal))
			out := new(proposalStateReply)
			switch {
			case p.Card != "":
				out.Body.State, out.Body.Card = "agreed", string(p.Card)
			case p.Open(a.clock()):
				out.Body.State = "waiting"
			default:
				out.Body.State = "over"
			}
			return out, err
		})
	operate(a, Route{ID: "lookAtProposal", Method: http.MethodPost, Path: path + "/look", Tag: tag, Summary: "Who asks to be let in with this code, to what and why?", Access: Patients().For(Shown)},
		func(ctx context.Context, in *lookRequest) (*proposalReply, error) {
			p, err := a.Granting.LookAt(ctx, in.Body.Code)
			return &proposalReply{Body: showProposal(p)}, err
		})
	operate(a, Route{ID: "agreeToProposal", Method: http.MethodPost, Path: "/v1/cards/{card}/proposals", Tag: tag, Status: http.StatusCreated,
		Summary: "Let in who asks with this code, to all of it or to less", Access: Owners()},
		func(ctx context.Context, in *agreeRequest) (*grantReply, error) {
			g, err := a.Granting.Agree(ctx, actorFrom(ctx), granting.Yes{
				Card: card.ID(in.Card), Code: in.Body.Code, Scopes: card.ScopesOf(in.Body.Scopes), Ends: in.Body.Ends.UTC(), Request: requestID(ctx),
			})
			return &grantReply{Body: showGrant(g)}, err
		})
}

func showProposal(p consent.Proposal) proposalBody {
	return proposalBody{
		ID: string(p.ID), Organisation: p.Organisation, Person: p.Person.Name, Role: p.Person.Role, Scopes: p.Scopes.Words(), Purpose: string(p.Purpose), Ends: p.Ends, Expires: p.Expires,
	}
}
