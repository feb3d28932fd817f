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

type emergenciesAnswer struct {
	Emergencies []struct {
		ID       string    `json:"id"`
		Clinic   string    `json:"clinic"`
		Person   string    `json:"person"`
		Role     string    `json:"role"`
		Scopes   []string  `json:"scopes"`
		Reason   string    `json:"reason"`
		Words    string    `json:"words"`
		Opened   time.Time `json:"opened"`
		Ends     time.Time `json:"ends"`
		Due      time.Time `json:"due"`
		Verdict  string    `json:"verdict"`
		Reviewed time.Time `json:"reviewed"`
		Reviewer string    `json:"reviewer"`
		Finding  string    `json:"finding"`
	} `json:"emergencies"`
}

// Emergencies lists who opened the card in an emergency without being let in, newest first, why, and what the review came to. While one
// runs, RevokeGrant with its ID ends it.
func (k *Card) Emergencies(ctx context.Context) ([]consent.Opening, error) {
	var a emergenciesAnswer
	if err := k.client.do(ctx, call{method: http.MethodGet, path: "/v1/cards/" + url.PathEscape(string(k.id)) + "/emergencies", into: &a}); err != nil {
		return nil, err
	}
	list := make([]consent.Opening, len(a.Emergencies))
	for i, e := range a.Emergencies {
		list[i] = consent.Opening{
			ID: consent.GrantID(e.ID), Card: k.id, Clinic: e.Clinic, Person: identity.Person{Name: e.Person, Role: e.Role}, Reason: consent.EmergencyReason(e.Reason),
			Scopes: card.ScopesOf(e.Scopes), Words: e.Words, Opened: e.Opened, Ends: e.Ends, Due: e.Due, Verdict: consent.Verdict(e.Verdict), Reviewed: e.Reviewed, Reviewer: e.Reviewer, Finding: e.Finding,
		}
	}
	return list, nil
}
