package medcard

import (
	"strings"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

type proposalShape struct {
	Organisation string   `json:"organisation"`
	Person       string   `json:"person,omitempty"`
	Role         string   `json:"role,omitempty"`
	Scopes       []string `json:"scopes"`
	Purpose      string   `json:"purpose"`
	Ends         int64    `json:"ends"`
	Expires      int64    `json:"expires"`
}

// LookAtProposal tells who asks to be let into a card with the code that a clinic's screen shows, typed or read from its QR code. Show it to the
// person before Agree. JSON: {"organisation", "person", "role", "scopes", "purpose", "ends", "expires"}.
func (c *Client) LookAtProposal(code string) (proposal []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	p, err := c.inner.LookAtProposal(ctx, code)
	if err != nil {
		return nil, err
	}
	return marshal(proposalShape{
		Organisation: p.Organisation, Person: p.Person.Name, Role: p.Person.Role, Scopes: texts(p.Scopes), Purpose: string(p.Purpose), Ends: millis(p.Ends), Expires: millis(p.Expires),
	})
}

// Agree lets in who asks with the code, at once: to all that they ask for, or to some of it ("lab.general rx.*", with spaces between), and until
// then or sooner (ends 0: as they ask). It gives the grant as JSON.
func (k *Card) Agree(code, scopes string, ends int64) (grant []byte, err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	given, err := k.inner.Agree(ctx, phone.Agreement{Code: code, Scopes: card.ScopesOf(strings.Fields(scopes)), Ends: moment(ends)})
	if err != nil {
		return nil, err
	}
	return marshal(grantOf(given))
}
