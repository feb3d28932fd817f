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

type representationBody struct {
	ID        string           `json:"id" format:"uuid"`
	Card      string           `json:"card" format:"uuid" doc:"Of the principal: in whose name"`
	Agent     string           `json:"agent" format:"uuid" doc:"The account of who acts"`
	Level     string           `json:"level" enum:"full,limited,manage"`
	Basis     string           `json:"basis" enum:"birthCertificate,guardianOrder,trusteeOrder,powerOfAttorney,adoptionCertificate"`
	Powers    []string         `json:"powers" doc:"Of a power of attorney: view, upload, change"`
	Since     time.Time        `json:"since"`
	Ends      *time.Time       `json:"ends,omitempty" doc:"When it is over by itself"`
	Ended     *time.Time       `json:"ended,omitempty" doc:"When somebody ended it"`
	Consent   *time.Time       `json:"consentFrom,omitempty" doc:"From then on the patient, 15 years old, decides himself who sees the card"`
	Addiction *time.Time       `json:"addictionConsentFrom,omitempty" doc:"The same, at 16, of what is labelled as addiction"`
	State     string           `json:"state" enum:"running,over,ended,held" doc:"held: the server was restored from a backup; the document has to be shown again"`
	Tokens    []proxyTokenBody `json:"tokens" doc:"Phones on which a child's card is open by it"`
}

type proxyTokenBody struct {
	ID     string    `json:"id" format:"uuid"`
	Device string    `json:"device" format:"uuid"`
	Scopes []string  `json:"scopes"`
	Starts time.Time `json:"starts"`
	Ends   time.Time `json:"ends" doc:"24 hours after it began, or earlier where the patient comes of age; it is not made longer"`
}

type representationsReply struct {
	Body struct {
		Representations []representationBody `json:"representations"`
	}
}

type representationPath struct {
	CardPath
	Representation string `path:"representation" format:"uuid"`
}

type proxyTokenPath struct {
	CardPath
	Token string `path:"token" format:"uuid"`
}

type proxyTokenReply struct{ Body proxyTokenBody }

type practitionerRequest struct {
	Account string `path:"practitioner" format:"uuid" doc:"The person's account"`
	Body    struct {
		Position string    `json:"position" minLength:"2" maxLength:"100"`
		Ends     time.Time `json:"ends" doc:"RFC 3339; at most a year from now: then say so again"`
	}
}

type practitionerPath struct {
	Account string `path:"practitioner" format:"uuid"`
}

type provenanceReply struct {
	Body struct {
		Authors []authorBody `json:"authors"`
	}
}

type authorBody struct {
	Agent          string    `json:"agent" format:"uuid" doc:"The account of who wrote"`
	OnBehalfOf     string    `json:"onBehalfOf" format:"uuid" doc:"The card of the patient in whose name"`
	Representation string    `json:"representation" format:"uuid" doc:"By what right"`
	At             time.Time `json:"at"`
}

// provenanceRoute tells the owner which of his records others wrote in his name.
func (a *API) provenanceRoute() {
	operate(a, Route{ID: "provenance", Method: http.MethodGet, Path: "/v1/cards/{card}/records/{record}/provenance", Tag: "family", Summary: "Who wrote this record in my name?", Access: Owners()},
		func(ctx context.Context, in *recordPath) (*provenanceReply, error) {
			list, err := a.Granting.Authors(ctx, actorFrom(ctx), card.ID(in.Card), card.RecordID(in.Record))
			out := new(provenanceReply)
			out.Body.Authors = make([]authorBody, len(list))
			for i, w := range list {
				out.Body.Authors[i] = authorBody{Agent: string(w.Agent), OnBehalfOf: string(w.OnBehalfOf), Representation: string(w.Representation), At: w.At}
			}
			return out, err
		})
}

// practitionerRoutes are a clinic's word on who of its people has an account here: only those may manage a card for others.
func (a *API) practitionerRoutes() {
	const tag, path = "family", "/v1/practitioners/{practitioner}"
	operate(a, Route{ID: "namePractitioner", Method: http.MethodPut, Path: path, Tag: tag, Summary: "Say that a person treats patients at your clinic", Access: Clinics(granting.RightStaff).For(Mine), Status: http.StatusNoContent},
		func(ctx context.Context, in *practitionerRequest) (*struct{}, error) {
			return nil, a.Granting.NamePractitioner(ctx, actorFrom(ctx), identity.AccountID(in.Account), in.Body.Position, in.Body.Ends.UTC())
		})
	operate(a, Route{ID: "dropPractitioner", Method: http.MethodDelete, Path: path, Tag: tag, Summary: "Say that the person does no longer", Access: Clinics(granting.RightStaff).For(Mine), Status: http.StatusNoContent},
		func(ctx context.Context, in *practitionerPath) (*struct{}, error) {
			return nil, a.Granting.DropPractitioner(ctx, actorFrom(ctx), identity.AccountID(in.Account))
		})
}

