package story

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/dispensing"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/qr/trust"
)

// cutOff is a pharmacy whose counter is enrolled and up to date, and has no network from then on.
func cutOff(ctx context.Context, t *testing.T, w *World, name string) *Pharmacy {
	t.Helper()
	p := got(w.Pharmacy(ctx, name))(t)
	got(p.Enrol(ctx, "Касса 1"))(t)
	ok(t, p.Refresh(ctx))
	p.Network.Off(true)
	return p
}

// upload switches the network on and tells the server of everything.
func (p *Pharmacy) upload(ctx context.Context, t *testing.T) []counter.Filed {
	t.Helper()
	p.Network.Off(false)
	return got(p.Upload(ctx))(t)
}

// operator is somebody with a shell on the server.
func operator(w *World) *dispensing.Service { return server.Dispense(w.Server.Store, w.Now, time.UTC) }

func outcomes(filed []counter.Filed) string {
	var words []string
	for _, f := range filed {
		words = append(words, strings.TrimSpace(f.Outcome+" "+f.Doubt))
	}
	return strings.Join(words, ", ")
}

func units(quantity int) []counter.Portion { return []counter.Portion{{Item: 0, Quantity: quantity}} }

// stands asks, as an operator would, how a prescription stands.
func stands(ctx context.Context, t *testing.T, w *World, paper Paper) prescription.Progress {
	t.Helper()
	var p prescription.Prescription
	ok(t, view(ctx, w, paper, func(found prescription.Prescription) { p = found }))
	return p.Course.Items[0]
}

type caseList struct {
	Cases []struct {
		Prescription string
		Concerns     []string
		Excess       []counter.Portion
		HandOuts     []struct {
			Pharmacy string
			Items    []counter.Portion
			Receipt  string
		}
	}
}

func TestWhatWasHandedOutOfflineIsAFact(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, _ := admitted(ctx, t, clinic)
		paper := got(clinic.Prescribe(ctx, id, "offline-00000001"))(t)
		pharmacy := cutOff(ctx, t, w, "Аптека № 1")

		first := got(pharmacy.HandOut(paper.Code, units(20), w.Now()))(t)
		if first.Number != 1 || pharmacy.Pending() != 1 {
			t.Errorf("receipt %d, %d pending", first.Number, pharmacy.Pending())
		}
		got(pharmacy.HandOut(paper.Code, units(40), w.Now()))(t)
		if _, err := pharmacy.HandOut(paper.Code, units(1), w.Now()); !refusedAs(err, "NO seen_before") {
			t.Errorf("all is out, and more: %v", err)
		}
		if _, err := pharmacy.Upload(ctx); err == nil {
			t.Error("uploaded without a network")
		}
		if pharmacy.Pending() != 2 {
			t.Error("a failed upload lost receipts")
		}
		if said := outcomes(pharmacy.upload(ctx, t)); said != "applied, applied" || pharmacy.Pending() != 0 {
			t.Errorf("filed: %s; %d pending", said, pharmacy.Pending())
		}
		if p := stands(ctx, t, w, paper); p.Dispensed != 60 || p.Excess != 0 {
			t.Errorf("%+v", p)
		}
		// The same receipt again is the same fact.
		var again struct{ Receipts []struct{ Outcome string } }
		token := got(pharmacy.Token(ctx))(t)
		ok(t, w.Call(ctx, token, http.MethodPost, "/v1/dispensing/receipts", nil, map[string]any{"receipts": []string{first.Text, first.Text}}, &again))
		if again.Receipts[0].Outcome != "applied" || again.Receipts[1].Outcome != "applied" || stands(ctx, t, w, paper).Dispensed != 60 {
			t.Errorf("%+v", again)
		}
		var cases caseList
		ok(t, clinic.Call(ctx, http.MethodGet, "/v1/dispensing/cases", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, &cases))
		if len(cases.Cases) != 0 {
			t.Error("a case of nothing")
		}
		// The status list knows it too, for everybody else.
		w.Skip(20 * time.Minute)
		other := got(w.Pharmacy(ctx, "Аптека № 2"))(t)
		ok(t, other.Refresh(ctx))
		if v := other.Verify(paper.Code, w.Now()); v.Answer != trust.No || !slices.Contains(v.Reasons, trust.IsDispensed) {
			t.Error(v)
		}
	})
}

func refusedAs(err error, verdict string) bool {
	var r *counter.Refusal
	return errors.As(err, &r) && r.Verdict.String() == verdict
}

