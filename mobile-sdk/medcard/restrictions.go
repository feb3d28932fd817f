package medcard

import (
	"strings"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// Restrict keeps sections of the card from others, at once and whatever lets them in: from an organisation or from a person (the other is
// ""), or with both "" from everybody but the owner; which ("dx.psychiatric lab.*", with spaces between), and until when (0: until it is
// lifted). It gives the restriction as JSON, shaped as a grant.
func (k *Card) Restrict(organisation, account, scopes string, ends int64) (restriction []byte, err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	ban := phone.Ban{Client: identity.ClientID(organisation), Account: identity.AccountID(account), Scopes: card.ScopesOf(strings.Fields(scopes)), Ends: moment(ends)}
	made, err := k.inner.Restrict(ctx, ban)
	if err != nil {
		return nil, err
	}
	return marshal(grantOf(made))
}

// Restrictions lists what is kept from whom, lifted ones included. JSON: as Grants; ordered: a court decided so, and nobody lifts it here.
func (k *Card) Restrictions() (list []byte, err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	all, err := k.inner.Restrictions(ctx)
	if err != nil {
		return nil, err
	}
	shape := make([]grantShape, len(all))
	for i, g := range all {
		shape[i] = grantOf(g)
	}
	return marshal(shape)
}

// LiftRestriction takes a restriction away, at once.
func (k *Card) LiftRestriction(id string) (err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	return k.inner.LiftRestriction(ctx, consent.GrantID(id))
}

// Hide takes one record out of the sight of everybody but the owner; Show gives it back.
func (k *Card) Hide(record string) (err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	return k.inner.Hide(ctx, card.RecordID(record))
}

// Show lets whoever may see its section see a hidden record again.
func (k *Card) Show(record string) (err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	return k.inner.Show(ctx, card.RecordID(record))
}

type emergencyShape struct {
	ID       string   `json:"id"`
	Clinic   string   `json:"clinic"`
	Person   string   `json:"person"`
	Role     string   `json:"role"`
	Scopes   []string `json:"scopes"`
	Reason   string   `json:"reason"`
	Words    string   `json:"words"`
	Opened   int64    `json:"opened"`
	Ends     int64    `json:"ends"`
	Due      int64    `json:"due"`
	Verdict  string   `json:"verdict,omitempty"`
	Reviewed int64    `json:"reviewed,omitempty"`
	Reviewer string   `json:"reviewer,omitempty"`
	Finding  string   `json:"finding,omitempty"`
}

// Emergencies lists who opened the card in an emergency without being let in, newest first. JSON: [{"id", "clinic", "person", "role", "scopes",
// "reason", "words", "opened", "ends", "due", "verdict", "reviewed", "reviewer", "finding"}]. reason: unconscious, lifeThreat, contagion;
// verdict: justified, unjustified, or none while it waits. RevokeGrant with the id ends one that runs.
func (k *Card) Emergencies() (list []byte, err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	all, err := k.inner.Emergencies(ctx)
	if err != nil {
		return nil, err
	}
	shape := make([]emergencyShape, len(all))
	for i, e := range all {
		shape[i] = emergencyShape{
			ID: string(e.ID), Clinic: e.Clinic, Person: e.Person.Name, Role: e.Person.Role, Scopes: texts(e.Scopes), Reason: string(e.Reason), Words: e.Words,
			Opened: millis(e.Opened), Ends: millis(e.Ends), Due: millis(e.Due), Verdict: string(e.Verdict), Reviewed: millis(e.Reviewed), Reviewer: e.Reviewer, Finding: e.Finding,
		}
	}
	return marshal(shape)
}