// familyRoutes are for those who act for a patient, and for those for whom somebody acts.
func (a *API) familyRoutes() {
	a.practitionerRoutes()
	a.provenanceRoute()
	const tag, of = "family", "/v1/cards/{card}/representations"
	operate(a, Route{ID: "listRepresented", Method: http.MethodGet, Path: "/v1/representations", Tag: tag, Summary: "For whom may I act?", Access: Patients()},
		func(ctx context.Context, _ *struct{}) (*representationsReply, error) {
			list, err := a.Granting.Represents(ctx, actorFrom(ctx))
			return showRepresentations(list, a.clock()), err
		})
	operate(a, Route{ID: "listRepresentatives", Method: http.MethodGet, Path: of, Tag: tag, Summary: "Who may act for this card's patient?", Access: Owners()},
		func(ctx context.Context, in *CardPath) (*representationsReply, error) {
			list, err := a.Granting.Representatives(ctx, actorFrom(ctx), card.ID(in.Card))
			return showRepresentations(list, a.clock()), err
		})
	operate(a, Route{ID: "endRepresentation", Method: http.MethodDelete, Path: of + "/{representation}", Tag: tag, Summary: "End somebody's right to act for the patient, at once", Access: Owners(), Status: http.StatusNoContent},
		func(ctx context.Context, in *representationPath) (*struct{}, error) {
			return nil, a.Granting.EndRepresentation(ctx, actorFrom(ctx), card.ID(in.Card), consent.RepresentationID(in.Representation), requestID(ctx))
		})
	operate(a, Route{ID: "openProxyToken", Method: http.MethodPost, Path: of + "/{representation}/token", Tag: tag, Summary: "Open a child's card on this phone for 24 hours", Access: Patients().For(Own), Status: http.StatusCreated},
		func(ctx context.Context, in *representationPath) (*proxyTokenReply, error) {
			g, err := a.Granting.OpenToken(ctx, actorFrom(ctx), card.ID(in.Card), consent.RepresentationID(in.Representation), requestID(ctx))
			return &proxyTokenReply{Body: showToken(g)}, err
		})
	operate(a, Route{ID: "endProxyToken", Method: http.MethodDelete, Path: "/v1/cards/{card}/proxy-tokens/{token}", Tag: tag, Summary: "Close a child's card on a phone, at once", Access: Owners(), Status: http.StatusNoContent},
		func(ctx context.Context, in *proxyTokenPath) (*struct{}, error) {
			return nil, a.Granting.EndToken(ctx, actorFrom(ctx), card.ID(in.Card), consent.GrantID(in.Token), requestID(ctx))
		})
}

func showRepresentations(list []granting.Represented, now time.Time) *representationsReply {
	out := new(representationsReply)
	out.Body.Representations = make([]representationBody, len(list))
	for i, r := range list {
		out.Body.Representations[i] = showRepresentation(r, now)
	}
	return out
}

func showRepresentation(r granting.Represented, now time.Time) representationBody {
	b := representationBody{
		ID: string(r.ID), Card: string(r.Card), Agent: string(r.Agent), Level: string(r.Level), Basis: string(r.Basis), Powers: r.Powers.Words(), Since: r.Since,
		Ends: optional(r.Ends()), Ended: optional(r.Ended), Consent: optional(r.Turns.Consent), Addiction: optional(r.Turns.Addiction),
		State: string(r.State(now)), Tokens: make([]proxyTokenBody, len(r.Tokens)),
	}
	for i, g := range r.Tokens {
		b.Tokens[i] = showToken(g)
	}
	return b
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func showToken(g consent.Grant) proxyTokenBody {
	return proxyTokenBody{ID: string(g.ID), Device: string(g.Device), Scopes: g.Scopes.Words(), Starts: g.Starts, Ends: g.Ends}
}
