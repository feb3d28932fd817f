package story

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/app/dispensing"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
)

// forger is a device of a pharmacy that writes what it likes.
type forger struct {
	*Pharmacy
	qr.SigningKey
	last prescription.Receipt
}

func newForger(ctx context.Context, t *testing.T, w *World, p *Pharmacy, enrolled bool) *forger {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	ok(t, err)
	f := &forger{Pharmacy: p, SigningKey: got(qr.NewSigningKey(string(p.ID), qr.Receipt, private))(t)}
	if enrolled {
		ok(t, w.Call(ctx, got(p.Token(ctx))(t), http.MethodPost, "/v1/dispensing/devices", nil, map[string]any{
			"name": "Фальшивая касса", "key": []byte(public), "proof": ed25519.Sign(private, document.EnrolmentText(public)),
		}, nil))
	}
	return f
}

// sign makes the next receipt of the device's chain, changed; the chain goes on from what was signed.
func (f *forger) sign(t *testing.T, w *World, paper Paper, change func(*prescription.Receipt)) string {
	t.Helper()
	claims := f.Verify(paper.Code, w.Now()).Document.Claims()
	now := w.Now().UTC().Truncate(time.Second)
	r := prescription.Receipt{
		Number: f.last.Number + 1, Previous: f.last.Hash, Token: prescription.Token(claims.Token), At: now, ListedAt: now.Add(-time.Hour),
		Portions: []prescription.Portion{{Item: 0, Quantity: 5}},
	}
	if change != nil {
		change(&r)
	}
	claims.Token = qr.TokenID(r.Token)
	if claims.Expires.Before(r.At) {
		claims.Expires = r.At
	}
	text := got(document.SealReceipt(r, claims, f.SigningKey))(t)
	r.Hash = document.HashReceipt(text)
	f.last = r
	return text
}

func (f *forger) send(ctx context.Context, t *testing.T, w *World, texts ...string) string {
	t.Helper()
	var answer struct{ Receipts []counter.Filed }
	ok(t, w.Call(ctx, got(f.Token(ctx))(t), http.MethodPost, "/v1/dispensing/receipts", nil, map[string]any{"receipts": texts}, &answer))
	return outcomes(answer.Receipts)
}

