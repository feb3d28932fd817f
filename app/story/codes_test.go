package story

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

func TestAPharmacyChecksOfflineAndDispensesOnce(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, _ := admitted(ctx, t, clinic)
		paper := got(clinic.Prescribe(ctx, id, "visit-2026-11-22-1"))(t)
		if again := got(clinic.Prescribe(ctx, id, "visit-2026-11-22-1"))(t); again.ID != paper.ID || again.Code != paper.Code {
			t.Error("filed again under the same key it became another prescription")
		}
		first, second := got(w.Pharmacy(ctx, "Аптека № 1"))(t), got(w.Pharmacy(ctx, "Аптека № 2"))(t)
		ok(t, first.Refresh(ctx))
		ok(t, second.Refresh(ctx))

		first.Network.Off(true)
		if v := first.Verify(paper.Code, w.Now()); v.Answer != trust.OK {
			t.Fatalf("offline: %v", v)
		}
		if _, err := first.Accept(ctx, paper.Code, counter.NewKey()); err == nil {
			t.Error("accepted without a network")
		}
		first.Network.Off(false)

		key := counter.NewKey()
		lost := got(first.Accept(ctx, paper.Code, key))(t)
		held := got(first.Accept(ctx, paper.Code, key))(t) // the first answer was lost on its way
		if held.ID != lost.ID || held.Secret == lost.Secret {
			t.Error("a lost answer must give the same hold with a fresh secret")
		}
		if p := refused(t, second.accept(ctx, paper.Code), http.StatusConflict, "prescription.in_work"); p.State != "in_work" {
			t.Errorf("the conflict names the state %q", p.State)
		}
		portions := []counter.Portion{{Item: 0, Quantity: 60}}
		_, err := first.Complete(ctx, lost, portions, counter.NewKey())
		refused(t, err, http.StatusForbidden, "dispensing.wrong_secret")
		done := counter.NewKey()
		outcome := got(first.Complete(ctx, held, portions, done))(t)
		if outcome.State != "dispensed" {
			t.Errorf("state %s", outcome.State)
		}
		if again := got(first.Complete(ctx, held, portions, done))(t); again.State != outcome.State {
			t.Error("the same request under the same key got another answer")
		}
		_, err = first.Complete(ctx, held, []counter.Portion{{Item: 0, Quantity: 1}}, done)
		refused(t, err, http.StatusUnprocessableEntity, "idempotency.mismatch")
		if p := refused(t, second.accept(ctx, paper.Code), http.StatusConflict, "prescription.dispensed"); p.State != "dispensed" {
			t.Errorf("the conflict names the state %q", p.State)
		}
	})
}

func (p *Pharmacy) accept(ctx context.Context, code string) error {
	_, err := p.Accept(ctx, code, counter.NewKey())
	return err
}

func TestFiftyPharmacistsAtOnce(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, _ := admitted(ctx, t, clinic)
		var pharmacies []*Pharmacy
		for i := range 5 {
			pharmacies = append(pharmacies, got(w.Pharmacy(ctx, fmt.Sprintf("Аптека № %d", i+1)))(t))
		}
		for _, p := range pharmacies {
			got(p.Token(ctx))(t) // fetched before the race begins
		}
		paper := got(clinic.Prescribe(ctx, id, "race-00000001"))(t)
		var mu sync.Mutex
		var won []counter.Held
		var unexpected []error
		gate := make(chan struct{})
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				<-gate
				held, err := pharmacies[i%len(pharmacies)].Accept(ctx, paper.Code, counter.NewKey())
				mu.Lock()
				defer mu.Unlock()
				var p *problem.Problem
				switch {
				case err == nil:
					won = append(won, held)
				case errors.As(err, &p) && p.Status == http.StatusConflict && p.Code == "prescription.in_work":
				default:
					unexpected = append(unexpected, err)
				}
			})
		}
		close(gate)
		all.Wait()
		if len(won) != 1 || len(unexpected) > 0 {
			t.Errorf("%d of 50 won; unexpected: %v", len(won), unexpected)
		}
	})
}

func TestEveryFlippedCharacterIsRefused(t *testing.T) {
	ctx := t.Context()
	w := start(t, "")
	clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
	id, _ := admitted(ctx, t, clinic)
	paper := got(clinic.Prescribe(ctx, id, "tamper-000001"))(t)
	pharmacy := got(w.Pharmacy(ctx, "Аптека № 1"))(t)
	ok(t, pharmacy.Refresh(ctx))
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	for i := range paper.Code {
		changed := []byte(paper.Code)
		changed[i] = alphabet[(strings.IndexByte(alphabet, changed[i])+1)%len(alphabet)]
		if v := pharmacy.Verify(string(changed), w.Now()); v.Answer == trust.OK || v.Document != nil && v.Answer != trust.No {
			t.Fatalf("character %d: %v", i, v)
		}
	}
	// Online the same: nothing but the true code opens the prescription.
	for _, i := range []int{7, len(paper.Code) / 2, len(paper.Code) - 1} {
		changed := []byte(paper.Code)
		changed[i] = alphabet[(strings.IndexByte(alphabet, changed[i])+1)%len(alphabet)]
		refused(t, pharmacy.accept(ctx, string(changed)), http.StatusUnprocessableEntity, "code.not_genuine")
	}
	refused(t, pharmacy.accept(ctx, qr.TokenText(qr.TokenID{1, 2, 3})), http.StatusNotFound, "prescription.not_found")
}

func TestAPictureOfTheCodeIsRead(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, _ := admitted(ctx, t, clinic)
		for kind, paper := range map[string]Paper{
			"prescriptions": got(clinic.Prescribe(ctx, id, "photo-0000001"))(t),
			"referrals":     got(clinic.Refer(ctx, id, "photo-0000002"))(t),
		} {
			png := got(clinic.Picture(ctx, kind, paper))(t)
			if !bytes.HasPrefix(png, []byte("\x89PNG")) {
				t.Fatalf("%s: no PNG", kind)
			}
			pharmacy := got(w.Pharmacy(ctx, "Аптека "+kind))(t)
			token := got(pharmacy.Token(ctx))(t)
			reading := got(w.Scan(ctx, token, png))(t)
			if len(reading.Codes) != 1 || reading.Codes[0].Text != paper.Code || reading.Codes[0].Verdict != "ok" {
				t.Errorf("%s: %+v", kind, reading)
			}
		}
	})
}

func TestAForeignClinicSeesNoCard(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic, stranger := got(w.Clinic(ctx, "Поликлиника № 7"))(t), got(w.Clinic(ctx, "Клиника без пациента"))(t)
		id, _ := admitted(ctx, t, clinic)
		paper := got(clinic.Prescribe(ctx, id, "foreign-00001"))(t)
		_, err := stranger.Prescribe(ctx, id, "foreign-00002")
		there := refused(t, err, http.StatusNotFound, "card.not_found")
		_, err = stranger.Prescribe(ctx, "0191d5a0-0000-7000-8000-00000000dead", "foreign-00003")
		missing := refused(t, err, http.StatusNotFound, "card.not_found")
		if there.Detail != missing.Detail || !slices.Equal(there.Fields, missing.Fields) {
			t.Error("a foreign card and a missing one must look alike")
		}
		_, err = stranger.Picture(ctx, "prescriptions", paper)
		refused(t, err, http.StatusNotFound, "paper.not_found")
		err = stranger.Call(ctx, http.MethodGet, "/v1/cards/"+string(id)+"/records", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, nil)
		refused(t, err, http.StatusNotFound, "card.not_found")
	})
}
