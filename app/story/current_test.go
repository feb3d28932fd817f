package story

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/sync/replica"
)

// Whoever sees current prescriptions alone sees one for as long as something of it may be handed out, and no longer: on the phone, at the door,
// and whoever ends it, time included. Whoever was given all of them has all of them.
func TestLimitedShowsWhatIsCurrent(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		h := keepHouse(ctx, t, w, w.Now().AddDate(-70, 0, 0))
		whole, vera, err := w.SignUp(ctx, "+79161234561", "vera@example.org")
		ok(t, err)
		defer func() { _ = vera.Close() }()
		got(h.hers.GiveGrant(ctx, phone.Wish{Account: whole.Account, Scopes: card.Scopes{"rx.general"}, Ends: w.Now().AddDate(1, 0, 0)}))(t)
		got(h.represent(ctx, family.Proven{Level: family.Limited, Basis: family.PowerOfAttorney, Powers: family.Powers{View: true}, Until: w.Now().AddDate(1, 0, 0)}))(t)
		papers := map[string]Paper{}
		for _, name := range []string{"handed out", "in parts", "cancelled", "for sixty days"} {
			papers[name] = got(h.clinic.Prescribe(ctx, h.id, "current-"+name))(t)
		}
		token := h.byHand(ctx, t)

		// sees holds what the two see after both synced, and what the door says of a paper to who sees the current ones.
		sees := func(step string, papersHeld, medicines int, gone ...string) {
			t.Helper()
			got(h.boris.Sync(ctx))(t)
			got(vera.Sync(ctx))(t)
			his := got(h.his.Counts())(t)
			if his[card.KindPrescription] != papersHeld || his[card.KindMedication] != medicines || his[card.KindObservation] == 0 {
				t.Errorf("%s: he has %v, want %d prescriptions and %d medicines", step, his, papersHeld, medicines)
			}
			hers := got(vera.Card(h.id).Counts())(t)
			if want := map[card.Kind]int{card.KindPrescription: len(papers), card.KindMedication: 1}; !maps.Equal(hers, want) {
				t.Errorf("%s: who was given all has %v, want %v", step, hers, want)
			}
			for _, name := range gone {
				err := h.Call(ctx, token, http.MethodGet, "/v1/prescriptions/"+papers[name].ID+"/code.png", nil, nil, new([]byte))
				refused(t, err, http.StatusNotFound, "paper.not_found")
			}
		}
		sees("all are open", 4, 1)

		pharmacy := got(w.Pharmacy(ctx, "Аптека № 9"))(t)
		hand := func(name string, n int) {
			held := got(pharmacy.Accept(ctx, papers[name].Code, counter.NewKey()))(t)
			got(pharmacy.Complete(ctx, held, []counter.Portion{{Item: 0, Quantity: n}}, counter.NewKey()))(t)
		}
		hand("in parts", 20)
		sees("one is handed out in part", 4, 1)
		hand("handed out", 60)
		sees("one is handed out", 3, 1, "handed out")
		hand("in parts", 40)
		sees("its rest is", 2, 1, "handed out", "in parts")
		got(h.clinic.does(ctx, "/v1/prescriptions/"+papers["cancelled"].ID+"/cancel", map[string]any{"idempotencyKey": "cancel-current-1"}))(t)
		sees("one is cancelled", 1, 1, "handed out", "in parts", "cancelled")

		// The clinic says that its own line is over, and that it goes on after all.
		line := func(status string) []byte {
			before, after, _ := bytes.Cut(bytes.ReplaceAll(example.Bundle(), []byte("1984-06-15"), []byte(w.Now().AddDate(-70, 0, 0).In(moscowTime).Format(time.DateOnly))), []byte(`"resourceType": "MedicationRequest"`))
			return bytes.Join([][]byte{before, bytes.Replace(after, []byte(`"status": "active"`), []byte(`"status": "`+status+`"`), 1)}, []byte(`"resourceType": "MedicationRequest"`))
		}
		got(h.clinic.Post(ctx, line("completed")))(t)
		sees("a medicine was taken", 1, 0)
		got(h.clinic.Post(ctx, line("on-hold")))(t)
		sees("it waits", 1, 1)

		// What the owner hides is hidden, current or not.
		paper := card.RecordID(papers["for sixty days"].ID)
		ok(t, h.hers.Hide(ctx, paper))
		got(h.boris.Sync(ctx))(t)
		if n := got(h.his.Counts())(t)[card.KindPrescription]; n != 0 {
			t.Errorf("hidden, he has %d", n)
		}
		ok(t, h.hers.Show(ctx, paper))
		sees("it is shown again", 1, 1)

		h.register(ctx, t)
		w.Skip(61 * 24 * time.Hour)
		ok(t, server.Dispense(h.Server.Store, h.Now, moscowTime).Sweep(ctx))
		h.wakes(t, "boris-phone")
		h.rings(t, "boris-phone", 0)                            // time did it: there is nothing to read
		for _, again := range []*Phone{h.anna, h.boris, vera} { // two months later nobody is signed in
			ok(t, again.Enter(ctx))
		}
		token = h.byHand(ctx, t)
		sees("its days are over", 0, 1, "handed out", "in parts", "cancelled", "for sixty days")
		ok(t, server.Dispense(h.Server.Store, h.Now, moscowTime).Sweep(ctx)) // a second time there is nothing to do
		sees("and stay so", 0, 1)
		got(h.anna.Sync(ctx))(t)
		if all := got(h.hers.Counts())(t)[card.KindPrescription]; all != len(papers) {
			t.Errorf("the owner has %d of %d", all, len(papers))
		}
	})
}

// Nobody gives a part of a scope: it is for levels alone, and a restriction of it would let through what it does not name.
func TestAPartIsNotForPeopleToGive(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		h := keepHouse(ctx, t, w, w.Now().AddDate(-70, 0, 0))
		part := card.Scope("rx.general").Current()
		_, err := h.hers.GiveGrant(ctx, phone.Wish{Account: h.parent.Account, Scopes: card.Scopes{part}, Ends: w.Now().AddDate(1, 0, 0)})
		refused(t, err, http.StatusUnprocessableEntity, "scopes.invalid")
		_, err = h.hers.GiveGrant(ctx, phone.Wish{Client: h.clinic.ID, Scopes: card.Scopes{part}, Purpose: consent.Treatment, Ends: w.Now().AddDate(1, 0, 0)})
		refused(t, err, http.StatusUnprocessableEntity, "scopes.invalid")
		if (replica.Scopes{"rx.general"}).Holds(string(part)) != (card.Scopes{"rx.general"}).Holds(part) {
			t.Error("the engine and the domain differ in what a scope holds")
		}
	})
}

// wakes waits until the phone was woken silently.
func (w *World) wakes(t *testing.T, phone string) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
		for _, m := range w.Push.To(phone) {
			if !m.Visible() {
				return
			}
		}
	}
	t.Errorf("%s was not woken", phone)
}
