package phone

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// Ban is what the person wants to keep from others, whatever lets them in.
type Ban struct {
	Client  identity.ClientID  // from an organisation, or
	Account identity.AccountID // from a person; neither: from everybody but the owner
	Scopes  card.Scopes        // e.g. "dx.psychiatric", "lab.*"
	Ends    time.Time          // zero = until it is lifted
}

func (k *Card) restrictionsPath() string {
	return "/v1/cards/" + url.PathEscape(string(k.id)) + "/restrictions"
}

// Restrict keeps sections from others, at once. It beats every grant, those that are given later too, and they see no sign of it.
func (k *Card) Restrict(ctx context.Context, b Ban) (Grant, error) {
	body := restrictionBody{Client: string(b.Client), Account: string(b.Account), Scopes: b.Scopes.Words()}
	if !b.Ends.IsZero() {
		ends := b.Ends.UTC()
		body.Ends = &ends
	}
	var a restrictionAnswer
	if err := k.client.do(ctx, call{method: http.MethodPost, path: k.restrictionsPath(), into: &a, body: body, once: true}); err != nil {
		return Grant{}, err
	}
	return k.restriction(a), nil
}

// Restrictions lists what is kept from whom, lifted ones included.
func (k *Card) Restrictions(ctx context.Context) ([]Grant, error) {
	var a restrictionsAnswer
	if err := k.client.do(ctx, call{method: http.MethodGet, path: k.restrictionsPath(), into: &a}); err != nil {
		return nil, err
	}
	list := make([]Grant, len(a.Restrictions))
	for i, r := range a.Restrictions {
		list[i] = k.restriction(r)
	}
	return list, nil
}

// LiftRestriction takes one away, at once. What a court ordered (Grant.Ordered) nobody lifts here.
func (k *Card) LiftRestriction(ctx context.Context, id consent.GrantID) error {
	return k.client.do(ctx, call{method: http.MethodDelete, path: k.restrictionsPath() + "/" + url.PathEscape(string(id))})
}

func (k *Card) restriction(a restrictionAnswer) Grant {
	g := k.grant(grantAnswer{
		ID: a.ID, Role: string(consent.Restriction), Account: a.Account, Client: a.Client, Organisation: a.Organisation, Scopes: a.Scopes,
		Starts: a.Starts, Ends: a.Ends, Revoked: a.Lifted, State: a.State,
	})
	g.Ordered = a.Ordered
	return g
}

// Hide takes one record out of everybody else's sight: from their phones it goes with their next sync. Its Entry's Scope is Hidden then.
func (k *Card) Hide(ctx context.Context, id card.RecordID) error { return k.move(ctx, id, "hide") }

// Show lets whoever may see its section see a hidden record again.
func (k *Card) Show(ctx context.Context, id card.RecordID) error { return k.move(ctx, id, "show") }

func (k *Card) move(ctx context.Context, id card.RecordID, way string) error {
	return k.client.do(ctx, call{method: http.MethodPost, path: "/v1/cards/" + url.PathEscape(string(k.id)) + "/records/" + url.PathEscape(string(id)) + "/" + way})
}
