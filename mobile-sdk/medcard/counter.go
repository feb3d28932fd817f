package medcard

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"sync"
	"time"

	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

// TokenSource gives access tokens of a pharmacy's system, of the person who stands at the counter. The system has them from
// /oauth/token; the key that it signs with stays where it is.
type TokenSource interface {
	Token() (string, error)
}

// CounterOptions say how to open a counter. Made by NewCounterOptions.
type CounterOptions struct {
	Tokens TokenSource // null where only Verify is used

	dir, address string
	roots        []qr.Key
}

// NewCounterOptions holds the folder for what is fetched (one of its own) and the server's address.
func NewCounterOptions(dir, address string) *CounterOptions {
	return &CounterOptions{dir: dir, address: address}
}

// PinRoot makes a root of trust believed: its issuer and its Ed25519 public key, 32 bytes, built into the app. Pin the current one
// and its successor.
func (o *CounterOptions) PinRoot(issuer string, public []byte) (err error) {
	defer guard(&err)
	key := ed25519.PublicKey(bytes.Clone(public))
	root := qr.Key{ID: qr.KeyIDOf(key), Issuer: issuer, Usage: qr.KeySet, Algorithm: qr.EdDSA, Public: key}
	if err := root.Check(); err != nil {
		return err
	}
	o.roots = append(o.roots, root)
	return nil
}

// Counter is the pharmacist's client: it verifies codes without a network and hands medicines out with one, or on a signed receipt. It may be used from
// any thread.
type Counter struct {
	inner *counter.Counter
	life  context.Context
	end   context.CancelFunc
	once  sync.Once
}

// OpenCounter opens the folder, or makes it, and believes of its content what is still signed by a pinned root.
func OpenCounter(o *CounterOptions) (c *Counter, err error) {
	defer guard(&err)
	if o == nil {
		return nil, errArgument
	}
	config := counter.Config{Dir: o.dir, Server: o.address, Roots: o.roots}
	if tokens := o.Tokens; tokens != nil {
		config.Bearer = func(context.Context) (token string, err error) {
			err = safely(func() (err error) { token, err = tokens.Token(); return err })
			return token, err
		}
	}
	inner, err := counter.Open(config)
	if err != nil {
		return nil, err
	}
	c = &Counter{inner: inner}
	c.life, c.end = context.WithCancel(context.Background())
	return c, nil
}

// Close ends the calls that are under way.
func (c *Counter) Close() (err error) {
	defer guard(&err)
	c.once.Do(c.end)
	return nil
}

// Refresh fetches the key set and the status lists, each only if it changed: at the start and every quarter of an hour.
func (c *Counter) Refresh() (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.Refresh(ctx)
}

func (c *Counter) term() (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.life, callTerm)
}

type verdictShape struct {
	Answer       string             `json:"answer"`
	Reasons      []trust.Reason     `json:"reasons"`
	KeysAge      int64              `json:"keysAge"`
	StatusKnown  bool               `json:"statusKnown"`
	StatusAge    int64              `json:"statusAge"`
	Issuer       string             `json:"issuer,omitempty"`
	Prescription *prescriptionShape `json:"prescription,omitempty"`
	Referral     *referralShape     `json:"referral,omitempty"`
	Certificate  *statedShape       `json:"certificate,omitempty"`
}

// Verify checks a code against what was fetched last; now 0 = the phone's clock. It never touches the network. JSON: {"answer": "OK",
// "NO" or "CANT_TELL_OFFLINE", "reasons": [word], "keysAge", "statusAge": milliseconds, "statusKnown", and once the signature
// holds "issuer" and "prescription", "referral" or "certificate"}.
func (c *Counter) Verify(code string, now int64) (verdict []byte, err error) {
	defer guard(&err)
	at := time.Now()
	if now != 0 {
		at = moment(now)
	}
	v := c.inner.Verify(code, at)
	shape := verdictShape{
		Answer: v.Answer.String(), Reasons: append([]trust.Reason{}, v.Reasons...), KeysAge: v.KeysAge.Milliseconds(), StatusKnown: v.StatusKnown,
		StatusAge: v.StatusAge.Milliseconds(),
	}
	if p := v.Paper; p != nil {
		shape.Issuer = p.Issuer
		switch {
		case p.Prescription != nil:
			sheet := sheetOf(*p.Prescription, p.IssuedAt, p.ValidUntil)
			shape.Prescription = &sheet
		case p.Referral != nil:
			sheet := referralOf(*p.Referral, p.IssuedAt, p.ValidUntil)
			shape.Referral = &sheet
		case p.Certificate != nil:
			stated := statedOf(*p.Certificate, p.IssuedAt, p.ValidUntil)
			shape.Certificate = &stated
		}
	}
	return marshal(shape)
}

