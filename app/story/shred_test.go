package story

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/auditing"
	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// A card is destroyed by order: its owner's phone deletes it and is told why nothing is left, nobody else finds it, its papers count no more, the
// jobs have nothing to do with it, and the next visit makes a new card of the same patient.
func TestACardIsDestroyed(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Городская больница"))(t)
		pharmacy := got(w.Pharmacy(ctx, "Аптека № 1"))(t)
		_, anna, id := owner(ctx, t, w, clinic)
		hers := anna.Card(id)
		ok(t, anna.RegisterPush(ctx, "fcm", "anna-phone", "ru"))
		boris, his, err := w.SignUp(ctx, "+79160000022", "boris@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = his.Close() })
		got(hers.GiveGrant(ctx, phone.Wish{Account: boris.Account, Scopes: card.Scopes{"lab.*"}, Ends: w.Now().Add(time.Hour)}))(t)
		got(hers.GiveGrant(ctx, phone.Wish{Client: clinic.ID, Scopes: card.Scopes{"lab.*"}, Purpose: consent.Treatment, Ends: w.Now().Add(time.Hour)}))(t)
		paper := got(clinic.Prescribe(ctx, id, "visit-1-rx"))(t)
		got(anna.Sync(ctx))(t)
		got(his.Sync(ctx))(t)
		reads := func() error {
			return clinic.Call(ctx, http.MethodGet, "/v1/cards/"+string(id)+"/records?kinds=observation", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, nil)
		}
		ok(t, reads())

		desk := server.Grant(w.Server.Store, w.Now)
		order := granting.Shredding{Card: id, Reason: "Басманный районный суд, 2-115/2026", By: "Сидорова", Ask: "Горздрав, +7 495 000-00-00"}
		for _, bad := range []granting.Shredding{{Card: id, By: order.By, Ask: order.Ask}, {Card: id, Reason: order.Reason, Ask: order.Ask}, {Card: id, Reason: order.Reason, By: order.By}, {Card: audit.LogCard, Reason: order.Reason, By: order.By, Ask: order.Ask}, {Card: "00000000-0000-7000-8000-000000000000", Reason: order.Reason, By: order.By, Ask: order.Ask}} {
			if _, err := desk.Shred(ctx, bad); err == nil {
				t.Errorf("%+v is carried out", bad)
			}
		}
		ok(t, reads())
		if done := got(desk.Shred(ctx, order))(t); !done {
			t.Fatal("the card was destroyed before")
		}
		if done := got(desk.Shred(ctx, order))(t); done {
			t.Error("a card is destroyed twice")
		}

		refused(t, reads(), http.StatusNotFound, "card.not_found")
		_, _, err = hers.AccessLog(ctx, 0)
		refused(t, err, http.StatusGone, "card.shredded")
		_, err = hers.Grants(ctx)
		refused(t, err, http.StatusGone, "card.shredded")
		_, err = his.Card(id).Grants(ctx)
		refused(t, err, http.StatusNotFound, "card.not_found")
		refused(t, pharmacy.accept(ctx, paper.Code), http.StatusNotFound, "prescription.not_found")
		shown := func() (n int) {
			for _, m := range w.Push.To("anna-phone") {
				for _, word := range []string{string(id), order.Reason, order.Ask, example.Family} {
					if strings.Contains(m.Raw, word) {
						t.Errorf("the push holds %q: %s", word, m.Raw)
					}
				}
				if m.Visible() && m.Data["topic"] == "security" && strings.Contains(m.Raw, "Безопасность") {
					n++
				}
			}
			return n
		}
		happens(t, "a push that is shown", func() bool { return shown() == 1 })
		letter := func(to, subject string) (texts []string) {
			for _, line := range w.codes.All() {
				if strings.Contains(line, "email to "+to) && strings.Contains(line, subject) {
					texts = append(texts, line)
				}
			}
			return texts
		}
		happens(t, "the mail", func() bool { return len(letter(anna.Owner.Email, "Карта в Medcard уничтожена")) > 0 })
		if all := letter(anna.Owner.Email, "Карта в Medcard уничтожена"); len(all) != 1 || !strings.Contains(all[0], order.Reason) || !strings.Contains(all[0], order.Ask) || strings.Contains(all[0], example.Family) {
			t.Errorf("the mail is %q", all)
		}
		told := got(anna.DestroyedCards(ctx))(t)
		if len(told) != 1 || told[0].Card != id || told[0].Order != order.Reason || told[0].Ask != order.Ask || told[0].At.IsZero() {
			t.Errorf("in the app: %+v", told)
		}
		if told := got(his.DestroyedCards(ctx))(t); len(told) != 0 || len(letter(boris.Email, "уничтожена")) > 0 {
			t.Errorf("who was only let in is told: %+v", told)
		}
		for _, handset := range []*Phone{anna, his} {
			if report := got(handset.Sync(ctx))(t); !slices.Contains(report.Gone, id) {
				t.Errorf("%+v", report)
			}
			if cards := got(handset.Cards())(t); slices.Contains(cards, id) {
				t.Error("a phone still holds the card")
			}
		}

		again := got(clinic.Post(ctx, example.Bundle()))(t)
		if again.Card == id || again.Claim == "" {
			t.Errorf("the patient's next visit: %+v", again)
		}
		got(anna.Claim(ctx, again.Claim))(t)
		if report := got(anna.Sync(ctx))(t); report.Received == 0 {
			t.Error("the new card is empty")
		}

		log := got(server.Audit(w.Server.Store, got(keys.OpenFolder(w.cfg.KeyFolder(), w.Now))(t), w.cfg.Issuer, w.Now))(t)
		ok(t, log.Sequence(ctx))
		found := func() auditing.Report { return got(log.Verify(ctx, audit.Checkpoint{}, func(audit.Hash, int64) {}))(t) }
		if r := found(); len(r.Findings) > 0 || r.Shredded == 0 {
			t.Errorf("%d entries shredded, %v", r.Shredded, r.Findings)
		}
		if list := got(desk.Shreddings(ctx))(t); len(list) != 1 || list[0].Card != id || list[0].What != order.Reason {
			t.Errorf("%+v", list)
		}
		// Who deletes a key himself, to hide what he did to the log, is found out.
		db := beside(t, w.cfg.Database(), w.cfg.Postgres)
		defer db.Close()
		insider{t: t, db: db, w: w, card: id}.run("UPDATE card SET shredded_at = created_at WHERE id = $1", again.Card)
		if r := found(); len(r.Findings) == 0 || !strings.Contains(r.Findings[0].What, "no entry says") {
			t.Error(r.Findings)
		}
	})
}

