package story

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/mobile-sdk/credential"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/qr"
)

// Key is an organisation's private key.
type Key = ecdsa.PrivateKey

func newKey() (*Key, []byte, error) {
	key, err := credential.NewKey()
	if err != nil {
		return nil, nil, err
	}
	public, err := credential.JWKS(key.Public())
	return key, public, err
}

// Clinic is a clinic's system, with a doctor at it.
type Clinic struct {
	ID    identity.ClientID
	Name  string
	Token func(context.Context) (string, error)
	world *World
}

// Doctor is the person at the clinic's system.
var Doctor = credential.Actor{Subject: "e-31", Name: "Петрова Анна Сергеевна", Role: "терапевт"}

// Pharmacist is the person at the counter.
var Pharmacist = credential.Actor{Subject: "p-7", Name: "Соколов Иван Петрович", Role: "провизор"}

// clinicScopes are what a clinic's system asks for.
var clinicScopes = []string{"system/*.c", "system/*.rs", "system/prescription.c", "system/referral.c", "system/certificate.c", "system/Communication.c", "system/PractitionerRole.cu"}

// Clinic registers a clinic and connects its system.
func (w *World) Clinic(ctx context.Context, name string) (*Clinic, error) {
	id, key, err := w.Register(ctx, identity.Clinic, name)
	if err != nil {
		return nil, err
	}
	source := credential.New(credential.Client{ID: string(id), Key: key, TokenURL: w.URL + "/oauth/token", Scopes: clinicScopes, Clock: w.Now})
	return &Clinic{ID: id, Name: name, Token: source.As(Doctor), world: w}, nil
}

// Call makes a request with the clinic's token. A body that is no []byte is sent as JSON; an answer that is no success is a
// *problem.Problem.
func (c *Clinic) Call(ctx context.Context, method, path string, headers map[string]string, body, answer any) error {
	token, err := c.Token(ctx)
	if err != nil {
		return err
	}
	return c.world.Call(ctx, token, method, path, headers, body, answer)
}

