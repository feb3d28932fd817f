package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// CardPath is the card in the address. It is exported because huma reads embedded parameters only then.
type CardPath struct {
	Card string `path:"card" format:"uuid" doc:"The card's id, from GET /v1/me"`
}

type grantBody struct {
	ID           string     `json:"id" format:"uuid"`
	Role         string     `json:"role" enum:"owner,reader,proxy"`
	Account      string     `json:"account,omitempty" doc:"The account of a person who was let in"`
	Client       string     `json:"client,omitempty" doc:"The organisation's client id"`
	Organisation string     `json:"organisation,omitempty"`
	Scopes       []string   `json:"scopes"`
	Purpose      string     `json:"purpose"`
	Starts       time.Time  `json:"starts"`
	Ends         *time.Time `json:"ends,omitempty"`
	Revoked      *time.Time `json:"revoked,omitempty"`
	Held         *time.Time `json:"held,omitempty" doc:"Since when the grant waits: the server was restored from a backup, and cannot know what was revoked after it"`
	Used         *time.Time `json:"used,omitempty" doc:"When they last read something of the card; told in the list"`
	Device       string     `json:"device,omitempty" doc:"On this phone only"`
	By           string     `json:"representation,omitempty" format:"uuid" doc:"By what right the person acts in the patient's name"`
	State        string     `json:"state" enum:"coming,running,held,revoked,over" doc:"held: nobody is let in by it until the owner confirms it"`
}

type grantReply struct{ Body grantBody }

type grantsReply struct {
	Body struct {
		Grants []grantBody `json:"grants"`
	}
}

type grantRequest struct {
	CardPath
	Body struct {
		Client  string    `json:"client,omitempty" format:"uuid" doc:"Whom to let in: an organisation's client id, or"`
		Account string    `json:"account,omitempty" format:"uuid" doc:"the account of a person, who then sees this part of the card on a phone"`
		Scopes  []string  `json:"scopes" minItems:"1" maxItems:"32" doc:"What may be read, e.g. lab.general, rx.*, *.general"`
		Purpose string    `json:"purpose" enum:"TREAT,ETREAT,PATRQT" doc:"HL7 v3 PurposeOfUse; PATRQT for a person"`
		Ends    time.Time `json:"ends" doc:"RFC 3339; at most five years from now"`
	}
}

type grantPath struct {
	CardPath
	Grant string `path:"grant" format:"uuid"`
}

type trailRequest struct {
	CardPath
	Below uint64 `query:"below" doc:"Give entries below this number; 0 or absent = from the newest"`
}

type trailEntry struct {
	Number       uint64    `json:"number" doc:"Counts the card's entries without gaps"`
	At           time.Time `json:"at"`
	Action       string    `json:"action"`
	Outcome      string    `json:"outcome" enum:"success,failure" doc:"failure: it was asked for and refused"`
	Purpose      string    `json:"purpose"`
	Who          string    `json:"who" enum:"nobody,patient,clinic,pharmacy,operator,system,auditor,reviewer,insurer"`
	Organisation string    `json:"organisation,omitempty"`
	Person       string    `json:"person,omitempty" doc:"Name of the person, as the organisation signed it"`
	Role         string    `json:"role,omitempty"`
	What         string    `json:"what,omitempty" doc:"Kind of thing, never its content"`
	Account      string    `json:"account,omitempty" format:"uuid" doc:"Of a person: his account, as the lists of grants and representatives have it"`
	Standing     string    `json:"standing,omitempty" enum:"self,owner,letIn,agent,other" doc:"Of a person, what he was to the card. self: you; letIn: whom the owner let see a part; agent: who acted in the patient's name; other: who was not let in"`
	Device       string    `json:"device,omitempty" doc:"Of yourself: from which installation of the app, by its id"`
	DeviceName   string    `json:"deviceName,omitempty" doc:"What it is called; absent where it is none of yours any more"`
	Grant        string    `json:"grant,omitempty" format:"uuid" doc:"Of whom the owner let in: by which of the card's grants"`
	Agent        string    `json:"agent,omitempty" format:"uuid" doc:"The account of a person who acted in the patient's name"`
	OnBehalfOf   string    `json:"onBehalfOf,omitempty" format:"uuid" doc:"The card of the patient in whose name that was"`
	By           string    `json:"representation,omitempty" format:"uuid" doc:"By what right: one of the card's representations"`
}

type trailReply struct {
	Body struct {
		Entries []trailEntry `json:"entries"`
		Next    uint64       `json:"next,omitempty" doc:"Send it as below for the next page"`
	}
}

