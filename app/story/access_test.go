package story

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/push/pushtest"
)

// Another person on a phone of his own sees what the owner gave him, for as long as that lasts: what is taken goes from the
// phone with the next sync, what is given comes, and with the end of the last grant all of it goes.
func TestAccessComesAndGoesOnAPhone(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna, _, id := owner(ctx, t, w, got(w.Clinic(ctx, "Городская больница"))(t))
		boris, phone, err := w.SignUp(ctx, "+79161234560", "boris@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = phone.Close() })
		self := somebody("7")
		self.phone, self.password = anna.Login, anna.Password
		token := str(w.enter(ctx, t, self), "accessToken")
		path := "/v1/cards/" + string(id) + "/grants"
		give := func(lasts time.Duration, scopes ...string) string {
			t.Helper()
			return str(got(w.post(ctx, path, token, body{"account": boris.Account, "scopes": scopes, "purpose": "PATRQT", "ends": w.Now().Add(lasts).UTC()}))(t), "id")
		}
		take := func(grant string) {
			t.Helper()
			ok(t, w.Call(ctx, token, http.MethodDelete, path+"/"+grant, nil, nil, nil))
		}
		sees := func(what string, want ...card.Kind) {
			t.Helper()
			got(phone.Sync(ctx))(t)
			counts := got(phone.Card(id).Counts())(t)
			for kind, n := range counts {
				if n > 0 && !slices.Contains(want, kind) {
					t.Errorf("%s: %d of kind %s are on the phone", what, n, kind)
				}
			}
			for _, kind := range want {
				if counts[kind] == 0 {
					t.Errorf("%s: nothing of kind %s is on the phone", what, kind)
				}
			}
		}
		refused(t, func() error {
			_, err := w.post(ctx, path, token, body{"account": boris.Account, "scopes": []string{"dx.*"}, "purpose": "TREAT", "ends": w.Now().Add(time.Hour).UTC()})
			return err
		}(), http.StatusUnprocessableEntity, "purpose.not_grantable")

		ok(t, phone.RegisterPush(ctx, "fcm", "boris-phone", "ru"))
		wakes := 0
		woken := func(what string) {
			t.Helper()
			wakes++
			if got := pushed(t, w, "boris-phone", wakes); got[wakes-1].Visible() {
				t.Errorf("%s: the push shows a line", what)
			}
		}
		first := give(time.Hour, "dx.*")
		woken("let in")
		sees("given diagnoses", card.KindCondition, card.KindAllergy)
		second := give(3*time.Hour, "vaccine.general")
		sees("given vaccines too", card.KindCondition, card.KindAllergy, card.KindImmunization)
		woken("let see more")
		take(first)
		woken("shut out of a part")
		sees("diagnoses taken back", card.KindImmunization)
		give(2*time.Hour, "dx.*")
		sees("given again", card.KindCondition, card.KindAllergy, card.KindImmunization)
		w.Skip(150 * time.Minute)
		sees("one has run out", card.KindImmunization)

		other := somebody("6")
		other.phone, other.password = boris.Login, boris.Password
		his := str(w.enter(ctx, t, other), "accessToken")
		_, err = w.post(ctx, path, his, body{"account": boris.Account, "scopes": []string{"dx.*"}, "purpose": "PATRQT", "ends": w.Now().Add(time.Hour).UTC()})
		refused(t, err, http.StatusForbidden, "owner.only")
		refused(t, w.Call(ctx, his, http.MethodGet, "/v1/cards/"+string(id)+"/access-log", nil, nil, nil), http.StatusForbidden, "owner.only")

		token = str(w.enter(ctx, t, self), "accessToken")
		take(second)
		report := got(phone.Sync(ctx))(t)
		if !slices.Contains(report.Gone, id) {
			t.Errorf("all was taken back, and the sync says %+v", report)
		}
		if counts := got(phone.Card(id).Counts())(t); len(counts) > 0 {
			t.Errorf("left on the phone: %v", counts)
		}
		if me := got(phone.Me(ctx))(t); among(me, id) {
			t.Error("the card is still in his list")
		}
	})
}

// pushed waits until the carrier has at least so many messages for a phone.
func pushed(t *testing.T, w *World, token string, count int) []pushtest.Wire {
	t.Helper()
	for began := time.Now(); len(w.Push.To(token)) < count; time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%d pushes came, not %d", len(w.Push.To(token)), count)
		}
	}
	return w.Push.To(token)
}
