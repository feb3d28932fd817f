package phone

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/identity"
)

// What a person proves who he is with: see package evidence. These calls need the network; KeepDocument does not.

type documentAnswer struct {
	ID     string `json:"id"`
	Slot   string `json:"slot"`
	Status string `json:"status"`
	Number string `json:"number"`
	Files  []struct {
		File   int    `json:"file"`
		Format string `json:"format"`
		Size   int64  `json:"size"`
		Pages  int    `json:"pages"`
	} `json:"files"`
	Changed time.Time `json:"changed"`
	Sent    time.Time `json:"sent"`
	Judged  time.Time `json:"judged"`
	Reason  string    `json:"reason"`
	Words   string    `json:"words"`
}

func (a documentAnswer) document() evidence.Document {
	d := evidence.Document{
		ID: evidence.DocumentID(a.ID), Slot: evidence.Slot(a.Slot), Status: evidence.Status(a.Status), Number: a.Number,
		Changed: a.Changed, Sent: a.Sent, Judged: a.Judged, Reason: evidence.Reason(a.Reason), Words: a.Words,
	}
	for _, f := range a.Files {
		d.Files = append(d.Files, evidence.File{Number: f.File, Format: evidence.Format(f.Format), Size: f.Size, Pages: f.Pages})
	}
	return d
}

type policyAnswer struct {
	Number  string    `json:"number"`
	Status  string    `json:"status"`
	Asked   time.Time `json:"asked"`
	Settled time.Time `json:"settled"`
	Insurer string    `json:"insurer"`
	Sent    time.Time `json:"sent"`
	Reason  string    `json:"reason"`
}

func (a policyAnswer) link() evidence.Link {
	return evidence.Link{
		Number: identity.Policy(a.Number), State: evidence.LinkState(a.Status), Asked: a.Asked, Settled: a.Settled,
		Question: evidence.Question{Name: a.Insurer, Answered: a.Sent, Refusal: evidence.Refusal(a.Reason)},
	}
}

func documentPath(slot evidence.Slot) string {
	return "/v1/me/documents/" + url.PathEscape(string(slot))
}

// What the server said last stands here, for a person who looks without a network.
const (
	settingSeenDocuments = "documents.seen"
	settingSeenPolicies  = "policies.seen"
)

type documentsAnswer struct {
	Documents []documentAnswer `json:"documents"`
}

func (a documentsAnswer) list() []evidence.Document {
	list := make([]evidence.Document, len(a.Documents))
	for i, d := range a.Documents {
		list[i] = d.document()
	}
	return list
}

// Documents lists the person's own documents with what was said of them. Of a slot there may be two: the approved one, and the one that is to
// replace it.
func (c *Client) Documents(ctx context.Context) ([]evidence.Document, error) {
	var a documentsAnswer
	if err := c.do(ctx, call{method: http.MethodGet, path: "/v1/me/documents", into: &a}); err != nil {
		return nil, err
	}
	return a.list(), c.vault.Save(settingSeenDocuments, a)
}

// SeenDocuments is what Documents gave last. It needs no network.
func (c *Client) SeenDocuments() ([]evidence.Document, error) {
	var a documentsAnswer
	_, err := c.vault.Load(settingSeenDocuments, &a)
	return a.list(), err
}

// PutDocumentFile sends a file of a document, JPEG, PNG or PDF, in place of the one that has its number, from 1.
func (c *Client) PutDocumentFile(ctx context.Context, slot evidence.Slot, number int, content []byte) (evidence.Document, error) {
	var a documentAnswer
	err := c.do(ctx, call{
		method: http.MethodPut, path: documentPath(slot) + "/files/" + strconv.Itoa(number), raw: content, into: &a,
		header: http.Header{"Content-Type": {"application/octet-stream"}},
	})
	return a.document(), err
}

// HandInDocument gives a document to be checked, with its number as the person typed it; "" where it has none.
func (c *Client) HandInDocument(ctx context.Context, slot evidence.Slot, number string) (evidence.Document, error) {
	var a documentAnswer
	body := struct {
		Number string `json:"number,omitempty"`
	}{number}
	err := c.do(ctx, call{method: http.MethodPost, path: documentPath(slot) + "/submit", body: body, into: &a})
	return a.document(), err
}

// WithdrawDocument takes a document back that is being checked, or deletes a draft or a rejected one.
func (c *Client) WithdrawDocument(ctx context.Context, slot evidence.Slot) error {
	return c.do(ctx, call{method: http.MethodDelete, path: documentPath(slot)})
}

// NamedPolicy is a policy as its person names it.
type NamedPolicy struct {
	Number  string            `json:"number"`
	Insurer identity.ClientID `json:"insurer,omitempty"` // which of several whose policies begin so
	Holder  *Named            `json:"holder,omitempty"`  // the person as the policy names him, without numbers: a connected insurer compares it
}

// LinkPolicy names the person's policy of compulsory medical insurance; its insurer is asked, and sends a code to the number that it has on file. Of
// an insurer that is not connected (Insurers) the code goes to the account's own number, and the same number again sends another.
func (c *Client) LinkPolicy(ctx context.Context, p NamedPolicy) (evidence.Link, error) {
	var a policyAnswer
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/me/policies", body: p, into: &a})
	return a.link(), err
}

// Insurer confirms policies whose numbers begin with one of Policies.
type Insurer struct {
	ID       identity.ClientID `json:"id"`
	Name     string            `json:"name"`
	Policies []string          `json:"policies"`
}

// Insurers lists those that are connected.
func (c *Client) Insurers(ctx context.Context) ([]Insurer, error) {
	var a struct {
		Insurers []Insurer `json:"insurers"`
	}
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/insurers", into: &a})
	return a.Insurers, err
}

// ConfirmPolicy links the policy by the insurer's code.
func (c *Client) ConfirmPolicy(ctx context.Context, code string) (evidence.Link, error) {
	var a policyAnswer
	body := struct {
		Code string `json:"code"`
	}{code}
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/me/policies/confirm", body: body, into: &a})
	return a.link(), err
}

type policiesAnswer struct {
	Policies []policyAnswer `json:"policies"`
}

func (a policiesAnswer) list() []evidence.Link {
	list := make([]evidence.Link, len(a.Policies))
	for i, p := range a.Policies {
		list[i] = p.link()
	}
	return list
}

// Policies lists the person's policy with how far its confirmation is: one, or none.
func (c *Client) Policies(ctx context.Context) ([]evidence.Link, error) {
	var a policiesAnswer
	if err := c.do(ctx, call{method: http.MethodGet, path: "/v1/me/policies", into: &a}); err != nil {
		return nil, err
	}
	return a.list(), c.vault.Save(settingSeenPolicies, a)
}

// SeenPolicies is what Policies gave last. It needs no network.
func (c *Client) SeenPolicies() ([]evidence.Link, error) {
	var a policiesAnswer
	_, err := c.vault.Load(settingSeenPolicies, &a)
	return a.list(), err
}
