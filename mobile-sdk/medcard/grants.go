package medcard

import (
	"strings"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

type grantShape struct {
	ID           string   `json:"id"`
	Role         string   `json:"role"`
	State        string   `json:"state"`
	Account      string   `json:"account,omitempty"`
	Client       string   `json:"client,omitempty"`
	Organisation string   `json:"organisation,omitempty"`
	Scopes       []string `json:"scopes"`
	Purpose      string   `json:"purpose,omitempty"`
	Starts       int64    `json:"starts"`
	Ends         int64    `json:"ends,omitempty"`
	Revoked      int64    `json:"revoked,omitempty"`
	Used         int64    `json:"used,omitempty"`
	Ordered      bool     `json:"ordered,omitempty"`
}

type accessShape struct {
	Number       int64  `json:"number"`
	At           int64  `json:"at"`
	Action       string `json:"action"`
	Purpose      string `json:"purpose,omitempty"`
	Who          string `json:"who"`
	Organisation string `json:"organisation,omitempty"`
	Person       string `json:"person,omitempty"`
	Role         string `json:"role,omitempty"`
	What         string `json:"what,omitempty"`
	Account      string `json:"account,omitempty"`
	Standing     string `json:"standing,omitempty"`
	Device       string `json:"device,omitempty"`
	DeviceName   string `json:"deviceName,omitempty"`
	Grant        string `json:"grant,omitempty"`
	Agent        string `json:"agent,omitempty"`
	OnBehalfOf   string `json:"onBehalfOf,omitempty"`
	By           string `json:"representation,omitempty"`
}

type trailShape struct {
	Entries []accessShape `json:"entries"`
	Next    int64         `json:"next,omitempty"`
}

func grantOf(g phone.Grant) grantShape {
	return grantShape{
		ID: string(g.ID), Role: string(g.Role), State: string(g.State), Account: string(g.Account), Client: string(g.Client), Organisation: g.Organisation, Scopes: texts(g.Scopes),
		Purpose: string(g.Purpose), Starts: millis(g.Starts), Ends: millis(g.Ends), Revoked: millis(g.Revoked), Used: millis(g.Used), Ordered: g.Ordered,
	}
}

// Grants asks the server who may read the card, ended rights included. JSON: [{"id", "role", "state", "account", "client",
// "organisation", "scopes", "purpose", "starts", "ends", "revoked", "used"}]. used: when they last read something. state: coming, running, held (see ConfirmGrant), revoked, over.
func (k *Card) Grants() (list []byte, err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	grants, err := k.inner.Grants(ctx)
	if err != nil {
		return nil, err
	}
	shape := make([]grantShape, len(grants))
	for i, g := range grants {
		shape[i] = grantOf(g)
	}
	return marshal(shape)
}

// GiveGrant lets an organisation read, at once: what ("lab.general rx.*", with spaces between), why (TREAT, ...) and until when. It
// gives the grant as JSON.
func (k *Card) GiveGrant(organisation, scopes, purpose string, ends int64) (grant []byte, err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	wish := phone.Wish{Client: identity.ClientID(organisation), Scopes: card.ScopesOf(strings.Fields(scopes)), Purpose: consent.Purpose(purpose), Ends: moment(ends)}
	given, err := k.inner.GiveGrant(ctx, wish)
	if err != nil {
		return nil, err
	}
	return marshal(grantOf(given))
}

// ShareWith lets another person, who has an account, see a part of the card on a phone, at once: what ("vaccine.* lab.general", with
// spaces between) and until when. It gives the grant as JSON.
func (k *Card) ShareWith(account, scopes string, ends int64) (grant []byte, err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	wish := phone.Wish{Account: identity.AccountID(account), Scopes: card.ScopesOf(strings.Fields(scopes)), Ends: moment(ends)}
	given, err := k.inner.GiveGrant(ctx, wish)
	if err != nil {
		return nil, err
	}
	return marshal(grantOf(given))
}

// ConfirmGrant lets a right go on that the server holds since it was restored from a backup. It gives the grant as JSON.
func (k *Card) ConfirmGrant(id string) (grant []byte, err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	confirmed, err := k.inner.ConfirmGrant(ctx, consent.GrantID(id))
	if err != nil {
		return nil, err
	}
	return marshal(grantOf(confirmed))
}

// RevokeGrant takes a right back, at once.
func (k *Card) RevokeGrant(id string) (err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	return k.inner.RevokeGrant(ctx, consent.GrantID(id))
}

type lossShape struct {
	Card  string `json:"card"`
	At    int64  `json:"at"`
	Edits int    `json:"edits"`
	Why   string `json:"why"`
}

// Losses lists what the person is to be told of edits that were destroyed, newest first, until ForgetLosses. JSON:
// [{"card", "at", "edits", "why"}]; why is access_ended, lease_ended or file_damaged.
func (c *Client) Losses() (list []byte, err error) {
	defer guard(&err)
	losses, err := c.inner.Losses()
	if err != nil {
		return nil, err
	}
	shape := make([]lossShape, len(losses))
	for i, l := range losses {
		shape[i] = lossShape{Card: string(l.Card), At: millis(l.At), Edits: l.Edits, Why: string(l.Why)}
	}
	return marshal(shape)
}

// ForgetLosses is for when the person has seen the losses up to an instant, that of the newest one listed.
func (c *Client) ForgetLosses(upTo int64) (err error) {
	defer guard(&err)
	return c.inner.ForgetLosses(moment(upTo).Add(time.Millisecond)) // what was listed had been cut to milliseconds
}

// AccessLog asks the server who saw the card, newest first. below is 0 for the newest page, else the next of the page before.
// JSON: {"entries": [{"number", "at", "action", "purpose", "who", "organisation", "person", "role", "what", "account", "standing",
// "device", "deviceName", "grant", "agent", "onBehalfOf", "representation"}], "next"}. Of a person: standing is self (the reader, from the device),
// owner, letIn (by the grant), agent or other. The last three where somebody acted in the patient's name: whose account, for the patient of
// which card, by what right.
func (k *Card) AccessLog(below int64) (page []byte, err error) {
	defer guard(&err)
	if below < 0 {
		return nil, errArgument
	}
	ctx, end := k.client.term()
	defer end()
	entries, next, err := k.inner.AccessLog(ctx, uint64(below))
	if err != nil {
		return nil, err
	}
	shape := trailShape{Entries: make([]accessShape, len(entries)), Next: int64(next)}
	for i, a := range entries {
		shape.Entries[i] = accessShape{
			Number: int64(a.Number), At: millis(a.At), Action: string(a.Action), Purpose: string(a.Purpose), Who: a.Who,
			Organisation: a.Organisation, Person: a.Person, Role: a.Role, What: a.What,
			Account: string(a.Account), Standing: string(a.Standing), Device: string(a.Device), DeviceName: a.DeviceName, Grant: string(a.Grant),
			Agent: string(a.Agent), OnBehalfOf: string(a.OnBehalfOf), By: string(a.Representation),
		}
	}
	return marshal(shape)
}
