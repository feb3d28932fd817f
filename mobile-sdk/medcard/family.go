package medcard

import (
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

type tokenShape struct {
	ID     string   `json:"id"`
	Device string   `json:"device"`
	Scopes []string `json:"scopes"`
	Starts int64    `json:"starts"`
	Ends   int64    `json:"ends"`
}

type representationShape struct {
	ID        string       `json:"id"`
	Card      string       `json:"card"`
	Agent     string       `json:"agent"`
	Level     string       `json:"level"`
	Basis     string       `json:"basis"`
	Powers    []string     `json:"powers"`
	State     string       `json:"state"`
	Since     int64        `json:"since"`
	Ends      int64        `json:"ends,omitempty"`
	Ended     int64        `json:"ended,omitempty"`
	Consent   int64        `json:"consentFrom,omitempty"`
	Addiction int64        `json:"addictionConsentFrom,omitempty"`
	Tokens    []tokenShape `json:"tokens"`
}

func tokenOf(t phone.Token) tokenShape {
	return tokenShape{ID: string(t.ID), Device: string(t.Device), Scopes: texts(t.Scopes), Starts: millis(t.Starts), Ends: millis(t.Ends)}
}

func representationsOf(list []phone.Represented) ([]byte, error) {
	shape := make([]representationShape, len(list))
	for i, r := range list {
		shape[i] = representationShape{
			ID: string(r.ID), Card: string(r.Card), Agent: string(r.Agent), Level: string(r.Level), Basis: string(r.Basis), Powers: append([]string{}, r.Powers...),
			State: string(r.State), Since: millis(r.Since), Ends: millis(r.Ends), Ended: millis(r.Ended), Consent: millis(r.Consent), Addiction: millis(r.Addiction),
			Tokens: make([]tokenShape, len(r.Tokens)),
		}
		for n, t := range r.Tokens {
			shape[i].Tokens[n] = tokenOf(t)
		}
	}
	return marshal(shape)
}

// Represents asks the server for whom the person may act. JSON: [{"id", "card", "agent", "level", "basis", "powers", "state", "since",
// "ends", "ended", "consentFrom", "addictionConsentFrom", "tokens": [{"id", "device", "scopes", "starts", "ends"}]}]. state: running, over,
// ended, held.
func (c *Client) Represents() (list []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	all, err := c.inner.Represents(ctx)
	if err != nil {
		return nil, err
	}
	return representationsOf(all)
}

// Representatives asks the server who may act for the card's patient. JSON as of Represents.
func (k *Card) Representatives() (list []byte, err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	all, err := k.inner.Representatives(ctx)
	if err != nil {
		return nil, err
	}
	return representationsOf(all)
}

// OpenAsRepresentative opens the card of a child on this phone for 24 hours, by one of the person's representations. Needs a step-up. It
// gives the token as JSON; the next Sync brings the card.
func (k *Card) OpenAsRepresentative(representation string) (token []byte, err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	opened, err := k.inner.OpenAsRepresentative(ctx, consent.RepresentationID(representation))
	if err != nil {
		return nil, err
	}
	return marshal(tokenOf(opened))
}

// CloseToken ends a token at once, on whatever phone.
func (k *Card) CloseToken(token string) (err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	return k.inner.CloseToken(ctx, consent.GrantID(token))
}

// EndRepresentation ends somebody's right to act for the patient, at once.
func (k *Card) EndRepresentation(representation string) (err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	return k.inner.EndRepresentation(ctx, consent.RepresentationID(representation))
}

type authorShape struct {
	Agent      string `json:"agent"`
	OnBehalfOf string `json:"onBehalfOf"`
	By         string `json:"representation"`
	At         int64  `json:"at"`
}

// Authors asks the server who wrote a record in the owner's name, newest first. JSON: [{"agent", "onBehalfOf", "representation", "at"}].
func (k *Card) Authors(record string) (list []byte, err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	authors, err := k.inner.Authors(ctx, card.RecordID(record))
	if err != nil {
		return nil, err
	}
	shape := make([]authorShape, len(authors))
	for i, a := range authors {
		shape[i] = authorShape{Agent: string(a.Agent), OnBehalfOf: string(a.OnBehalfOf), By: string(a.Representation), At: millis(a.At)}
	}
	return marshal(shape)
}
