package phone

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
)

// Represented is somebody's right to act for a card's patient, as the server tells it.
type Represented struct {
	ID     consent.RepresentationID
	Card   card.ID
	Agent  identity.AccountID
	Level  family.Level
	Basis  family.Basis
	Powers []string // of a power of attorney: view, upload, change
	Since  time.Time
	Ends   time.Time // when it is over by itself; zero = never
	Ended  time.Time // when somebody ended it
	// From Consent on the patient decides himself who sees the card, from Addiction on also who sees what is labelled so; zero = he is of age.
	Consent, Addiction time.Time
	State              family.State
	Tokens             []Token // phones on which a child's card is open by it
}

// Token is an open card of a child on one phone.
type Token struct {
	ID     consent.GrantID
	Device identity.DeviceID
	Scopes card.Scopes
	Starts time.Time
	Ends   time.Time
}

type tokenAnswer struct {
	ID     string    `json:"id"`
	Device string    `json:"device"`
	Scopes []string  `json:"scopes"`
	Starts time.Time `json:"starts"`
	Ends   time.Time `json:"ends"`
}

type representationsAnswer struct {
	Representations []struct {
		ID        string        `json:"id"`
		Card      string        `json:"card"`
		Agent     string        `json:"agent"`
		Level     string        `json:"level"`
		Basis     string        `json:"basis"`
		Powers    []string      `json:"powers"`
		Since     time.Time     `json:"since"`
		Ends      time.Time     `json:"ends"`
		Ended     time.Time     `json:"ended"`
		Consent   time.Time     `json:"consentFrom"`
		Addiction time.Time     `json:"addictionConsentFrom"`
		State     string        `json:"state"`
		Tokens    []tokenAnswer `json:"tokens"`
	} `json:"representations"`
}

func (a tokenAnswer) token() Token {
	return Token{ID: consent.GrantID(a.ID), Device: identity.DeviceID(a.Device), Scopes: card.ScopesOf(a.Scopes), Starts: a.Starts, Ends: a.Ends}
}

// Represents lists for whom the person may act, or might.
func (c *Client) Represents(ctx context.Context) ([]Represented, error) {
	return c.representations(ctx, "/v1/representations")
}

// Representatives lists who may act for the card's patient, or might. It is for the owner, and for whoever represents him wholly.
func (k *Card) Representatives(ctx context.Context) ([]Represented, error) {
	return k.client.representations(ctx, k.representationsPath())
}

func (c *Client) representations(ctx context.Context, path string) ([]Represented, error) {
	var a representationsAnswer
	if err := c.do(ctx, call{method: http.MethodGet, path: path, into: &a}); err != nil {
		return nil, err
	}
	list := make([]Represented, len(a.Representations))
	for i, r := range a.Representations {
		list[i] = Represented{
			ID: consent.RepresentationID(r.ID), Card: card.ID(r.Card), Agent: identity.AccountID(r.Agent), Level: family.Level(r.Level), Basis: family.Basis(r.Basis),
			Powers: r.Powers, Since: r.Since, Ends: r.Ends, Ended: r.Ended, Consent: r.Consent, Addiction: r.Addiction, State: family.State(r.State),
		}
		for _, t := range r.Tokens {
			list[i].Tokens = append(list[i].Tokens, t.token())
		}
	}
	return list, nil
}

// Authors tells the owner who wrote a record in his name, newest first. What he wrote himself, or a clinic, has none.
func (k *Card) Authors(ctx context.Context, record card.RecordID) ([]family.Author, error) {
	var a struct {
		Authors []struct {
			Agent          string    `json:"agent"`
			OnBehalfOf     string    `json:"onBehalfOf"`
			Representation string    `json:"representation"`
			At             time.Time `json:"at"`
		} `json:"authors"`
	}
	path := "/v1/cards/" + url.PathEscape(string(k.id)) + "/records/" + url.PathEscape(string(record)) + "/provenance"
	if err := k.client.do(ctx, call{method: http.MethodGet, path: path, into: &a}); err != nil {
		return nil, err
	}
	list := make([]family.Author, len(a.Authors))
	for i, w := range a.Authors {
		list[i] = family.Author{Agent: identity.AccountID(w.Agent), OnBehalfOf: card.ID(w.OnBehalfOf), Representation: consent.RepresentationID(w.Representation), At: w.At}
	}
	return list, nil
}

func (k *Card) representationsPath() string {
	return "/v1/cards/" + url.PathEscape(string(k.id)) + "/representations"
}

// OpenAsRepresentative opens the card of a child, whom the person represents, on this phone for 24 hours; the next Sync brings it. Needs a
// step-up. When the token ends the card is destroyed here, with or without a network.
func (k *Card) OpenAsRepresentative(ctx context.Context, by consent.RepresentationID) (Token, error) {
	var a tokenAnswer
	err := k.client.do(ctx, call{method: http.MethodPost, path: k.representationsPath() + "/" + url.PathEscape(string(by)) + "/token", into: &a, once: true})
	return a.token(), err
}

// CloseToken ends a token at once, on whatever phone: for its agent, the owner, and whoever represents the patient wholly.
func (k *Card) CloseToken(ctx context.Context, id consent.GrantID) error {
	return k.client.do(ctx, call{method: http.MethodDelete, path: "/v1/cards/" + url.PathEscape(string(k.id)) + "/proxy-tokens/" + url.PathEscape(string(id))})
}

// EndRepresentation ends somebody's right to act for the patient, at once: for its agent and the owner.
func (k *Card) EndRepresentation(ctx context.Context, id consent.RepresentationID) error {
	return k.client.do(ctx, call{method: http.MethodDelete, path: k.representationsPath() + "/" + url.PathEscape(string(id))})
}
