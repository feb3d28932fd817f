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

type proposalAnswer struct {
	ID           string    `json:"id"`
	Organisation string    `json:"organisation"`
	Person       string    `json:"person"`
	Role         string    `json:"role"`
	Scopes       []string  `json:"scopes"`
	Purpose      string    `json:"purpose"`
	Ends         time.Time `json:"ends"`
	Expires      time.Time `json:"expires"`
}

// LookAtProposal tells who asks to be let into a card with the code that a clinic's screen shows (typed, or read from its QR code), to read what,
// for what purpose and until when. Show it to the person before Agree. It opens nothing.
func (c *Client) LookAtProposal(ctx context.Context, code string) (consent.Proposal, error) {
	var a proposalAnswer
	if err := c.do(ctx, call{method: http.MethodPost, path: "/v1/proposals/look", body: codeBody{Code: code}, into: &a}); err != nil {
		return consent.Proposal{}, err
	}
	return consent.Proposal{
		ID: consent.GrantID(a.ID), Organisation: a.Organisation, Person: identity.Person{Name: a.Person, Role: a.Role}, Scopes: card.ScopesOf(a.Scopes),
		Purpose: consent.Purpose(a.Purpose), Ends: a.Ends, Expires: a.Expires,
	}, nil
}

// Agreement is how far the person lets in who asks with a code.
type Agreement struct {
	Code   string
	Scopes card.Scopes // to what of that which was asked for; none = all
	Ends   time.Time   // zero = until when it was asked for
}

type agreementBody struct {
	Code   string    `json:"code"`
	Scopes []string  `json:"scopes,omitempty"`
	Ends   time.Time `json:"ends,omitzero"`
}

// Agree lets in who asks with the code, at once. Said again it gives the same grant.
func (k *Card) Agree(ctx context.Context, to Agreement) (Grant, error) {
	body := agreementBody{Code: to.Code, Scopes: to.Scopes.Words(), Ends: to.Ends.UTC()}
	var a grantAnswer
	if err := k.client.do(ctx, call{method: http.MethodPost, path: "/v1/cards/" + url.PathEscape(string(k.id)) + "/proposals", body: body, into: &a}); err != nil {
		return Grant{}, err
	}
	return k.grant(a), nil
}
