package medcard

import (
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// SendDocumentFile sends a file of a document at once, in place of the one that has its number, from 1: see Claim. It gives how the document stands,
// as one of Documents.
func (c *Client) SendDocumentFile(slot string, number int, content []byte) (document []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	d, err := c.inner.PutDocumentFile(ctx, evidence.Slot(slot), number, content)
	if err != nil {
		return nil, err
	}
	return marshal(documentOf(d))
}

type claimedShape struct {
	Basis   string      `json:"basis"`
	Number  string      `json:"number"`
	Level   string      `json:"level"`
	Powers  []string    `json:"powers"`
	Until   int64       `json:"until"`
	Patient phone.Named `json:"patient"`
	Agent   phone.Named `json:"agent"`
}

type claimShape struct {
	ID             string      `json:"id"`
	Basis          string      `json:"basis"`
	Level          string      `json:"level"`
	Powers         []string    `json:"powers"`
	Until          int64       `json:"until,omitempty"`
	Patient        phone.Named `json:"patient"`
	Status         string      `json:"status"`
	Filed          int64       `json:"filed"`
	Judged         int64       `json:"judged,omitempty"`
	Reason         string      `json:"reason,omitempty"`
	Words          string      `json:"words,omitempty"`
	Card           string      `json:"card,omitempty"`
	Representation string      `json:"representation,omitempty"`
}

func claimOf(c phone.Claim) claimShape {
	return claimShape{
		ID: string(c.ID), Basis: string(c.Basis), Level: string(c.Level), Powers: c.Powers.Words(), Until: millis(c.Until), Patient: c.Patient, Status: string(c.Status),
		Filed: millis(c.Filed), Judged: millis(c.Judged), Reason: string(c.Reason), Words: c.Words, Card: string(c.Card), Representation: string(c.Representation),
	}
}

// ClaimRepresentation claims to act for a patient by a document whose pages were sent to the slot of its basis. JSON in: {"basis", "number", "level",
// "powers", "until", "patient": {"family", "given": [...], "born": "2020-01-31", "snils" or "policy"}, "agent": {"family", "given", "born"}}; powers and
// until are those of a power of attorney. JSON out: {"id", "basis", "level", "powers", "until", "patient", "status", "filed", "judged", "reason", "words",
// "card", "representation"}. claim.mismatch has a field for each thing that does not fit.
func (c *Client) ClaimRepresentation(claim []byte) (filed []byte, err error) {
	defer guard(&err)
	var in claimedShape
	if err := unmarshal(claim, &in); err != nil {
		return nil, err
	}
	ctx, end := c.term()
	defer end()
	out, err := c.inner.ClaimRepresentation(ctx, phone.Claimed{
		Basis: family.Basis(in.Basis), Number: in.Number, Level: family.Level(in.Level), Powers: family.PowersOf(in.Powers), Until: moment(in.Until),
		Patient: in.Patient, Agent: in.Agent,
	})
	if err != nil {
		return nil, err
	}
	return marshal(claimOf(out))
}

// RepresentationClaims lists the person's claims with what was said of them. JSON: [as ClaimRepresentation gives].
func (c *Client) RepresentationClaims() (list []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	all, err := c.inner.RepresentationClaims(ctx)
	if err != nil {
		return nil, err
	}
	shape := make([]claimShape, len(all))
	for i, one := range all {
		shape[i] = claimOf(one)
	}
	return marshal(shape)
}

// WithdrawClaim deletes a claim that is being checked or was rejected, with its pages.
func (c *Client) WithdrawClaim(claim string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.WithdrawClaim(ctx, evidence.DocumentID(claim))
}
