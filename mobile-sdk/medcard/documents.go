package medcard

import (
	"bytes"

	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

type documentShape struct {
	Slot   string `json:"slot"`
	Status string `json:"status"`
	Number string `json:"number,omitempty"`
	Files  int    `json:"files"`
	Sent   int64  `json:"sent,omitempty"`
	Judged int64  `json:"judged,omitempty"`
	Reason string `json:"reason,omitempty"`
	Words  string `json:"words,omitempty"`
}

func documentOf(d evidence.Document) documentShape {
	return documentShape{
		Slot: string(d.Slot), Status: string(d.Status), Number: d.Number, Files: len(d.Files), Sent: millis(d.Sent), Judged: millis(d.Judged),
		Reason: string(d.Reason), Words: d.Words,
	}
}

func documentsOf(list []evidence.Document) ([]byte, error) {
	shape := make([]documentShape, len(list))
	for i, d := range list {
		shape[i] = documentOf(d)
	}
	return marshal(shape)
}

// Pages are the files of a document in their order: JPEG, PNG or PDF.
type Pages struct{ files [][]byte }

// NewPages gives none yet.
func NewPages() *Pages { return &Pages{} }

// Add puts one more file behind the others.
func (p *Pages) Add(content []byte) (err error) {
	defer guard(&err)
	p.files = append(p.files, bytes.Clone(content))
	return nil
}

// KeepDocument takes a document into the encrypted file, to be handed in by the next Sync that reaches the server. It needs no network and
// takes the place of one that waits in the same slot: passport, snils, policy, policyApplication, inn, dataConsent, birthCertificate,
// guardianOrder, trusteeOrder, powerOfAttorney, adoptionCertificate. The number is as the person typed it; its check digits are checked here.
func (c *Client) KeepDocument(slot, number string, pages *Pages) (err error) {
	defer guard(&err)
	if pages == nil {
		return errArgument
	}
	return c.inner.KeepDocument(evidence.Slot(slot), number, pages.files...)
}

// KeptDocuments lists what waits to be handed in. JSON: [{"slot", "number", "kept", "files", "sent", "code"}]; code: why the server does not take
// it, and it waits for the person.
func (c *Client) KeptDocuments() (list []byte, err error) {
	defer guard(&err)
	kept, err := c.inner.KeptDocuments()
	if err != nil {
		return nil, err
	}
	type keptShape struct {
		Slot   string `json:"slot"`
		Number string `json:"number,omitempty"`
		Kept   int64  `json:"kept"`
		Files  int    `json:"files"`
		Sent   int    `json:"sent"`
		Code   string `json:"code,omitempty"`
	}
	shape := make([]keptShape, len(kept))
	for i, d := range kept {
		shape[i] = keptShape{Slot: string(d.Slot), Number: d.Number, Kept: millis(d.Kept), Files: d.Files, Sent: d.Sent, Code: d.Code}
	}
	return marshal(shape)
}

// DropKeptDocument takes back what waits in the slot.
func (c *Client) DropKeptDocument(slot string) (err error) {
	defer guard(&err)
	return c.inner.DropKeptDocument(evidence.Slot(slot))
}

// Documents asks the server for the person's documents. JSON: [{"slot", "status", "number", "files", "sent", "judged", "reason", "words"}]; status:
// draft, checking, approved, rejected; reason: unreadable, incomplete, otherDocument, mismatch, expired, doubtful.
func (c *Client) Documents() (list []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	all, err := c.inner.Documents(ctx)
	if err != nil {
		return nil, err
	}
	return documentsOf(all)
}

// SeenDocuments is what Documents gave last. It needs no network.
func (c *Client) SeenDocuments() (list []byte, err error) {
	defer guard(&err)
	all, err := c.inner.SeenDocuments()
	if err != nil {
		return nil, err
	}
	return documentsOf(all)
}

// WithdrawDocument takes a document back that is being checked, or deletes a draft or a rejected one.
func (c *Client) WithdrawDocument(slot string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.WithdrawDocument(ctx, evidence.Slot(slot))
}

type policyShape struct {
	Number  string `json:"number"`
	Status  string `json:"status"`
	Asked   int64  `json:"asked"`
	Settled int64  `json:"settled,omitempty"`
	Insurer string `json:"insurer,omitempty"`
	Sent    int64  `json:"sent,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

func policyOf(l evidence.Link) policyShape {
	return policyShape{Number: string(l.Number), Status: string(l.State), Asked: millis(l.Asked), Settled: millis(l.Settled), Insurer: l.Name, Sent: millis(l.Answered), Reason: string(l.Refusal)}
}

// LinkPolicy names the person's policy of compulsory medical insurance; its insurer is asked, and sends a code. JSON in: {"number", "insurer": id,
// "holder": {"family", "given": [...], "born": "2020-01-31"}}, the latter two as Insurers says. JSON out: {"number", "status", "asked", "settled",
// "insurer": name, "sent": when its code was, "reason": why it did not confirm it}.
func (c *Client) LinkPolicy(policy []byte) (linked []byte, err error) {
	defer guard(&err)
	var in phone.NamedPolicy
	if err := unmarshal(policy, &in); err != nil {
		return nil, err
	}
	ctx, end := c.term()
	defer end()
	link, err := c.inner.LinkPolicy(ctx, in)
	if err != nil {
		return nil, err
	}
	return marshal(policyOf(link))
}

// Insurers lists the insurers that are connected. One whose "policies" has the beginning of the person's number compares the holder, and of several
// the person names his. JSON: [{"id", "name", "policies": [beginnings]}].
func (c *Client) Insurers() (list []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	all, err := c.inner.Insurers(ctx)
	if err != nil {
		return nil, err
	}
	return marshal(all)
}

// ConfirmPolicy links the policy by the insurer's code. JSON as of LinkPolicy.
func (c *Client) ConfirmPolicy(code string) (policy []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	link, err := c.inner.ConfirmPolicy(ctx, code)
	if err != nil {
		return nil, err
	}
	return marshal(policyOf(link))
}

// Policies asks the server for the person's policy with how far its confirmation is: one, or none. JSON: [as of LinkPolicy].
func (c *Client) Policies() (list []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	all, err := c.inner.Policies(ctx)
	if err != nil {
		return nil, err
	}
	return policiesOf(all)
}

// SeenPolicies is what Policies gave last. It needs no network.
func (c *Client) SeenPolicies() (list []byte, err error) {
	defer guard(&err)
	all, err := c.inner.SeenPolicies()
	if err != nil {
		return nil, err
	}
	return policiesOf(all)
}

func policiesOf(list []evidence.Link) ([]byte, error) {
	shape := make([]policyShape, len(list))
	for i, l := range list {
		shape[i] = policyOf(l)
	}
	return marshal(shape)
}