func TestDoubtfulReceiptsWaitForAnOperator(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		_, anna, id := owner(ctx, t, w, clinic)
		paper := got(clinic.Prescribe(ctx, id, "doubtful-0000001"))(t)
		pharmacy, other := got(w.Pharmacy(ctx, "Аптека № 1"))(t), got(w.Pharmacy(ctx, "Аптека № 2"))(t)
		ok(t, pharmacy.Refresh(ctx))
		ok(t, other.Refresh(ctx))
		controlled := got(clinic.controlled(ctx, id, "doubtful-0000002"))(t)
		device := newForger(ctx, t, w, pharmacy, true)
		token := got(qr.OpenToken(controlled.Code))(t)

		for _, c := range []struct {
			want   string
			change func(*prescription.Receipt)
		}{
			{"applied", nil},
			{"quarantined in_the_future", func(r *prescription.Receipt) { r.At, r.ListedAt = r.At.Add(time.Hour), r.At }},
			{"quarantined stale_lists", func(r *prescription.Receipt) { r.ListedAt = r.At.Add(-49 * time.Hour) }},
			{"quarantined stale_lists", func(r *prescription.Receipt) { r.ListedAt = r.At.Add(time.Hour) }},
			{"quarantined key_not_in_force", func(r *prescription.Receipt) { r.At = r.At.Add(-24 * time.Hour); r.ListedAt = r.At }},
			{"quarantined foreign_token", func(r *prescription.Receipt) { r.Token[3] ^= 1 }},
			{"quarantined controlled_form", func(r *prescription.Receipt) { r.Token = prescription.Token(token) }},
			{"quarantined impossible_amounts", func(r *prescription.Receipt) { r.Portions[0].Quantity = 61 }},
			{"quarantined impossible_amounts", func(r *prescription.Receipt) { r.Portions[0].Item = 1 }},
			{"quarantined impossible_amounts", func(r *prescription.Receipt) { r.Portions = append(r.Portions, r.Portions[0]) }},
			{"applied", nil}, // what was wrong with those before is not this one's fault
		} {
			if said := device.send(ctx, t, w, device.sign(t, w, paper, c.change)); said != c.want {
				t.Errorf("%s, want %s", said, c.want)
			}
		}
		unknown, stranger := newForger(ctx, t, w, pharmacy, false), newForger(ctx, t, w, other, true)
		foreign := stranger.sign(t, w, paper, nil)
		if said := unknown.send(ctx, t, w, unknown.sign(t, w, paper, nil), foreign, "EMC1:NOTHING"); said != "quarantined unknown_key, quarantined foreign_key, quarantined bad_format" {
			t.Error(said)
		}
		broken := []byte(device.sign(t, w, paper, nil))
		device.last = prescription.Receipt{Number: device.last.Number - 1} // it was never sent whole
		if broken[len(broken)-9]++; broken[len(broken)-9] > 'Z' || broken[len(broken)-9] == ';' {
			broken[len(broken)-9] = 'A'
		}
		if said := device.send(ctx, t, w, string(broken)); said != "quarantined bad_signature" && said != "quarantined bad_format" {
			t.Error(said)
		}
		if p := stands(ctx, t, w, paper); p.Dispensed != 10 || p.Excess != 0 {
			t.Errorf("%+v: what is doubtful changed the remainder", p)
		}

		// An operator sees them, releases one and dismisses another; both are seen in the card's own log.
		desk := operator(w)
		waiting := got(desk.Quarantine(ctx))(t)
		if len(waiting) != 13 {
			t.Errorf("%d wait", len(waiting))
		}
		byDoubt := map[prescription.Doubt]prescription.Filed{}
		for _, f := range waiting {
			byDoubt[f.Doubt] = f
		}
		decision := func(d prescription.Doubt) dispensing.Decision {
			return dispensing.Decision{Receipt: byDoubt[d].Hash, By: "Сидорова", Why: "аптека подтвердила по телефону"}
		}
		released := got(desk.Release(ctx, decision(prescription.InTheFuture)))(t)
		if p := stands(ctx, t, w, paper); released.Outcome != prescription.Applied || p.Dispensed != 15 {
			t.Errorf("%+v, %+v", released, p)
		}
		if _, err := desk.Release(ctx, decision(prescription.InTheFuture)); !errors.Is(err, dispensing.ErrNoReceipt) {
			t.Errorf("released twice: %v", err)
		}
		for _, doubt := range []prescription.Doubt{prescription.Impossible, prescription.ForeignToken, prescription.UnknownKey, prescription.BadFormat} {
			if _, err := desk.Release(ctx, decision(doubt)); !errors.Is(err, dispensing.ErrNoFact) {
				t.Errorf("%s was released: %v", doubt, err)
			}
		}
		if dismissed := got(desk.Dismiss(ctx, decision(prescription.IsControlled)))(t); dismissed.Outcome != prescription.Dismissed {
			t.Errorf("%+v", dismissed)
		}
		if _, err := desk.Dismiss(ctx, dispensing.Decision{Receipt: byDoubt[prescription.BadFormat].Hash}); !errors.Is(err, dispensing.ErrWhy) {
			t.Error(err)
		}
		if actions := operatorActions(ctx, t, anna, w, id); !slices.Equal(actions, []audit.Action{audit.Release, audit.Dismiss}) {
			t.Errorf("the card's log says %v", actions)
		}
		var own struct{ Receipts []counter.Filed }
		ok(t, w.Call(ctx, got(other.Token(ctx))(t), http.MethodGet, "/v1/dispensing/receipts", nil, nil, &own))
		if len(own.Receipts) != 0 {
			t.Error("a pharmacy sees another's receipts")
		}
		ok(t, w.Call(ctx, got(pharmacy.Token(ctx))(t), http.MethodGet, "/v1/dispensing/receipts", nil, nil, &own))
		if len(own.Receipts) != 11 {
			t.Errorf("the pharmacy sees %d of its own", len(own.Receipts))
		}
	})
}

func TestGapsAndClonesInAChain(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, _ := admitted(ctx, t, clinic)
		paper := got(clinic.Prescribe(ctx, id, "chains-000000001"))(t)
		pharmacy := got(w.Pharmacy(ctx, "Аптека № 1"))(t)
		ok(t, pharmacy.Refresh(ctx))
		device := newForger(ctx, t, w, pharmacy, true)
		one, two, three := device.sign(t, w, paper, nil), device.sign(t, w, paper, nil), device.sign(t, w, paper, nil)
		if said := device.send(ctx, t, w, one, three); said != "applied, quarantined gap_in_chain" {
			t.Error(said)
		}
		if said := device.send(ctx, t, w, two); said != "applied" {
			t.Error(said)
		}
		if p := stands(ctx, t, w, paper); p.Dispensed != 15 {
			t.Errorf("%+v: the one that waited counts once the gap is filled", p)
		}
		if said := device.send(ctx, t, w, three); said != "applied" {
			t.Error(said)
		}
		// A receipt that was lost for good: the operator gives it up, and those after it go on.
		device.sign(t, w, paper, nil)
		five, six := device.sign(t, w, paper, nil), device.sign(t, w, paper, nil)
		if said := device.send(ctx, t, w, five, six); said != "quarantined gap_in_chain, quarantined gap_in_chain" {
			t.Error(said)
		}
		got(operator(w).Release(ctx, dispensing.Decision{Receipt: document.HashReceipt(five), By: "Сидорова", Why: "касса сгорела"}))(t)
		if p := stands(ctx, t, w, paper); p.Dispensed != 25 {
			t.Errorf("%+v", p)
		}
		// A clone went on from the same receipt.
		clone := *device
		seven := device.sign(t, w, paper, nil)
		cloned := clone.sign(t, w, paper, func(r *prescription.Receipt) { r.Portions[0].Quantity = 6 })
		if said := device.send(ctx, t, w, seven, cloned, device.sign(t, w, paper, nil)); said != "applied, quarantined forked_chain, quarantined forked_chain" {
			t.Error(said)
		}
		devices := got(pharmacy.Devices(ctx))(t)
		if len(devices) != 1 || devices[0].State != "forked" || devices[0].Receipts != 7 {
			t.Errorf("%+v", devices)
		}
	})
}

