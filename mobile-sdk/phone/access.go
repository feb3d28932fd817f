package phone

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// Grant is somebody's right to read the card.
type Grant struct {
	consent.Grant
	Organisation string
	State        consent.State // as the server sees it. consent.Held: see ConfirmGrant
	Used         time.Time     // when they last read something of the card, in the list; zero = never since it was given
}

// Wish is a right that the person wants to give: to whom, to read what, why, and until when.
type Wish struct {
	Client  identity.ClientID  // an organisation, or
	Account identity.AccountID // a person, who then has this part of the card on a phone
	Scopes  card.Scopes        // e.g. "lab.general", "rx.*"
	Purpose consent.Purpose    // of an organisation; a person's is always consent.PatientRequest
	Ends    time.Time
}

func (k *Card) grantsPath() string { return "/v1/cards/" + url.PathEscape(string(k.id)) + "/grants" }

// Grants lists who may read the card, ended rights included.
func (k *Card) Grants(ctx context.Context) ([]Grant, error) {
	var a grantsAnswer
	if err := k.client.do(ctx, call{method: http.MethodGet, path: k.grantsPath(), into: &a}); err != nil {
		return nil, err
	}
	list := make([]Grant, len(a.Grants))
	for i, g := range a.Grants {
		list[i] = k.grant(g)
	}
	return list, nil
}

// GiveGrant lets an organisation or a person read, at once.
func (k *Card) GiveGrant(ctx context.Context, w Wish) (Grant, error) {
	if w.Account != "" && w.Purpose == "" {
		w.Purpose = consent.PatientRequest
	}
	body := grantBody{Client: string(w.Client), Account: string(w.Account), Purpose: string(w.Purpose), Ends: w.Ends.UTC(), Scopes: w.Scopes.Words()}
	var a grantAnswer
	if err := k.client.do(ctx, call{method: http.MethodPost, path: k.grantsPath(), into: &a, body: body, once: true}); err != nil {
		return Grant{}, err
	}
	return k.grant(a), nil
}

// RevokeGrant takes a right back, at once.
func (k *Card) RevokeGrant(ctx context.Context, id consent.GrantID) error {
	return k.client.do(ctx, call{method: http.MethodDelete, path: k.grantsPath() + "/" + url.PathEscape(string(id))})
}

// ConfirmGrant lets a right go on that the server holds. It holds all of them after it was restored from a backup, which cannot know
// what was revoked since: whoever is still to see the card, the owner confirms; whoever is not, he revokes.
func (k *Card) ConfirmGrant(ctx context.Context, id consent.GrantID) (Grant, error) {
	var a grantAnswer
	if err := k.client.do(ctx, call{method: http.MethodPost, path: k.grantsPath() + "/" + url.PathEscape(string(id)) + "/confirm", into: &a}); err != nil {
		return Grant{}, err
	}
	return k.grant(a), nil
}

func (k *Card) grant(a grantAnswer) Grant {
	g := Grant{Organisation: a.Organisation, State: consent.State(a.State), Used: a.Used, Grant: consent.Grant{
		ID: consent.GrantID(a.ID), Card: k.id, Role: consent.Role(a.Role), Client: identity.ClientID(a.Client), Account: identity.AccountID(a.Account),
		Purpose: consent.Purpose(a.Purpose), Starts: a.Starts, Ends: a.Ends, Revoked: a.Revoked, Held: a.Held,
	}}
	if g.Role == consent.Owner {
		if owner, ok := k.client.SignedIn(); ok {
			g.Account = owner
		}
	}
	g.Scopes = card.ScopesOf(a.Scopes)
	return g
}

// Access is one line of "who saw my card".
type Access struct {
	Number       uint64 // counts the card's entries without gaps
	At           time.Time
	Action       audit.Action
	Failed       bool // it was asked for and refused
	Purpose      consent.Purpose
	Who          string // patient, clinic, pharmacy, operator, system
	Organisation string
	Person       string // as the organisation signed it
	Role         string
	What         string // the kind of thing, never its content
	// Of a person: his account and what he was to the card; of the reader himself the installation of the app and its name, if he has it still;
	// of somebody whom the owner let in the grant by which he came.
	Account    identity.AccountID
	Standing   audit.Standing
	Device     identity.DeviceID
	DeviceName string
	Grant      consent.GrantID
	// Agent acted in the name of the patient of the card OnBehalfOf, by the right Representation; all "" where somebody acted in his own.
	Agent          identity.AccountID
	OnBehalfOf     card.ID
	Representation consent.RepresentationID
}

// AccessLog tells who saw the card, newest first: the owner, and where the patient has no account, who represents him wholly. below is 0 for the newest page, else the next that the page before gave;
// next is 0 behind the last page.
func (k *Card) AccessLog(ctx context.Context, below uint64) (page []Access, next uint64, err error) {
	call := call{method: http.MethodGet, path: "/v1/cards/" + url.PathEscape(string(k.id)) + "/access-log"}
	if below > 0 {
		call.query = url.Values{"below": {strconv.FormatUint(below, 10)}}
	}
	var a trailAnswer
	call.into = &a
	if err := k.client.do(ctx, call); err != nil {
		return nil, 0, err
	}
	k.client.sighted.Store(true)
	for _, e := range a.Entries {
		page = append(page, Access{
			Number: e.Number, At: e.At, Action: audit.Action(e.Action), Failed: e.Outcome == "failure", Purpose: consent.Purpose(e.Purpose), Who: e.Who,
			Organisation: e.Organisation, Person: e.Person, Role: e.Role, What: e.What,
			Account: identity.AccountID(e.Account), Standing: audit.Standing(e.Standing), Device: identity.DeviceID(e.Device), DeviceName: e.DeviceName, Grant: consent.GrantID(e.Grant),
			Agent: identity.AccountID(e.Agent), OnBehalfOf: card.ID(e.OnBehalfOf), Representation: consent.RepresentationID(e.By),
		})
	}
	return page, a.Next, nil
}

func (k *Card) noticePath() string {
	return "/v1/cards/" + url.PathEscape(string(k.id)) + "/access-notice"
}

// AccessNotices says whether the owner's phones are told, by push, each time somebody else opens the card.
func (k *Card) AccessNotices(ctx context.Context) (on bool, err error) {
	var a accessNoticeBody
	err = k.client.do(ctx, call{method: http.MethodGet, path: k.noticePath(), into: &a})
	return a.On, err
}

// SetAccessNotices changes that. The push says that somebody opened the card and neither who nor what: AccessLog does.
func (k *Card) SetAccessNotices(ctx context.Context, on bool) error {
	return k.client.do(ctx, call{method: http.MethodPut, path: k.noticePath(), body: accessNoticeBody{On: on}})
}
