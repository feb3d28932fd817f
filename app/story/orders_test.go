package story

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/family"
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
		order := granting.Order{Card: id, Document: "Басманный районный суд, 2-114/2026, 12.11.2026", By: "Сидорова"}
		for _, bad := range []granting.Order{{Card: id, By: order.By}, {Card: id, Document: order.Document}} {
			if err := desk.Carry(ctx, bad, person.ID); err == nil {
				t.Errorf("%+v is carried out", bad)
			}
		}
		if err := desk.Carry(ctx, order, "00000000-0000-7000-8000-000000000000"); err == nil {
			t.Error("an access that nobody has is ended")
		}
		ok(t, desk.Carry(ctx, order, person.ID))
		if err := desk.Carry(ctx, order, person.ID); err == nil {
			t.Error("an access ends twice")
		}
		ok(t, desk.Carry(ctx, order, organisation.ID))

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

// A court keeps somebody from a card: what let him in ends, and nobody lets him in again, by whatever door, until the order ends.
func TestACourtKeepsSomebodyOut(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		h := keepHouse(ctx, t, w, w.Now().AddDate(-70, 0, 0))
		letter := family.Proven{Level: family.Full, Basis: family.PowerOfAttorney, Powers: family.Powers{View: true}, Until: w.Now().AddDate(1, 0, 0)}
		got(h.represent(ctx, letter))(t)
		wish := phone.Wish{Account: h.parent.Account, Scopes: card.Scopes{"lab.*"}, Ends: w.Now().AddDate(0, 1, 0)}
		clinics := phone.Wish{Client: h.clinic.ID, Scopes: card.Scopes{"lab.*"}, Purpose: consent.Treatment, Ends: w.Now().AddDate(0, 1, 0)}
		got(h.hers.GiveGrant(ctx, wish))(t)
		got(h.hers.GiveGrant(ctx, clinics))(t)
		if report := got(h.boris.Sync(ctx))(t); report.Received == 0 {
			t.Fatal("he got nothing")
		}

		all := got(h.hers.Grants(ctx))(t)
		herself := all[slices.IndexFunc(all, func(g phone.Grant) bool { return g.Role == consent.Owner })].Account
		desk := server.Grant(w.Server.Store, w.Now)
		order := granting.Order{Card: h.id, Document: "Басманный районный суд, 2-114/2026, 12.11.2026", By: "Сидорова"}
		for name, try := range map[string]func() error{
			"nobody":      func() error { _, err := desk.Bar(ctx, order, "", "", time.Time{}); return err },
			"two at once": func() error { _, err := desk.Bar(ctx, order, h.parent.Account, h.clinic.ID, time.Time{}); return err },
			"no such person": func() error {
				_, err := desk.Bar(ctx, order, "00000000-0000-7000-8000-000000000000", "", time.Time{})
				return err
			},
			"the owner": func() error { _, err := desk.Bar(ctx, order, herself, "", time.Time{}); return err },
			"what has ended": func() error {
				_, err := desk.Bar(ctx, order, h.parent.Account, "", w.Now().Add(-time.Hour))
				return err
			},
			"without a ground": func() error {
				_, err := desk.Bar(ctx, granting.Order{Card: h.id, By: order.By}, h.parent.Account, "", time.Time{})
				return err
			},
		} {
			if err := try(); err == nil {
				t.Errorf("kept out: %s", name)
			}
		}
		bar := got(desk.Bar(ctx, order, h.parent.Account, "", time.Time{}))(t)
		got(desk.Bar(ctx, order, "", h.clinic.ID, w.Now().Add(time.Hour)))(t)
		if gone := got(h.boris.Sync(ctx))(t).Gone; !slices.Equal(gone, []card.ID{h.id}) {
			t.Errorf("his phone lost %v", gone)
		}
		if list := got(h.boris.Represents(ctx))(t); len(list) != 1 || list[0].State != family.Ended {
			t.Errorf("he still represents: %+v", list)
		}

		// The owner is bound as well, and sees by what.
		_, err := h.hers.GiveGrant(ctx, wish)
		refused(t, err, http.StatusForbidden, "order.barred")
		_, err = h.hers.GiveGrant(ctx, clinics)
		refused(t, err, http.StatusForbidden, "order.barred")
		if _, err := h.represent(ctx, letter); !errors.Is(err, consent.ErrBarred) {
			t.Errorf("another letter: %v", err)
		}
		h.anna.stepUp(ctx, t)
		refused(t, h.hers.LiftRestriction(ctx, bar), http.StatusForbidden, "order.binding")
		list := got(h.hers.Restrictions(ctx))(t)
		if len(list) != 2 || !list[0].Ordered || !list[1].Ordered {
			t.Errorf("she reads %+v", list)
		}
		if standing := got(desk.Standing(ctx, h.id))(t); len(standing) != 2 || !standing[0].Ordered {
			t.Errorf("operators read %+v", standing)
		}

		// One ends by its day, the other by the next order.
		w.Skip(2 * time.Hour)
		h.anna.stepUp(ctx, t)
		got(h.hers.GiveGrant(ctx, clinics))(t)
		_, err = h.hers.GiveGrant(ctx, wish)
		refused(t, err, http.StatusForbidden, "order.barred")
		ok(t, desk.Carry(ctx, order, bar))
		got(h.hers.GiveGrant(ctx, wish))(t)
		if report := got(h.boris.Sync(ctx))(t); report.Received == 0 {
			t.Errorf("the order was lifted, and he has %+v", report)
		}
	})
}
