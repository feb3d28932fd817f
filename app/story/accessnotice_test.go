package story

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// Who asks for it is told each time somebody else opens the card, in a push that says neither who nor what; who does not is left alone.
func TestTellMeOfEachAccess(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		anna, handset, id := owner(ctx, t, w, clinic)
		boris, his, err := w.SignUp(ctx, "+79161234560", "boris@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = his.Close() })
		mine := handset.Card(id)
		for _, wish := range []phone.Wish{{Client: clinic.ID, Purpose: consent.Treatment}, {Account: boris.Account}} {
			wish.Scopes, wish.Ends = card.Scopes{"lab.*", "dx.*"}, w.Now().Add(time.Hour)
			got(mine.GiveGrant(ctx, wish))(t)
		}
		ok(t, handset.RegisterPush(ctx, "fcm", "anna-phone", "ru"))
		n := 0
		quiet := func(what string) {
			t.Helper()
			time.Sleep(400 * time.Millisecond)
			if all := w.Push.To("anna-phone"); len(all) != n {
				t.Errorf("%s: %d pushes, want %d: %s", what, len(all), n, all[len(all)-1].Raw)
				n = len(all)
			}
		}
		rings := func(what string) {
			t.Helper()
			n++
			m := arrived(t, w, "anna-phone", n)
			if !m.Visible() || m.Data["topic"] != "security" {
				t.Errorf("%s: the push is %s", what, m.Raw)
			}
			for _, word := range []string{"Поликлиника", string(id), string(clinic.ID), "lab", Doctor.Name, anna.Email} {
				if strings.Contains(m.Raw, word) {
					t.Errorf("%s: the push holds %q: %s", what, word, m.Raw)
				}
			}
		}

		ok(t, clinic.reads(ctx, id))
		quiet("nobody asked to be told")
		if got(mine.AccessNotices(ctx))(t) {
			t.Error("it is on of its own accord")
		}
		ok(t, mine.SetAccessNotices(ctx, true))
		ok(t, mine.SetAccessNotices(ctx, true))
		if !got(mine.AccessNotices(ctx))(t) {
			t.Error("it was switched on and is off")
		}
		ok(t, clinic.reads(ctx, id))
		rings("a clinic reads")
		ok(t, clinic.reads(ctx, id))
		rings("a clinic reads again")
		got(his.Sync(ctx))(t)
		rings("a person whom she let in syncs")
		got(handset.Sync(ctx))(t)
		quiet("she herself syncs")
		refusedRead := clinic.Call(ctx, http.MethodGet, "/v1/cards/"+string(id)+"/records", nil, nil, nil)
		refused(t, refusedRead, http.StatusBadRequest, "purpose.missing")
		quiet("a read that was refused")

		self := somebody("7")
		self.phone, self.password = boris.Login, boris.Password
		token := str(w.enter(ctx, t, self), "accessToken")
		path := "/v1/cards/" + string(id) + "/access-notice"
		refused(t, w.Call(ctx, token, http.MethodGet, path, nil, nil, nil), http.StatusForbidden, "owner.only")
		refused(t, w.Call(ctx, token, http.MethodPut, path, nil, body{"on": false}, nil), http.StatusForbidden, "owner.only")

		ok(t, mine.SetAccessNotices(ctx, false))
		ok(t, clinic.reads(ctx, id))
		quiet("switched off")
		switched := ""
		page, _, err := mine.AccessLog(ctx, 0)
		ok(t, err)
		for _, e := range page {
			if e.Action == "notify" {
				switched += e.What + " "
			}
		}
		if switched != "off on " {
			t.Errorf("the log says that it was switched %s", switched)
		}
	})
}
