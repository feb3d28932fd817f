package story

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// Who represents a patient wholly sees who else does and closes their phones, until the patient is of an age to speak herself; an attorney
// sees his own right alone, and to whom nothing opens any more there is no card.
func TestWhoSpeaksForAPatient(t *testing.T) {
	letter := func(w *World, powers family.Powers) family.Proven {
		return family.Proven{Level: family.Full, Basis: family.PowerOfAttorney, Powers: powers, Until: w.Now().AddDate(0, 1, 0)}
	}
	for name, c := range map[string]struct {
		years   int
		sees    int // of two representations; 0 = there is no card
		closes  bool
		letters bool
	}{
		"a parent":                 {years: 9, sees: 2, closes: true},
		"a fifteen-year-old's":     {years: 15, sees: 1},
		"a sixteen-year-old's":     {years: 16},
		"an attorney who may look": {years: 40, sees: 1, letters: true},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(ctx context.Context, t *testing.T, w *World) {
				h := keepHouse(ctx, t, w, w.Now().AddDate(-c.years, -2, 0))
				vera, veras, err := w.SignUp(ctx, "+79161234562", "vera@example.org")
				ok(t, err)
				t.Cleanup(func() { _ = veras.Close() })
				other := *h
				other.parent = vera
				mine, theirs := family.Proven{Level: family.Full, Basis: family.BirthCertificate}, family.Proven{Level: family.Full, Basis: family.GuardianOrder}
				if c.letters {
					mine, theirs = letter(w, family.Powers{View: true}), letter(w, family.Powers{View: true, Change: true})
				}
				got(h.represent(ctx, mine))(t)
				r := got(other.represent(ctx, theirs))(t)
				list, err := h.his.Representatives(ctx)
				if c.sees == 0 {
					refused(t, err, http.StatusNotFound, "card.not_found")
				} else if len(list) != c.sees || list[0].Agent != h.parent.Account && c.sees == 1 {
					t.Errorf("he sees %+v, %v", list, err)
				}
				if c.letters || c.sees == 0 {
					return
				}
				token := got(veras.Card(h.id).OpenAsRepresentative(ctx, r.ID))(t)
				err = h.his.CloseToken(ctx, token.ID)
				if c.closes {
					ok(t, err)
					return
				}
				refused(t, err, http.StatusNotFound, "card.not_found")
			})
		})
	}
}

// A card that was destroyed looks to strangers like one that never was, whatever they try to do to it.
func TestADestroyedCardTellsStrangersNothing(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		_, _, id := owner(ctx, t, w, got(w.Clinic(ctx, "Городская больница"))(t))
		got(server.Grant(w.Server.Store, w.Now).Shred(ctx, granting.Shredding{Card: id, Reason: "Басманный районный суд, 2-115/2026", By: "Сидорова", Ask: "Канцелярия, +7 495 000-00-00"}))(t)
		stranger := somebody("2")
		w.enrol(ctx, t, stranger)
		token := str(w.enter(ctx, t, stranger), "accessToken")
		const none = "00000000-0000-7000-8000-00000000beef"
		for _, ask := range []struct{ method, path string }{
			{http.MethodGet, "/grants"},
			{http.MethodGet, "/representations"},
			{http.MethodDelete, "/representations/" + none},
			{http.MethodPost, "/representations/" + none + "/token"},
			{http.MethodDelete, "/proxy-tokens/" + none},
			{http.MethodPost, "/records/" + none + "/hide"},
		} {
			for _, of := range []string{string(id), none} {
				refused(t, w.Call(ctx, token, ask.method, "/v1/cards/"+of+ask.path, nil, nil, nil), http.StatusNotFound, "card.not_found")
			}
		}
	})
}

// To let a person go on seeing the card after a restore is as grave as to let him in, and asks for a fresh factor as that does.
func TestAHeldPersonIsConfirmedAnew(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := seclude(ctx, t, w)
		in := insider{t: t, db: beside(t, w.cfg.Database(), w.cfg.Postgres), w: w, card: s.id}
		defer in.db.Close()
		in.run("UPDATE access_grant SET held_at = starts_at, ended = began + 1 WHERE role IN ('proxy', 'reader') AND card = $1", s.id)
		var person, clinic consent.GrantID
		for _, g := range got(s.hers.Grants(ctx))(t) {
			switch g.Role {
			case consent.Proxy:
				person = g.ID
			case consent.Reader:
				clinic = g.ID
			}
		}
		w.Skip(8 * time.Minute)
		_, err := s.hers.GiveGrant(ctx, phone.Wish{Account: s.person.Account, Scopes: card.Scopes{"dx.*"}, Ends: w.Now().Add(time.Hour)})
		refused(t, err, http.StatusForbidden, "step_up.required")
		_, err = s.hers.ConfirmGrant(ctx, person)
		refused(t, err, http.StatusForbidden, "step_up.required")
		got(s.hers.ConfirmGrant(ctx, clinic))(t)
		ok(t, s.anna.Enter(ctx))
		if g := got(s.hers.ConfirmGrant(ctx, person))(t); g.State != consent.Running {
			t.Errorf("it is %s", g.State)
		}
	})
}
