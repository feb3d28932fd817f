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

type restrictionBody struct {
	ID           string     `json:"id" format:"uuid"`
	Account      string     `json:"account,omitempty" doc:"The person whom it binds"`
	Client       string     `json:"client,omitempty" doc:"The organisation that it binds; neither: everybody but the owner"`
	Organisation string     `json:"organisation,omitempty"`
	Scopes       []string   `json:"scopes"`
	Starts       time.Time  `json:"starts"`
	Ends         *time.Time `json:"ends,omitempty"`
	Lifted       *time.Time `json:"lifted,omitempty"`
	State        string     `json:"state" enum:"running,revoked,over"`
	Ordered      bool       `json:"ordered,omitempty" doc:"A court ordered it: it cannot be lifted here, and nothing lets in whom it names"`
}

type restrictionReply struct{ Body restrictionBody }

type restrictionsReply struct {
	Body struct {
		Restrictions []restrictionBody `json:"restrictions"`
	}
}

type restrictionRequest struct {
	CardPath
	Body struct {
		Client  string     `json:"client,omitempty" format:"uuid" doc:"An organisation's client id, or"`
		Account string     `json:"account,omitempty" format:"uuid" doc:"the account of a person; neither: everybody but the owner"`
		Scopes  []string   `json:"scopes" minItems:"1" maxItems:"32" doc:"What they must not see, e.g. dx.psychiatric, lab.*, *.psychiatric"`
		Ends    *time.Time `json:"ends,omitempty" doc:"RFC 3339; absent: until it is lifted"`
	}
}

type restrictionPath struct {
	CardPath
	Restriction string `path:"restriction" format:"uuid"`
}

type recordPath struct {
	CardPath
	Record string `path:"record" format:"uuid" doc:"The record's id, as on the phone"`
}

// restrictionRoutes are what the owner keeps from others, whatever lets them in.
func (a *API) restrictionRoutes() {
	const tag, restrictions, record = "access", "/v1/cards/{card}/restrictions", "/v1/cards/{card}/records/{record}"
	operate(a, Route{ID: "listRestrictions", Method: http.MethodGet, Path: restrictions, Tag: tag, Summary: "What is kept from whom?", Access: Owners()},
		func(ctx context.Context, in *CardPath) (*restrictionsReply, error) {
			list, err := a.Granting.Restrictions(ctx, actorFrom(ctx), card.ID(in.Card))
			out := new(restrictionsReply)
			out.Body.Restrictions = make([]restrictionBody, len(list))
			for i, g := range list {
				out.Body.Restrictions[i] = showRestriction(g)
			}
			return out, err
		})
	operate(a, Route{ID: "restrict", Method: http.MethodPost, Path: restrictions, Tag: tag, Summary: "Keep sections from others: it beats every grant", Access: Owners(), Status: http.StatusCreated},
		func(ctx context.Context, in *restrictionRequest) (*restrictionReply, error) {
			ban := granting.Ban{
				Card: card.ID(in.Card), Client: identity.ClientID(in.Body.Client), Account: identity.AccountID(in.Body.Account),
				Scopes: card.ScopesOf(in.Body.Scopes), Request: requestID(ctx),
			}
			if in.Body.Ends != nil {
				ban.Ends = in.Body.Ends.UTC()
			}
			g, err := a.Granting.Restrict(ctx, actorFrom(ctx), ban)
			return &restrictionReply{Body: showRestriction(g)}, err
		})
	operate(a, Route{ID: "liftRestriction", Method: http.MethodDelete, Path: restrictions + "/{restriction}", Tag: tag, Summary: "Lift a restriction", Access: Owners(), Status: http.StatusNoContent},
		func(ctx context.Context, in *restrictionPath) (*struct{}, error) {
			return nil, a.Granting.Lift(ctx, actorFrom(ctx), card.ID(in.Card), consent.GrantID(in.Restriction), requestID(ctx))
		})
	for _, way := range []struct {
		id, path, summary string
		hide              bool
	}{
		{"hideRecord", "/hide", "Hide one record from everybody but the owner", true},
		{"showRecord", "/show", "Show a hidden record again to whoever may see its section", false},
	} {
		operate(a, Route{ID: way.id, Method: http.MethodPost, Path: record + way.path, Tag: tag, Summary: way.summary, Access: Owners(), Status: http.StatusNoContent},
			func(ctx context.Context, in *recordPath) (*struct{}, error) {
				return nil, a.Granting.Hide(ctx, actorFrom(ctx), card.ID(in.Card), card.RecordID(in.Record), way.hide, requestID(ctx))
			})
	}
}

func showRestriction(g granting.Named) restrictionBody {
	b := restrictionBody{
		ID: string(g.ID), Account: string(g.Account), Client: string(g.Client), Organisation: g.Organisation, Starts: g.Starts, State: string(g.State),
		Scopes: g.Scopes.Words(), Ordered: g.Ordered,
	}
	if !g.Ends.IsZero() {
		b.Ends = &g.Ends
	}
	if !g.Revoked.IsZero() {
		b.Lifted = &g.Revoked
	}
	return b
}