// Call makes a request with a bearer token ("" = none).
func (w *World) Call(ctx context.Context, token, method, path string, headers map[string]string, body, answer any) error {
	var reader io.Reader
	if body != nil {
		content, ok := body.([]byte)
		if !ok {
			var err error
			if content, err = json.Marshal(body); err != nil {
				return err
			}
		}
		reader = bytes.NewReader(content)
	}
	request, err := http.NewRequestWithContext(ctx, method, w.URL+path, reader)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		return problem.From(response)
	}
	switch into := answer.(type) {
	case nil:
		return nil
	case *[]byte:
		*into, err = io.ReadAll(response.Body)
		return err
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

// Posted is what became of a bundle.
type Posted struct {
	Card  card.ID
	Claim string // the one-time code for the person at the desk; "" when the card has an owner
	// Statuses counts the entries by what became of them: "201 Created", "200 OK" ...
	Statuses map[string]int
}

// Post posts a FHIR transaction bundle.
func (c *Clinic) Post(ctx context.Context, bundle []byte) (Posted, error) {
	var answer struct {
		ResourceType, Type string
		Entry              []struct {
			Response struct {
				Status, Location string
				Outcome          json.RawMessage
			}
		}
	}
	if err := c.Call(ctx, http.MethodPost, "/fhir/R4", map[string]string{"Content-Type": "application/fhir+json"}, bundle, &answer); err != nil {
		return Posted{}, err
	}
	posted := Posted{Statuses: map[string]int{}}
	for _, e := range answer.Entry {
		posted.Statuses[e.Response.Status]++
		if id, found := between(e.Response.Location, "Patient/", "/"); found {
			posted.Card = card.ID(id)
			posted.Claim = claimIn(e.Response.Outcome)
		}
	}
	if answer.Type != "transaction-response" || posted.Card == "" {
		return posted, errors.New("story: the answer to the bundle names no patient")
	}
	return posted, nil
}

func claimIn(outcome json.RawMessage) string {
	var o struct {
		Issue []struct {
			Details struct {
				Coding []struct{ System, Code string }
			}
		}
	}
	if json.Unmarshal(outcome, &o) != nil {
		return ""
	}
	for _, issue := range o.Issue {
		for _, coding := range issue.Details.Coding {
			if coding.System != "" && coding.Code != "" {
				return coding.Code
			}
		}
	}
	return ""
}

func between(text, before, after string) (string, bool) {
	b, a := []byte(text), []byte(before)
	i := bytes.Index(b, a)
	if i < 0 {
		return "", false
	}
	rest := text[i+len(before):]
	if j := bytes.Index([]byte(rest), []byte(after)); j >= 0 {
		rest = rest[:j]
	}
	return rest, rest != ""
}

// Paper is a document that the clinic's system issued.
type Paper struct {
	ID         string    `json:"id"`
	Code       string    `json:"code"`
	State      string    `json:"state"`
	Number     string    `json:"number"`
	ValidUntil time.Time `json:"validUntil"`
}

// Prescribe issues a prescription of one medicine.
func (c *Clinic) Prescribe(ctx context.Context, id card.ID, key string) (p Paper, err error) {
	err = c.Call(ctx, http.MethodPost, "/v1/prescriptions", nil, prescriptionOf(id, key), &p)
	return p, err
}

func prescriptionOf(id card.ID, key string) map[string]any {
	return map[string]any{
		"card": id, "idempotencyKey": key, "form": "107-1/u", "validity": 3, "clinic": "1027700132195", "prescriber": "Петрова А. С.",
		"items": []any{map[string]any{
			"code": 4711, "name": "Метформин", "shape": "tablet", "strength": []any{map[string]any{"amount": 500, "unit": "mg"}}, "quantity": 60,
			"regimen": map[string]any{"portion": 100, "times": 2, "days": 30},
		}},
	}
}

// Refer issues a referral to a specialist.
func (c *Clinic) Refer(ctx context.Context, id card.ID, key string) (p Paper, err error) {
	err = c.Call(ctx, http.MethodPost, "/v1/referrals", nil, referralOf(id, key), &p)
	return p, err
}

func referralOf(id card.ID, key string) map[string]any {
	return map[string]any{
		"card": id, "idempotencyKey": key, "kind": 6, "care": "planned", "clinic": "1027700132195", "purpose": "Консультация эндокринолога",
		"referrer": "Петрова А. С.", "days": 30,
	}
}

// Certify issues a certificate.
func (c *Clinic) Certify(ctx context.Context, id card.ID, key string) (p Paper, err error) {
	err = c.Call(ctx, http.MethodPost, "/v1/certificates", nil, certificateOf(id, key), &p)
	return p, err
}

func certificateOf(id card.ID, key string) map[string]any {
	return map[string]any{
		"card": id, "idempotencyKey": key, "kind": "086/u", "number": "2026-114", "clinic": "1027700132195", "author": "Петрова А. С.",
		"text": "Годна к обучению по специальности.", "days": 180,
	}
}

// Picture fetches a document's QR code as PNG.
func (c *Clinic) Picture(ctx context.Context, kind string, p Paper) (png []byte, err error) {
	err = c.Call(ctx, http.MethodGet, "/v1/"+kind+"/"+p.ID+"/code.png?scale=8", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, &png)
	return png, err
}

// Pharmacy is a pharmacy with one counter.
type Pharmacy struct {
	*counter.Counter
	ID      identity.ClientID
	Network *Network
	Token   func(context.Context) (string, error)
}

// Pharmacy registers a pharmacy and opens its counter.
func (w *World) Pharmacy(ctx context.Context, name string) (*Pharmacy, error) {
	id, key, err := w.Register(ctx, identity.Pharmacy, name)
	if err != nil {
		return nil, err
	}
	root, err := w.root(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := w.folder("counter-" + string(id))
	if err != nil {
		return nil, err
	}
	network := new(Network)
	source := credential.New(credential.Client{
		ID: string(id), Key: key, TokenURL: w.URL + "/oauth/token", Scopes: []string{"system/dispensing.c"}, Clock: w.Now, HTTP: network.Client(),
	})
	p := &Pharmacy{ID: id, Network: network, Token: source.As(Pharmacist)}
	p.Counter, err = counter.Open(counter.Config{Dir: dir, Server: w.URL, Roots: []qr.Key{root}, Bearer: p.Token, HTTP: network.Client()})
	return p, err
}

// root is the root key, which a real counter has built in.
func (w *World) root(ctx context.Context) (qr.Key, error) {
	var answer struct {
		ID, Issuer string
		Key        []byte
	}
	if err := w.Call(ctx, "", http.MethodGet, "/v1/trust/root", nil, nil, &answer); err != nil {
		return qr.Key{}, err
	}
	key := qr.Key{ID: qr.KeyIDOf(answer.Key), Issuer: answer.Issuer, Usage: qr.KeySet, Algorithm: qr.EdDSA, Public: answer.Key}
	if key.ID.String() != answer.ID {
		return qr.Key{}, fmt.Errorf("story: the root's id is not that of its key")
	}
	return key, key.Check()
}

// Reading is what the server read from a photo.
type Reading struct {
	Codes []struct {
		Kind, Text, Verdict, State string
		Reasons                    []string
	}
	Step string
}

// Scan uploads a photo with a bearer token.
func (w *World) Scan(ctx context.Context, token string, photo []byte) (r Reading, err error) {
	err = w.Call(ctx, token, http.MethodPost, "/v1/scan", map[string]string{"Content-Type": "image/png"}, photo, &r)
	return r, err
}