func TestTwoPharmaciesHandOutTheSameOffline(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		_, anna, id := owner(ctx, t, w, clinic)
		ok(t, anna.RegisterPush(ctx, "fcm", "phone-1", "ru"))
		paper := got(clinic.Prescribe(ctx, id, "offline-00000002"))(t)
		arrived(t, w, "phone-1", 1)
		near, far := cutOff(ctx, t, w, "Аптека № 1"), cutOff(ctx, t, w, "Аптека № 2")
		one := got(near.HandOut(paper.Code, units(60), w.Now()))(t)
		two := got(far.HandOut(paper.Code, units(50), w.Now()))(t)
		if said := outcomes(near.upload(ctx, t)); said != "applied" {
			t.Error(said)
		}
		arrived(t, w, "phone-1", 2)
		if said := outcomes(far.upload(ctx, t)); said != "case" {
			t.Error(said)
		}
		message := arrived(t, w, "phone-1", 3)
		for _, canary := range []string{"Метформин", "Аптека", "60", paper.ID, string(id)} {
			if !message.Visible() || message.Data["topic"] != "news" || strings.Contains(message.Data["text"], canary) {
				t.Errorf("the push says %s", message.Raw)
			}
		}
		if p := stands(ctx, t, w, paper); p.Dispensed != 60 || p.Excess != 50 || p.Remaining() != 0 {
			t.Errorf("%+v: never more dispensed than prescribed, the excess apart", p)
		}
		var cases caseList
		ok(t, clinic.Call(ctx, http.MethodGet, "/v1/dispensing/cases", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, &cases))
		if len(cases.Cases) != 1 {
			t.Fatalf("the prescriber is told of %d cases", len(cases.Cases))
		}
		c := cases.Cases[0]
		if c.Prescription != paper.ID || !slices.Equal(c.Concerns, []string{"over_dispensed"}) || len(c.Excess) != 1 || c.Excess[0].Quantity != 50 ||
			len(c.HandOuts) != 2 || c.HandOuts[0].Receipt != one.Text || c.HandOuts[1].Receipt != two.Text || c.HandOuts[0].Pharmacy != string(near.ID) {
			t.Errorf("%+v", c)
		}
		other := got(w.Clinic(ctx, "Поликлиника № 8"))(t)
		ok(t, other.Call(ctx, http.MethodGet, "/v1/dispensing/cases", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, &cases))
		if len(cases.Cases) != 0 {
			t.Error("another clinic is told")
		}
		if c := onPhone(ctx, t, anna, id, paper); c.State != prescription.Dispensed || c.Items[0].Dispensed != 60 || c.Items[0].Excess != 50 {
			t.Errorf("the patient sees %+v", c)
		}
		if all := got(operator(w).AllCases(ctx, w.Now().Add(-time.Hour)))(t); len(all) != 1 {
			t.Errorf("the operator sees %d cases", len(all))
		}
	})
}

func TestAReceiptCountsWhateverHappenedMeanwhile(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, _ := admitted(ctx, t, clinic)
		near, far := cutOff(ctx, t, w, "Аптека № 1"), got(w.Pharmacy(ctx, "Аптека № 2"))(t)
		near.Network.Off(false)
		papers := map[string]Paper{}
		for _, what := range []string{"held", "cancelled", "expired", "dispensed"} {
			papers[what] = got(clinic.Prescribe(ctx, id, "meanwhile-"+what))(t)
		}
		ok(t, near.Refresh(ctx))
		near.Network.Off(true)
		for _, what := range []string{"held", "cancelled", "expired", "dispensed"} {
			got(near.HandOut(papers[what].Code, units(20), w.Now()))(t)
		}
		ok(t, clinic.Call(ctx, http.MethodPost, "/v1/prescriptions/"+papers["cancelled"].ID+"/cancel", nil, map[string]any{"idempotencyKey": "cancel-0001"}, nil))
		dispensed := got(far.Accept(ctx, papers["dispensed"].Code, counter.NewKey()))(t)
		got(far.Complete(ctx, dispensed, units(60), counter.NewKey()))(t)
		w.Skip(61 * 24 * time.Hour) // past the end of "expired"; a hold does not last that long, so "held" is accepted anew below
		fresh := got(clinic.Prescribe(ctx, id, "meanwhile-fresh"))(t)
		near.Network.Off(false)
		ok(t, near.Refresh(ctx))
		near.Network.Off(true)
		got(near.HandOut(fresh.Code, units(20), w.Now()))(t)
		held := got(far.Accept(ctx, fresh.Code, counter.NewKey()))(t)

		if said := outcomes(near.upload(ctx, t)); said != "applied, case, applied, case, applied" {
			t.Error(said)
		}
		for _, what := range []string{"held", "cancelled", "expired"} {
			if p := stands(ctx, t, w, papers[what]); p.Dispensed != 20 || p.Excess != 0 {
				t.Errorf("%s: %+v", what, p)
			}
		}
		if p := stands(ctx, t, w, papers["dispensed"]); p.Dispensed != 60 || p.Excess != 20 {
			t.Errorf("%+v", p)
		}
		// The other pharmacy's hold goes on, for what is left.
		_, err := far.Complete(ctx, held, units(60), counter.NewKey())
		refused(t, err, http.StatusUnprocessableEntity, "dispensing.portion")
		if outcome := got(far.Complete(ctx, held, units(40), counter.NewKey()))(t); outcome.State != "dispensed" {
			t.Error(outcome)
		}
	})
}

// view reads a prescription as the server has it.
func view(ctx context.Context, w *World, paper Paper, show func(prescription.Prescription)) error {
	return w.Server.Store.View(ctx, func(tx *store.Tx) error {
		id, found, err := tx.CardOfPrescription(prescription.ID(paper.ID))
		if err != nil || !found {
			return errors.Join(err, errors.New("no such prescription"))
		}
		permit, err := tx.DecideWrite(identity.Actor{Kind: identity.Operator}, id, "", card.Scopes{card.ScopeOf(card.KindPrescription, card.General)})
		if err != nil {
			return err
		}
		p, _, _, err := tx.Prescription(permit, prescription.ID(paper.ID))
		show(p)
		return err
	})
}

// onPhone is how a prescription stands on its patient's phone.
func onPhone(ctx context.Context, t *testing.T, handset *Phone, id card.ID, paper Paper) prescription.Course {
	t.Helper()
	got(handset.Sync(ctx))(t)
	for _, e := range got(handset.Card(id).Prescriptions(phone.Paging{}))(t).Entries {
		if string(e.Fact.ID) == paper.ID {
			return e.Fact.Course
		}
	}
	t.Fatal("the prescription is not on the phone")
	return prescription.Course{}
}
