package story

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// A court decides that somebody is to see a card no more: his phone loses it with its next sync, an organisation is refused with its next request, and
// the owner reads by which decision.
func TestACourtEndsAnAccess(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Городская больница"))(t)
		_, anna, id := owner(ctx, t, w, clinic)
		hers := anna.Card(id)
		ok(t, anna.RegisterPush(ctx, "fcm", "anna-phone", "ru"))
		boris, his, err := w.SignUp(ctx, "+79160000022", "boris@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = his.Close() })
		person := got(hers.GiveGrant(ctx, phone.Wish{Account: boris.Account, Scopes: card.Scopes{"lab.*"}, Ends: w.Now().Add(time.Hour)}))(t)
		organisation := got(hers.GiveGrant(ctx, phone.Wish{Client: clinic.ID, Scopes: card.Scopes{"lab.*"}, Purpose: consent.Treatment, Ends: w.Now().Add(time.Hour)}))(t)
		if report := got(his.Sync(ctx))(t); report.Received == 0 {
			t.Fatal("he got nothing")
		}
		reads := func() error {
			return clinic.Call(ctx, http.MethodGet, "/v1/cards/"+string(id)+"/records?kinds=observation", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, nil)
		}
		ok(t, reads())

		desk := server.Grant(w.Server.Store, w.Now)
		if list := got(desk.Standing(ctx, id))(t); len(list) != 2 {
			t.Errorf("operators read %+v", list)
		}
		order := granting.Order{Card: id, Grant: person.ID, Document: "Басманный районный суд, 2-114/2026, 12.11.2026", By: "Сидорова"}
		for _, bad := range []granting.Order{
			{Card: id, Grant: person.ID, By: order.By}, {Card: id, Grant: person.ID, Document: order.Document},
			{Card: id, Grant: "00000000-0000-7000-8000-000000000000", Document: order.Document, By: order.By},
		} {
			if err := desk.Carry(ctx, bad); err == nil {
				t.Errorf("%+v is carried out", bad)
			}
		}
		ok(t, desk.Carry(ctx, order))
		if err := desk.Carry(ctx, order); err == nil {
			t.Error("an access ends twice")
		}
		order.Grant = organisation.ID
		ok(t, desk.Carry(ctx, order))

		got(his.Sync(ctx))(t)
		if cards := got(his.Cards())(t); slices.Contains(cards, id) {
			t.Error("his phone still holds the card")
		}
		refused(t, reads(), http.StatusNotFound, "card.not_found")
		w.rings(t, "anna-phone", 1)
		log, _, err := hers.AccessLog(ctx, 0)
		ok(t, err)
		if n := len(slices.DeleteFunc(log, func(a phone.Access) bool {
			return a.Action != audit.Order || a.What != order.Document || a.Person != order.By
		})); n != 2 {
			t.Errorf("the log tells of %d orders", n)
		}
		if list := got(desk.Standing(ctx, id))(t); len(list) != 0 {
			t.Errorf("still let in: %+v", list)
		}
		if got(anna.Sync(ctx))(t); len(got(hers.Grants(ctx))(t)) == 0 {
			t.Error("the owner lost her own card")
		}
	})
}