// The other server had the card's key in use until then. Its next request finds no card.
func TestADestroyedCardIsGoneAtTheOtherServer(t *testing.T) {
	ctx, dir, cfg := t.Context(), t.TempDir(), storetest.Postgres(t)
	here := open(t, Options{Dir: dir, Postgres: cfg.Postgres})
	there := got(Start(ctx, Options{Dir: dir, Postgres: cfg.Postgres, Push: here.Push, Change: func(c *config.Config) { c.PublicURL = here.URL }}))(t)
	defer func() { ok(t, there.Stop()) }()
	clinic := got(here.Clinic(ctx, "Поликлиника № 7"))(t)
	posted := got(clinic.Post(ctx, filled(t, anna.patient(), diagnosis("dx-1", secretDiagnosis))))(t)
	her := somebody("1")
	here.enrol(ctx, t, her)
	hers := str(here.enter(ctx, t, her), "accessToken")
	got(here.post(ctx, "/v1/cards/claim", hers, body{"code": posted.Claim}))(t)
	path := "/v1/cards/" + string(posted.Card)
	let := body{"client": clinic.ID, "purpose": "TREAT", "scopes": []string{"dx.*"}, "ends": here.Now().Add(time.Hour).UTC()}
	got(here.post(ctx, path+"/grants", hers, let))(t)
	token := got(clinic.Token(ctx))(t)
	reads := func(w *World) (page string, err error) {
		var raw []byte
		err = w.Call(ctx, token, http.MethodGet, path+"/records", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, &raw)
		return string(raw), err
	}
	for _, w := range []*World{here, there} {
		if page := got(reads(w))(t); !strings.Contains(page, secretDiagnosis) {
			t.Fatal("nothing to read")
		}
	}
	got(server.Grant(here.Server.Store, here.Now).Shred(ctx, granting.Shredding{Card: posted.Card, Reason: "Басманный районный суд, 2-115/2026", By: "Сидорова", Ask: "Горздрав, +7 495 000-00-00"}))(t)
	for _, w := range []*World{there, here} {
		page, err := reads(w)
		refused(t, err, http.StatusNotFound, "card.not_found")
		if strings.Contains(page, secretDiagnosis) {
			t.Error("a server goes on with the key that it had")
		}
		refused(t, w.Call(ctx, hers, http.MethodGet, path+"/access-log", nil, nil, nil), http.StatusGone, "card.shredded")
		_, err = w.post(ctx, path+"/grants", hers, let)
		refused(t, err, http.StatusGone, "card.shredded")
	}
}