// NewKey makes an idempotency key: one for each thing that the pharmacist does, the same again when an answer was lost.
func NewKey() (key string, err error) {
	defer guard(&err)
	return counter.NewKey(), nil
}

// Held is a prescription in this pharmacy's hands.
type Held struct {
	ID           string
	Until        int64  // the end of the hold
	Prescription []byte // JSON, with what is left of each item

	inner counter.Held
}

type keptHeld struct {
	Held counter.Held `json:"held"`
	Code string       `json:"code"`
}

// Keep gives the hold as bytes, for a counter that must survive a restart: they hold the secret that proves it.
func (h *Held) Keep() (kept []byte, err error) {
	defer guard(&err)
	return marshal(keptHeld{Held: h.inner, Code: h.inner.Code})
}

// ResumeHeld is the reverse of Keep.
func ResumeHeld(kept []byte) (held *Held, err error) {
	defer guard(&err)
	var k keptHeld
	if json.Unmarshal(kept, &k) != nil || k.Held.ID == "" {
		return nil, errArgument
	}
	k.Held.Code = k.Code
	return heldOf(k.Held)
}

func heldOf(h counter.Held) (*Held, error) {
	shown, err := marshal(shownOf(h.Prescription))
	return &Held{ID: h.ID, Until: millis(h.LeaseUntil), Prescription: shown, inner: h}, err
}

// Accept takes the prescription under a code for this pharmacy, for ten minutes. Another pharmacy gets a failure with status 409 and
// the state.
func (c *Counter) Accept(code, key string) (held *Held, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	h, err := c.inner.Accept(ctx, code, key)
	if err != nil {
		return nil, err
	}
	return heldOf(h)
}

// AcceptTyped does the same by the number on the paper and the patient's year of birth, where no code can be read.
func (c *Counter) AcceptTyped(number string, birthYear int, key string) (held *Held, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	h, err := c.inner.AcceptTyped(ctx, number, birthYear, key)
	if err != nil {
		return nil, err
	}
	return heldOf(h)
}

type portionShape struct {
	Item     int `json:"item"`
	Quantity int `json:"quantity"`
}

type outcomeShape struct {
	ID     string         `json:"id"`
	State  string         `json:"state"`
	Items  []balanceShape `json:"items"`
	Supply *supplyShape   `json:"supply,omitempty"`
}

type balanceShape struct {
	Quantity  int   `json:"quantity"`
	Dispensed int   `json:"dispensed"`
	Remaining int   `json:"remaining"`
	Excess    int   `json:"excess,omitempty"`
	NextAt    int64 `json:"nextAt,omitempty"`
}

func outcomeJSON(o counter.Outcome, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	shape := outcomeShape{ID: o.ID, State: o.State, Items: make([]balanceShape, len(o.Items)), Supply: supplyOf(o.Supply)}
	for i, b := range o.Items {
		shape.Items[i] = balanceShape{Quantity: b.Quantity, Dispensed: b.Dispensed, Remaining: b.Remaining, Excess: b.Excess, NextAt: orZero(b.NextAt)}
	}
	return marshal(shape)
}

// Complete records what was handed out and ends the hold. portions is JSON, [{"item": 0, "quantity": 30}]: the item's place on the
// prescription, from 0. It gives {"id", "state", "items": [{"quantity", "dispensed", "remaining", "nextAt"}]}.
func (c *Counter) Complete(held *Held, portions []byte, key string) (outcome []byte, err error) {
	defer guard(&err)
	var shapes []portionShape
	if err := unmarshal(portions, &shapes); err != nil || held == nil {
		return nil, errArgument
	}
	list := make([]counter.Portion, len(shapes))
	for i, s := range shapes {
		list[i] = counter.Portion(s)
	}
	ctx, end := c.term()
	defer end()
	return outcomeJSON(c.inner.Complete(ctx, held.inner, list, key))
}

// Reject gives the prescription back untouched. It gives what Complete does.
func (c *Counter) Reject(held *Held, key string) (outcome []byte, err error) {
	defer guard(&err)
	if held == nil {
		return nil, errArgument
	}
	ctx, end := c.term()
	defer end()
	return outcomeJSON(c.inner.Reject(ctx, held.inner, key))
}
