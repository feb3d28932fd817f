package counter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/medcard/medcard/mobile-sdk/problem"
)

// Held is a prescription in this pharmacy's hands.
type Held struct {
	ID           string       `json:"id"`
	Secret       string       `json:"secret"` // proves the hold; keep it until Complete or Reject
	LeaseUntil   time.Time    `json:"leaseUntil"`
	Prescription Prescription `json:"prescription"`

	Code string `json:"-"` // what was accepted
}

// Prescription is what the server shows of it.
type Prescription struct {
	Form       string    `json:"form"`
	Urgency    string    `json:"urgency"`
	Patient    Patient   `json:"patient"`
	Clinic     string    `json:"clinic"`
	Prescriber string    `json:"prescriber"`
	IssuedAt   time.Time `json:"issuedAt"`
	ValidUntil time.Time `json:"validUntil"`
	State      string    `json:"state"`
	Items      []Item    `json:"items"`

	BenefitCategory int    `json:"benefitCategory"` // why the patient pays less; 0 = the patient pays
	Discount        int    `json:"discount"`        // percent that the patient need not pay
	FormSeries      string `json:"formSeries"`
	FormNumber      string `json:"formNumber"`
	Special         bool   `json:"special"`    // the mark for a special purpose
	Commission      string `json:"commission"` // number of the protocol where a medical commission decided
}

// Patient is all that a pharmacy is told of whose it is.
type Patient struct {
	Initials  string `json:"initials"`
	BirthYear int    `json:"birthYear"`
}

// Item is one medicine, with what is left of it.
type Item struct {
	Code      uint32     `json:"code"`
	Name      string     `json:"name"`
	Trade     string     `json:"trade"` // no other will do; "" = any of the name
	Shape     string     `json:"shape"`
	Strength  []Strength `json:"strength"`
	Quantity  int        `json:"quantity"`
	Dispensed int        `json:"dispensed"`
	Remaining int        `json:"remaining"`
	NextAt    *time.Time `json:"nextAt"` // of a long course: not before
	Regimen   Regimen    `json:"regimen"`
}

// Strength is how much of an active substance is in a unit.
type Strength struct {
	Amount uint32 `json:"amount"`
	Unit   string `json:"unit"`
}

// Regimen is how it is taken.
type Regimen struct {
	Portion int `json:"portion"` // hundredths of a unit at a time
	Times   int `json:"times"`
	Days    int `json:"days"`
	Every   int `json:"every"`
}

// Portion is what was handed out of one item.
type Portion struct {
	Item     int `json:"item"` // its place on the prescription, from 0
	Quantity int `json:"quantity"`
}

// Outcome is how a prescription stands after Complete or Reject.
type Outcome struct {
	ID     string    `json:"id"`
	State  string    `json:"state"`
	Items  []Balance `json:"items"`
	Supply *Supply   `json:"supply"` // ordered by a pharmacy; nil = not
}

// Balance is what is left of one item.
type Balance struct {
	Quantity  int        `json:"quantity"`
	Dispensed int        `json:"dispensed"`
	Remaining int        `json:"remaining"`
	Excess    int        `json:"excess"` // handed out beyond the prescription without a network
	NextAt    *time.Time `json:"nextAt"`
}

// Accept takes the prescription under a code, signed or token, for this pharmacy. Another pharmacy gets a *problem.Problem with
// status 409 and the state.
func (c *Counter) Accept(ctx context.Context, code, key string) (Held, error) {
	held := Held{Code: code}
	err := c.post(ctx, "/v1/dispensing/accept", map[string]any{"code": code, "idempotencyKey": key}, &held)
	if err == nil {
		balances := make([]Balance, len(held.Prescription.Items))
		for i, item := range held.Prescription.Items {
			balances[i] = Balance{Quantity: item.Quantity, Dispensed: item.Dispensed, NextAt: item.NextAt}
		}
		c.learn(code, held.Prescription.ValidUntil, balances)
	}
	return held, err
}

// AcceptTyped does what Accept does by the number on the paper and the patient's year of birth, where no code can be read. After many
// numbers that are none it gets a *problem.Problem with status 429 and the time to wait.
func (c *Counter) AcceptTyped(ctx context.Context, number string, birthYear int, key string) (Held, error) {
	var held Held
	err := c.post(ctx, "/v1/dispensing/accept", map[string]any{"number": number, "birthYear": birthYear, "idempotencyKey": key}, &held)
	return held, err
}

// Complete records what was handed out and ends the hold.
func (c *Counter) Complete(ctx context.Context, held Held, portions []Portion, key string) (Outcome, error) {
	var outcome Outcome
	body := map[string]any{"secret": held.Secret, "items": portions, "idempotencyKey": key}
	if err := c.post(ctx, "/v1/dispensing/"+held.ID+"/complete", body, &outcome); err != nil {
		return Outcome{}, err
	}
	c.learn(held.Code, held.Prescription.ValidUntil, outcome.Items)
	return outcome, nil
}

// Reject gives the prescription back untouched.
func (c *Counter) Reject(ctx context.Context, held Held, key string) (Outcome, error) {
	var outcome Outcome
	err := c.post(ctx, "/v1/dispensing/"+held.ID+"/reject", map[string]any{"secret": held.Secret, "idempotencyKey": key}, &outcome)
	return outcome, err
}

const maxAnswer = 4 << 20

func (c *Counter) post(ctx context.Context, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := c.request(ctx, http.MethodPost, path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if err := c.authorise(request); err != nil {
		return err
	}
	response, err := c.config.HTTP.Do(request)
	if err != nil {
		return fmt.Errorf("counter: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return problem.From(response)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(answer); err != nil {
		return errors.New("counter: the server's answer cannot be read")
	}
	return nil
}

// fetch gets something that changes seldom. No data and no error = unchanged.
func (c *Counter) fetch(ctx context.Context, path, etag string, authorised bool) (data []byte, newTag string, err error) {
	request, err := c.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, "", err
	}
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	if authorised && c.config.Bearer != nil {
		if err := c.authorise(request); err != nil {
			return nil, "", err
		}
	}
	response, err := c.config.HTTP.Do(request)
	if err != nil {
		return nil, "", fmt.Errorf("counter: %w", err)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotModified:
		return nil, "", nil
	case response.StatusCode != http.StatusOK:
		return nil, "", problem.From(response)
	}
	if data, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil {
		return nil, "", fmt.Errorf("counter: %w", err)
	}
	return data, response.Header.Get("ETag"), nil
}

func (c *Counter) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	if c.server.Host == "" {
		return nil, errors.New("counter: no server is named")
	}
	return http.NewRequestWithContext(ctx, method, c.server.String()+path, body)
}

func (c *Counter) authorise(request *http.Request) error {
	if c.config.Bearer == nil {
		return errors.New("counter: there is no source of access tokens")
	}
	token, err := c.config.Bearer(request.Context())
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	return nil
}
