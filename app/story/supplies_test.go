package story

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/mobile-sdk/counter"
)

func TestAPharmacyOrdersWhatItLacks(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		_, anna, id := owner(ctx, t, w, clinic)
		paper := got(clinic.Prescribe(ctx, id, "deferred-0000001"))(t)
		near, far := got(w.Pharmacy(ctx, "Аптека № 1"))(t), got(w.Pharmacy(ctx, "Аптека № 2"))(t)
		w.Skip(59 * 24 * time.Hour) // the day before its end
		ok(t, anna.Enter(ctx))      // her session did not live through these months

		held := got(near.Accept(ctx, paper.Code, counter.NewKey()))(t)
		key := counter.NewKey()
		deferred := got(near.Defer(ctx, held, counter.OtherAssortment, key))(t)
		if again := got(near.Defer(ctx, held, counter.OtherAssortment, key))(t); again.Supply == nil || !again.Supply.DueAt.Equal(deferred.Supply.DueAt) {
			t.Error("the same request under the same key got another answer")
		}
		due, err := prescription.SupplyDue(prescription.Routine, prescription.OtherAssortment, deferred.Supply.RegisteredAt, time.FixedZone("MSK", 3*60*60))
		ok(t, err)
		if deferred.State != "issued" || !deferred.Supply.DueAt.Equal(due) || due.Sub(w.Now()) < 12*24*time.Hour {
			t.Errorf("%+v", deferred.Supply)
		}
		if c := onPhone(ctx, t, anna, id, paper); !c.Supply.Due.Equal(due) || c.State != prescription.Issued {
			t.Errorf("the patient sees %+v", c.Supply)
		}
		_, err = far.Arrived(ctx, held.ID, counter.NewKey())
		refused(t, err, http.StatusConflict, "dispensing.not_deferred")
		other := got(far.Accept(ctx, paper.Code, counter.NewKey()))(t)
		_, err = far.Defer(ctx, other, counter.MinimumAssortment, counter.NewKey())
		refused(t, err, http.StatusConflict, "dispensing.deferred")
		got(far.Reject(ctx, other, counter.NewKey()))(t)

		// Past its end it lives for the pharmacy that ordered, and for no other.
		w.Skip(5 * 24 * time.Hour)
		if p := refused(t, far.accept(ctx, paper.Code), http.StatusConflict, "prescription.expired"); p.State != "expired" {
			t.Error(p.State)
		}
		if list := got(near.Deferred(ctx))(t); len(list) != 1 || list[0].ID != paper.ID || list[0].Overdue {
			t.Errorf("%+v", list)
		}
		w.Skip(30 * 24 * time.Hour)
		if list := got(near.Deferred(ctx))(t); len(list) != 1 || !list[0].Overdue {
			t.Errorf("%+v", list)
		}
		var heard []prescription.Deferred // what the job at the end of the term finds
		desk := operator(w)
		desk.Overdue = func(d prescription.Deferred) { heard = append(heard, d) }
		ok(t, desk.SupplyDue(ctx, id, prescription.ID(paper.ID)))
		w.Skip(-30 * 24 * time.Hour)
		ok(t, desk.SupplyDue(ctx, id, prescription.ID(paper.ID))) // not yet
		w.Skip(30 * 24 * time.Hour)
		if len(heard) != 1 || heard[0].Prescription != prescription.ID(paper.ID) || heard[0].Supply.Holder != near.ID {
			t.Errorf("the job says %+v", heard)
		}
		if late := got(operator(w).LateSupplies(ctx))(t); len(late) != 1 || string(late[0].Prescription) != paper.ID {
			t.Errorf("the operator sees %+v", late)
		}
		w.Skip(-25 * 24 * time.Hour)

		ok(t, anna.Enter(ctx))
		ok(t, anna.RegisterPush(ctx, "fcm", "phone-1", "ru"))
		before := len(w.Push.To("phone-1"))
		got(near.Arrived(ctx, held.ID, counter.NewKey()))(t)
		message := arrived(t, w, "phone-1", before+1)
		for _, canary := range []string{"Метформин", "Аптека", paper.ID, string(id)} {
			if strings.Contains(message.Raw, canary) {
				t.Errorf("the push says %s", message.Raw)
			}
		}
		if c := onPhone(ctx, t, anna, id, paper); c.Supply.Arrived.IsZero() {
			t.Errorf("the patient sees %+v", c.Supply)
		}
		mine := got(near.Accept(ctx, paper.Code, counter.NewKey()))(t)
		if done := got(near.Complete(ctx, mine, units(60), counter.NewKey()))(t); done.State != "dispensed" || done.Supply != nil {
			t.Errorf("%+v", done)
		}
		if list := got(near.Deferred(ctx))(t); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	})
}