// cardRoutes are the owner's view of access to a card.
func (a *API) cardRoutes() {
	const tag, grants = "access", "/v1/cards/{card}/grants"
	operate(a, Route{ID: "listGrants", Method: http.MethodGet, Path: grants, Tag: tag, Summary: "Who may read this card?", Access: Owners()},
		func(ctx context.Context, in *CardPath) (*grantsReply, error) {
			list, err := a.Granting.List(ctx, actorFrom(ctx), card.ID(in.Card))
			out := new(grantsReply)
			out.Body.Grants = make([]grantBody, len(list))
			for i, g := range list {
				out.Body.Grants[i] = showGrant(g)
			}
			return out, err
		})
	operate(a, Route{ID: "giveGrant", Method: http.MethodPost, Path: grants, Tag: tag, Summary: "Let an organisation or a person read", Access: Owners(), Status: http.StatusCreated},
		func(ctx context.Context, in *grantRequest) (*grantReply, error) {
			g, err := a.Granting.Give(ctx, actorFrom(ctx), granting.Wish{
				Card: card.ID(in.Card), Client: identity.ClientID(in.Body.Client), Account: identity.AccountID(in.Body.Account), Scopes: card.ScopesOf(in.Body.Scopes),
				Purpose: consent.Purpose(in.Body.Purpose), Ends: in.Body.Ends.UTC(), Request: requestID(ctx),
			})
			return &grantReply{Body: showGrant(g)}, err
		})
	operate(a, Route{ID: "revokeGrant", Method: http.MethodDelete, Path: grants + "/{grant}", Tag: tag, Summary: "Take a grant back, at once", Access: Owners(), Status: http.StatusNoContent},
		func(ctx context.Context, in *grantPath) (*struct{}, error) {
			return nil, a.Granting.Revoke(ctx, actorFrom(ctx), card.ID(in.Card), consent.GrantID(in.Grant), requestID(ctx))
		})
	operate(a, Route{ID: "confirmGrant", Method: http.MethodPost, Path: grants + "/{grant}/confirm", Tag: tag, Summary: "Let a grant go on that a restored server holds", Access: Owners()},
		func(ctx context.Context, in *grantPath) (*grantReply, error) {
			g, err := a.Granting.Confirm(ctx, actorFrom(ctx), card.ID(in.Card), consent.GrantID(in.Grant), requestID(ctx))
			return &grantReply{Body: showGrant(g)}, err
		})
	operate(a, Route{ID: "accessLog", Method: http.MethodGet, Path: "/v1/cards/{card}/access-log", Tag: tag, Summary: "Who saw this card: when, what and why", Access: Speakers()},
		func(ctx context.Context, in *trailRequest) (*trailReply, error) {
			page, err := a.Auditing.Trail(ctx, actorFrom(ctx), card.ID(in.Card), in.Below)
			out := new(trailReply)
			out.Body.Entries = make([]trailEntry, len(page))
			for i, e := range page {
				out.Body.Entries[i] = showLine(e)
				out.Body.Next = e.Number
			}
			if out.Body.Next <= 1 {
				out.Body.Next = 0
			}
			return out, err
		})
}

func showLine(l audit.Line) trailEntry {
	out := showEntry(l.Entry)
	out.Standing, out.DeviceName, out.Grant = string(l.Standing), l.Device, string(l.Grant)
	if l.Standing == audit.Self {
		out.Device = string(l.Actor.Device)
	}
	return out
}

func showEntry(e audit.Entry) trailEntry {
	out := trailEntry{
		Number: e.Number, At: e.At, Action: string(e.Action), Outcome: "success", Purpose: string(e.Purpose), Who: e.Actor.Kind.String(),
		Organisation: e.Actor.Organisation, Person: e.Actor.Person.Name, Role: e.Actor.Person.Role, What: e.What, Account: string(e.Actor.Account),
	}
	if e.Action.Failed() {
		out.Outcome = "failure"
	}
	if e.Representation != "" {
		out.Agent, out.OnBehalfOf, out.By = string(e.Actor.Account), string(e.Card), string(e.Representation)
	}
	return out
}

func showGrant(g granting.Named) grantBody {
	b := grantBody{ID: string(g.ID), Role: string(g.Role), Client: string(g.Client), Organisation: g.Organisation, Purpose: string(g.Purpose), Starts: g.Starts, State: string(g.State)}
	if g.Role == consent.Proxy {
		b.Account, b.Device, b.By = string(g.Account), string(g.Device), string(g.Representation)
	}
	b.Scopes = g.Scopes.Words()
	if !g.Ends.IsZero() {
		b.Ends = &g.Ends
	}
	if !g.Revoked.IsZero() {
		b.Revoked = &g.Revoked
	}
	if !g.Used.IsZero() {
		b.Used = &g.Used
	}
	if !g.Held.IsZero() {
		b.Held = &g.Held
	}
	return b
}