func TestRetiredAndStolenDevices(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, _ := admitted(ctx, t, clinic)
		paper := got(clinic.Prescribe(ctx, id, "devices-00000001"))(t)
		pharmacy, other := got(w.Pharmacy(ctx, "Аптека № 1"))(t), got(w.Pharmacy(ctx, "Аптека № 2"))(t)
		ok(t, pharmacy.Refresh(ctx))
		retired, stolen := newForger(ctx, t, w, pharmacy, true), newForger(ctx, t, w, pharmacy, true)
		before := []string{retired.sign(t, w, paper, nil), stolen.sign(t, w, paper, nil)}
		w.Skip(time.Minute)
		_, err := other.EndDevice(ctx, retired.SigningKey.ID.String(), false)
		refused(t, err, http.StatusNotFound, "device.not_found")
		got(pharmacy.EndDevice(ctx, retired.SigningKey.ID.String(), false))(t)
		got(pharmacy.EndDevice(ctx, stolen.SigningKey.ID.String(), true))(t)
		w.Skip(time.Minute)
		after := []string{retired.sign(t, w, paper, nil)}
		if said := retired.send(ctx, t, w, append(before, after...)...); said != "applied, quarantined key_stolen, quarantined key_not_in_force" {
			t.Error(said)
		}
		err = w.Call(ctx, got(pharmacy.Token(ctx))(t), http.MethodPost, "/v1/dispensing/devices", nil, map[string]any{"name": "x", "key": []byte(retired.Public), "proof": []byte("no")}, nil)
		refused(t, err, http.StatusUnprocessableEntity, "device.key")
	})
}

// operatorActions are what operators did with a card, the oldest first, as its owner reads it.
func operatorActions(ctx context.Context, t *testing.T, handset *Phone, w *World, id card.ID) (actions []audit.Action) {
	t.Helper()
	ok(t, w.Server.Store.View(ctx, func(tx *store.Tx) error {
		owner := identity.Actor{Kind: identity.Patient, Account: handset.Owner.Account, SecondFactor: true}
		permit, err := tx.Decide(owner, id, consent.PatientRequest, w.Now())
		if err != nil {
			return err
		}
		entries, err := tx.AuditTrail(permit, 0, 100)
		for _, e := range entries {
			if e.Actor.Kind == identity.Operator {
				actions = append([]audit.Action{e.Action}, actions...)
				if e.Actor.Person.Name != "Сидорова" {
					t.Errorf("the log names %q", e.Actor.Person.Name)
				}
			}
		}
		return err
	}))
	return actions
}

// controlled issues a prescription of a medicine under subject-quantity accounting: its code is a token.
func (c *Clinic) controlled(ctx context.Context, id card.ID, key string) (p Paper, err error) {
	err = c.Call(ctx, http.MethodPost, "/v1/prescriptions", nil, map[string]any{
		"card": id, "idempotencyKey": key, "form": "148-1/u-88", "validity": 1, "clinic": "1027700132195", "prescriber": "Петрова А. С.",
		"items": []any{map[string]any{
			"code": 4712, "name": "Прегабалин", "shape": "capsule", "strength": []any{map[string]any{"amount": 150, "unit": "mg"}}, "quantity": 14,
			"regimen": map[string]any{"portion": 100, "times": 2, "days": 7},
		}},
	}, &p)
	return p, err
}

func TestNobodyFloodsTheQuarantine(t *testing.T) {
	ctx := t.Context()
	w := start(t, "")
	pharmacy := got(w.Pharmacy(ctx, "Аптека № 1"))(t)
	token := got(pharmacy.Token(ctx))(t)
	send := func(batch int) error {
		var texts []string
		for n := range prescription.MaxReceipts {
			texts = append(texts, fmt.Sprintf("EMC1:%03d%03d", batch, n))
		}
		return w.Call(ctx, token, http.MethodPost, "/v1/dispensing/receipts", nil, map[string]any{"receipts": texts}, nil)
	}
	batch := 0
	for ; batch < 40; batch++ {
		if err := send(batch); err != nil {
			refused(t, err, http.StatusTooManyRequests, "receipts.quarantine_full")
			break
		}
	}
	if batch != 32 { // the first full batch beyond 1,000
		t.Errorf("refused after %d batches", batch)
	}
	err := w.Call(ctx, token, http.MethodPost, "/v1/dispensing/receipts", nil, map[string]any{"receipts": make([]string, prescription.MaxReceipts+1)}, nil)
	var p *problem.Problem
	if !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity {
		t.Error(err)
	}
}