func TestAnOrderThatIsGivenUpEndsTheFavour(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, _ := admitted(ctx, t, clinic)
		paper := got(clinic.Prescribe(ctx, id, "deferred-0000002"))(t)
		pharmacy := got(w.Pharmacy(ctx, "Аптека № 1"))(t)
		held := got(pharmacy.Accept(ctx, paper.Code, counter.NewKey()))(t)
		got(pharmacy.Defer(ctx, held, counter.MinimumAssortment, counter.NewKey()))(t)
		if gone := got(pharmacy.Withdraw(ctx, held.ID, counter.NewKey()))(t); gone.State != "issued" || gone.Supply != nil {
			t.Errorf("%+v", gone)
		}
		_, err := pharmacy.Withdraw(ctx, held.ID, counter.NewKey())
		refused(t, err, http.StatusConflict, "dispensing.not_deferred")
	})
}

func TestAClinicCancels(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic, other := got(w.Clinic(ctx, "Поликлиника № 7"))(t), got(w.Clinic(ctx, "Поликлиника № 8"))(t)
		id, _ := admitted(ctx, t, clinic)
		paper := got(clinic.Prescribe(ctx, id, "cancelled-000001"))(t)
		second := got(clinic.Prescribe(ctx, id, "cancelled-000002"))(t)
		pharmacy := got(w.Pharmacy(ctx, "Аптека № 1"))(t)
		cancel := func(c *Clinic, p Paper, key string) error {
			return c.Call(ctx, http.MethodPost, "/v1/prescriptions/"+p.ID+"/cancel", nil, map[string]any{"idempotencyKey": key}, nil)
		}
		refused(t, cancel(other, paper, "cancel-00000001"), http.StatusNotFound, "prescription.not_found")
		held := got(pharmacy.Accept(ctx, paper.Code, counter.NewKey()))(t)
		if p := refused(t, cancel(clinic, paper, "cancel-00000002"), http.StatusConflict, "prescription.in_work"); p.State != "in_work" {
			t.Error(p.State)
		}
		got(pharmacy.Reject(ctx, held, counter.NewKey()))(t)
		ok(t, cancel(clinic, paper, "cancel-00000003"))
		ok(t, cancel(clinic, paper, "cancel-00000003"))
		refused(t, cancel(clinic, second, "cancel-00000003"), http.StatusUnprocessableEntity, "idempotency.mismatch")
		if p := refused(t, cancel(clinic, paper, "cancel-00000004"), http.StatusConflict, "prescription.cancelled"); p.State != "cancelled" {
			t.Error(p.State)
		}
		if p := refused(t, pharmacy.accept(ctx, paper.Code), http.StatusConflict, "prescription.cancelled"); p.State != "cancelled" {
			t.Error(p.State)
		}
		w.Skip(20 * time.Minute)
		ok(t, pharmacy.Refresh(ctx))
		if v := pharmacy.Verify(paper.Code, w.Now()); v.String() != "NO revoked" {
			t.Error(v)
		}
		// One idempotency key is for one thing, over all prescriptions.
		key := counter.NewKey()
		third := got(clinic.Prescribe(ctx, id, "cancelled-000003"))(t)
		got(pharmacy.Accept(ctx, second.Code, key))(t)
		_, err := pharmacy.Accept(ctx, third.Code, key)
		refused(t, err, http.StatusUnprocessableEntity, "idempotency.mismatch")
		// When the hold has run out the same request takes it anew.
		w.Skip(11 * time.Minute)
		if again := got(pharmacy.Accept(ctx, second.Code, key))(t); !again.LeaseUntil.After(w.Now().Add(9 * time.Minute)) {
			t.Error("an accept that is asked for again after its end is no new hold")
		}
	})
}

func TestAPatientGivesAPrescriptionUp(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		p, anna, id := owner(ctx, t, w, clinic)
		paper := got(clinic.Prescribe(ctx, id, "given-up-0000001"))(t)
		pharmacy := got(w.Pharmacy(ctx, "Аптека № 1"))(t)
		ok(t, pharmacy.Refresh(ctx))
		session := func(p *Patient, digit string) string {
			self := somebody(digit)
			self.phone, self.password = p.Login, p.Password
			return str(w.enter(ctx, t, self), "accessToken")
		}
		hers := session(p, "7")
		giveUp := func(token string) error {
			return w.Call(ctx, token, http.MethodDelete, "/v1/prescriptions/"+paper.ID, nil, nil, nil)
		}
		stranger, strangers, err := w.SignUp(ctx, "+79169999999", "stranger@example.org")
		ok(t, err)
		defer strangers.Close()
		refused(t, giveUp(session(stranger, "8")), http.StatusNotFound, "prescription.not_found")
		held := got(pharmacy.Accept(ctx, paper.Code, counter.NewKey()))(t)
		refused(t, giveUp(hers), http.StatusConflict, "prescription.in_work")
		got(pharmacy.Reject(ctx, held, counter.NewKey()))(t)
		ok(t, giveUp(hers))
		ok(t, giveUp(hers))
		refused(t, pharmacy.accept(ctx, paper.Code), http.StatusGone, "prescription.gone")
		_, err = pharmacy.Reject(ctx, held, counter.NewKey())
		refused(t, err, http.StatusGone, "prescription.gone")
		if c := onPhone(ctx, t, anna, id, paper); c.State != prescription.Cancelled {
			t.Error(c.State)
		}
	})
}
