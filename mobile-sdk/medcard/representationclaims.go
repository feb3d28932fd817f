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

func (s claimedShape) claimed() phone.Claimed {
	return phone.Claimed{
		Basis: family.Basis(s.Basis), Number: s.Number, Level: family.Level(s.Level), Powers: family.PowersOf(s.Powers), Until: moment(s.Until), Patient: s.Patient, Agent: s.Agent,
	}
}

// keptClaimShape is a claim that waits on the phone.
type keptClaimShape struct {
	claimedShape
	ID    string `json:"id"`
	Kept  int64  `json:"kept"`
	Files int    `json:"files"`
	Sent  int    `json:"sent"`
	Code  string `json:"code,omitempty"`
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
	out, err := c.inner.ClaimRepresentation(ctx, in.claimed())
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

// KeepClaim takes a claim into the encrypted file with the pages of its document, to be filed by the next Sync that reaches the server, once. It needs
// no network. JSON in: as of ClaimRepresentation. It takes the place of one that waits for the same patient by the same kind of document.
func (c *Client) KeepClaim(claim []byte, pages *Pages) (err error) {
	defer guard(&err)
	var in claimedShape
	if pages == nil {
		return errArgument
	}
	if err := unmarshal(claim, &in); err != nil {
		return err
	}
	return c.inner.KeepClaim(in.claimed(), pages.files...)
}

// KeptClaims lists the claims that wait to be filed. JSON: [as KeepClaim takes them, with {"id", "kept", "files", "sent", "code"}]; code: why the server
// does not take it, and it waits for the person. It needs no network.
func (c *Client) KeptClaims() (list []byte, err error) {
	defer guard(&err)
	all, err := c.inner.KeptClaims()
	if err != nil {
		return nil, err
	}
	shape := make([]keptClaimShape, len(all))
	for i, k := range all {
		shape[i] = keptClaimShape{
			claimedShape: claimedShape{Basis: string(k.Basis), Number: k.Claimed.Number, Level: string(k.Level), Powers: k.Powers.Words(), Until: millis(k.Until), Patient: k.Patient, Agent: k.Agent},
			ID:           k.ID, Kept: millis(k.Kept), Files: k.Files, Sent: k.Sent, Code: k.Code,
		}
	}
	return marshal(shape)
}

// DropKeptClaim takes a claim back that waits, by its id.
func (c *Client) DropKeptClaim(id string) (err error) {
	defer guard(&err)
	return c.inner.DropKeptClaim(id)
}
