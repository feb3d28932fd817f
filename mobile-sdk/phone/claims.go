package phone

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
)

// Named is a person as a document names him.
type Named struct {
	Family string    `json:"family"`
	Given  []string  `json:"given"` // the first name, then the patronymic
	Born   card.Date `json:"born"`  // to the day
	SNILS  string    `json:"snils,omitempty"`
	Policy string    `json:"policy,omitempty"`
}

// Claimed is what somebody claims who wants to act for a patient and has no tie to the card yet.
type Claimed struct {
	Basis   family.Basis // what the document is; its pages were sent before, by PutDocumentFile to the slot of this name
	Number  string       // as it stands on the document
	Level   family.Level
	Powers  family.Powers // of a power of attorney
	Until   time.Time     // when the document runs out; zero = never
	Patient Named         // with SNILS or policy
	Agent   Named         // the person himself, without these
}

// Claim is a claim that was filed, as the server tells it.
type Claim struct {
	ID     evidence.DocumentID
	Basis  family.Basis
	Level  family.Level
	Powers family.Powers
	Until  time.Time // zero = never
	// Patient without numbers.
	Patient Named
	Status  evidence.Status
	Checks  []family.Check // what was compared when it was filed
	Filed   time.Time
	Judged  time.Time       // zero = not yet
	Reason  evidence.Reason // of a rejection
	Words   string          // the reviewer's
	// Card and Representation are of an approved one: in whose name the person may act, and by what right.
	Card           card.ID
	Representation consent.RepresentationID
}

type claimedBody struct {
	Basis   string     `json:"basis"`
	Number  string     `json:"number"`
	Level   string     `json:"level"`
	Powers  []string   `json:"powers,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Patient Named      `json:"patient"`
	Agent   Named      `json:"agent"`
}

type claimedAnswer struct {
	ID      string    `json:"id"`
	Basis   string    `json:"basis"`
	Level   string    `json:"level"`
	Powers  []string  `json:"powers"`
	Until   time.Time `json:"until"`
	Patient Named     `json:"patient"`
	Status  string    `json:"status"`
	Checks  []struct {
		Subject string `json:"subject"`
		Finding string `json:"finding"`
	} `json:"checks"`
	Filed          time.Time `json:"filed"`
	Judged         time.Time `json:"judged"`
	Reason         string    `json:"reason"`
	Words          string    `json:"words"`
	Card           string    `json:"card"`
	Representation string    `json:"representation"`
}

func (a claimedAnswer) claim() Claim {
	c := Claim{
		ID: evidence.DocumentID(a.ID), Basis: family.Basis(a.Basis), Level: family.Level(a.Level), Powers: family.PowersOf(a.Powers), Until: a.Until, Patient: a.Patient,
		Status: evidence.Status(a.Status), Filed: a.Filed, Judged: a.Judged, Reason: evidence.Reason(a.Reason), Words: a.Words,
		Card: card.ID(a.Card), Representation: consent.RepresentationID(a.Representation),
	}
	for _, check := range a.Checks {
		c.Checks = append(c.Checks, family.Check{Subject: family.Subject(check.Subject), Finding: family.Finding(check.Finding)})
	}
	return c
}

const claimsPath = "/v1/representations/claims"

// ClaimRepresentation claims to act for a patient, by a document whose pages were sent to the slot of the claim's basis. What does not fit is
// refused at once, with a field for each thing; the rest waits for a reviewer. Once it is approved the next Sync brings the card. The
// same claim again, while it is being checked, changes nothing.
func (c *Client) ClaimRepresentation(ctx context.Context, in Claimed) (Claim, error) {
	body := claimedBody{Basis: string(in.Basis), Number: in.Number, Level: string(in.Level), Powers: in.Powers.Words(), Patient: in.Patient, Agent: in.Agent}
	if !in.Until.IsZero() {
		until := in.Until.UTC()
		body.Until = &until
	}
	var a claimedAnswer
	err := c.do(ctx, call{method: http.MethodPost, path: claimsPath, body: body, into: &a})
	return a.claim(), err
}

// RepresentationClaims lists the person's claims with what was said of them.
func (c *Client) RepresentationClaims(ctx context.Context) ([]Claim, error) {
	var a struct {
		Claims []claimedAnswer `json:"claims"`
	}
	if err := c.do(ctx, call{method: http.MethodGet, path: claimsPath, into: &a}); err != nil {
		return nil, err
	}
	list := make([]Claim, len(a.Claims))
	for i, one := range a.Claims {
		list[i] = one.claim()
	}
	return list, nil
}

// WithdrawClaim deletes a claim that is being checked or was rejected, with its pages.
func (c *Client) WithdrawClaim(ctx context.Context, id evidence.DocumentID) error {
	return c.do(ctx, call{method: http.MethodDelete, path: claimsPath + "/" + url.PathEscape(string(id))})
}
