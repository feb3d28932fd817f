package story

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/credential"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// as is a token of a clinic's person who proved so long ago who he is.
func (w *World) as(ctx context.Context, t *testing.T, name string, person credential.Actor) *Clinic {
	t.Helper()
	id, key, err := w.Register(ctx, identity.Clinic, name)
	ok(t, err)
	source := credential.New(credential.Client{ID: string(id), Key: key, TokenURL: w.URL + "/oauth/token", Scopes: clinicScopes, Clock: w.Now})
	return &Clinic{ID: id, Name: name, Token: source.As(person), world: w}
}

// A doctor opens a card without its owner's consent: named sections, for an hour, with a reason. The owner is told at once, sees who it was
// and why, may end it, and reads what the review came to. What she restricted or hid stays closed.
func TestGlassIsBroken(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		_, anna, id := owner(ctx, t, w, got(w.Clinic(ctx, "Городская больница"))(t))
		hers := anna.Card(id)
		got(anna.Sync(ctx))(t)
		diagnoses := got(hers.Records(card.KindCondition, phone.Paging{Limit: 100}))(t).Entries
		ok(t, hers.Hide(ctx, diagnoses[0].ID))
		got(hers.Restrict(ctx, phone.Ban{Scopes: card.Scopes{"lab.*"}}))(t)
		ok(t, anna.RegisterPush(ctx, "fcm", "anna-phone", "ru"))

		doctor := Doctor
		doctor.Proven = w.Now().Unix()
		ambulance := w.as(ctx, t, "Скорая помощь", doctor)
		path := "/v1/cards/" + string(id) + "/emergencies"
		need := func() body {
			return body{"scopes": []string{"dx.*", "lab.*"}, "reason": "unconscious", "words": "Без сознания, ДТП, нужны аллергии и диагнозы"}
		}
		reads := func(c *Clinic, kind, purpose string) (n int, err error) {
			var page struct{ Records []struct{ ID string } }
			err = c.Call(ctx, http.MethodGet, "/v1/cards/"+string(id)+"/records?kinds="+kind, map[string]string{"Purpose-Of-Use": purpose}, nil, &page)
			return len(page.Records), err
		}
		_, err := reads(ambulance, "condition", "ETREAT")
		refused(t, err, http.StatusNotFound, "card.not_found")

		for code, c := range map[string]struct {
			by     *Clinic
			change body
			status int
		}{
			"person.missing":    {w.as(ctx, t, "Скорая помощь № 2", credential.Actor{}), nil, http.StatusForbidden},
			"person.stale":      {w.as(ctx, t, "Скорая помощь № 3", credential.Actor{Subject: "e-1", Name: "Н", Role: "врач", Proven: w.Now().Add(-6 * time.Minute).Unix()}), nil, http.StatusForbidden},
			"scopes.invalid":    {ambulance, body{"scopes": []string{"*"}}, http.StatusUnprocessableEntity},
			"scopes.too_wide":   {ambulance, body{"scopes": []string{"*.general"}}, http.StatusUnprocessableEntity},
			"scopes.unknown":    {ambulance, body{"scopes": []string{"allergy.*"}}, http.StatusUnprocessableEntity},
			"reason.invalid":    {ambulance, body{"words": "          a         "}, http.StatusUnprocessableEntity},
			"invalid_input":     {ambulance, body{"reason": "curiosity"}, http.StatusUnprocessableEntity},
			"invalid_input ":    {ambulance, body{"scopes": []string{"a.a", "b.b", "c.c", "d.d", "e.e", "f.f", "g.g", "h.h", "i.i"}}, http.StatusUnprocessableEntity},
			"person.stale, too": {w.as(ctx, t, "Скорая помощь № 4", Doctor), nil, http.StatusForbidden},
		} {
			asked := need()
			for k, v := range c.change {
				asked[k] = v
			}
			code, _, _ = strings.Cut(code, " ")
			refused(t, c.by.Call(ctx, http.MethodPost, path, nil, asked, nil), c.status, strings.TrimSuffix(code, ","))
		}

		var opened struct {
			ID   string
			Ends time.Time
		}
		ok(t, ambulance.Call(ctx, http.MethodPost, path, nil, need(), &opened))
		w.rings(t, "anna-phone", 1)
		if n, err := reads(ambulance, "condition", "ETREAT"); err != nil || n != len(diagnoses)-1 {
			t.Errorf("diagnoses in the emergency: %d, %v; want all but the hidden one", n, err)
		}
		if n, err := reads(ambulance, "observation", "ETREAT"); err != nil || n != 0 {
			t.Errorf("results, which are restricted: %d, %v", n, err)
		}
		if n, err := reads(ambulance, "medication", "ETREAT"); err != nil || n != 0 {
			t.Errorf("what was not asked for: %d, %v", n, err)
		}
		_, err = reads(ambulance, "condition", "TREAT")
		refused(t, err, http.StatusNotFound, "card.not_found")

		list := got(hers.Emergencies(ctx))(t)
		if len(list) != 1 || list[0].Clinic != "Скорая помощь" || list[0].Person.Name != Doctor.Name || list[0].Person.Role != Doctor.Role ||
			list[0].Reason != consent.Unconscious || list[0].Words != need()["words"] || list[0].Verdict != "" || !list[0].Ends.Equal(list[0].Opened.Add(time.Hour)) {
			t.Errorf("the owner reads %+v", list)
		}
		log, _, err := hers.AccessLog(ctx, 0)
		ok(t, err)
		if !slices.ContainsFunc(log, func(a phone.Access) bool { return a.Action == audit.BreakGlass && a.Person == Doctor.Name }) {
			t.Error("the log does not tell of it")
		}

		// The review, which says that it was wrong: it ends there, the owner reads it, and it is decided once.
		desk := server.Grant(w.Server.Store, w.Now)
		unreviewed := func() []consent.Opening {
			t.Helper()
			list, _, err := desk.Unreviewed(ctx, sidorova, consent.Opening{})
			ok(t, err)
			return list
		}
		waiting := unreviewed()
		if len(waiting) != 1 || waiting[0].Card != id || string(waiting[0].ID) != opened.ID {
			t.Fatalf("in the queue: %+v", waiting)
		}
		which := granting.Which{Card: id, Emergency: waiting[0].ID, Request: "review"}
		got(desk.Review(ctx, sidorova, which, granting.Finding{Verdict: consent.Unjustified, Words: "Вызова к пациентке не было"}))(t)
		if _, err := desk.Review(ctx, sidorova, which, granting.Finding{Verdict: consent.Justified, Words: "Всё же был"}); !errors.Is(err, granting.ErrReviewed) {
			t.Error("a second verdict counts")
		}
		if left := unreviewed(); len(left) > 0 {
			t.Errorf("still in the queue: %+v", left)
		}
		w.rings(t, "anna-phone", 2)
		if list := got(hers.Emergencies(ctx))(t); list[0].Verdict != consent.Unjustified || list[0].Reviewer != "Сидорова" || list[0].Finding == "" {
			t.Errorf("the owner reads of the review: %+v", list)
		}
		_, err = reads(ambulance, "condition", "ETREAT")
		refused(t, err, http.StatusNotFound, "card.not_found")

		// The owner ends another one, and a third ends by itself.
		ok(t, ambulance.Call(ctx, http.MethodPost, path, nil, need(), &opened))
		ok(t, hers.RevokeGrant(ctx, consent.GrantID(opened.ID)))
		_, err = reads(ambulance, "condition", "ETREAT")
		refused(t, err, http.StatusNotFound, "card.not_found")
		ok(t, ambulance.Call(ctx, http.MethodPost, path, nil, need(), &opened))
		w.Skip(59 * time.Minute)
		if _, err := reads(ambulance, "condition", "ETREAT"); err != nil {
			t.Errorf("within the hour: %v", err)
		}
		w.Skip(2 * time.Minute)
		_, err = reads(ambulance, "condition", "ETREAT")
		refused(t, err, http.StatusNotFound, "card.not_found")
	})
}

// An organisation that opens card after card is stopped, and so is one that opens the same card again and again.
func TestGlassIsNotBrokenAllDay(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		ward := got(w.Clinic(ctx, "Городская больница"))(t)
		_, _, id := owner(ctx, t, w, ward)
		another := got(ward.Post(ctx, filled(t, numbered(t, 1).patient())))(t).Card
		client, key, err := w.Register(ctx, identity.Clinic, "Скорая помощь")
		ok(t, err)
		source := credential.New(credential.Client{ID: string(client), Key: key, TokenURL: w.URL + "/oauth/token", Scopes: clinicScopes, Clock: w.Now})
		doctor, ambulance := Doctor, (*Clinic)(nil)
		proves := func() {
			doctor.Proven = w.Now().Unix()
			ambulance = &Clinic{ID: client, Name: "Скорая помощь", Token: source.As(doctor), world: w}
		}
		proves()
		ask := func(c *Clinic, id card.ID) error {
			return c.Call(ctx, http.MethodPost, "/v1/cards/"+string(id)+"/emergencies", nil,
				body{"scopes": []string{"dx.general"}, "reason": "lifeThreat", "words": "Анафилактический шок"}, nil)
		}
		for range 24 {
			ok(t, ask(ambulance, id))
		}
		refused(t, ask(ambulance, id), http.StatusTooManyRequests, "emergency.too_many_on_card")
		for range 6 {
			ok(t, ask(ambulance, another))
		}
		refused(t, ask(ambulance, another), http.StatusTooManyRequests, "emergency.too_many")
		ok(t, ask(w.as(ctx, t, "Другая скорая", doctor), id))

		w.Skip(2 * time.Hour)
		proves()
		refused(t, ask(ambulance, id), http.StatusTooManyRequests, "emergency.too_many_on_card")
		w.Skip(23 * time.Hour)
		proves()
		ok(t, ask(ambulance, id))
	})
}

// Whatever others did to a card, and whatever is over, its owner still says who sees what: neither takes room from what she may give, nor
// does a request read it for ever after.
func TestNobodyUsesUpTheOwnersRoom(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := seclude(ctx, t, w)
		in := insider{t: t, db: beside(t, w.cfg.Database(), w.cfg.Postgres), w: w, card: s.id}
		defer in.db.Close()
		reads := func() (rows int64) {
			before := w.Server.Store.RowsRead()
			ok(t, s.other.Call(ctx, http.MethodGet, "/v1/cards/"+string(s.id)+"/records?kinds=immunization", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, nil))
			return w.Server.Store.RowsRead() - before
		}
		restricts := func(what string) {
			t.Helper()
			ok(t, s.anna.Enter(ctx))
			ban := got(s.hers.Restrict(ctx, phone.Ban{Client: s.clinic.ID, Scopes: card.Scopes{"dx.*"}}))(t)
			ok(t, s.hers.LiftRestriction(ctx, ban.ID))
			if t.Failed() {
				t.Fatal(what)
			}
		}
		fewest := func() (rows int64) { // the server's own upkeep reads now and then, too
			rows = reads()
			for range 5 {
				rows = min(rows, reads())
			}
			return rows
		}
		before := fewest()
		in.fill(1000, "ended = began + 1, revoked_at = starts_at")
		restricts("after a thousand that are over")
		if after := fewest(); after > before+5 {
			t.Errorf("a request reads %d rows where it read %d", after, before)
		}
		in.fill(1000, "ended = 0")
		_, err := s.hers.Restrict(ctx, phone.Ban{Scopes: card.Scopes{"dx.*"}})
		refused(t, err, http.StatusConflict, "grants.too_many")
		in.run(`INSERT INTO emergency (card, id, client, reason, opened_at, ends_at, due_at, sealed)
			SELECT card, id, client, 'lifeThreat', starts_at, ends_at, ends_at, '' FROM access_grant WHERE card = $1 AND purpose = 'filled' AND ended = 0`, s.id)
		restricts("after a thousand emergencies")
		if list := got(s.hers.Grants(ctx))(t); len(list) != 2000+3 {
			t.Errorf("she is shown %d grants", len(list))
		}
	})
}

// fill adds grants of an organisation to the card that are as the assignment says.
func (in insider) fill(n int, as string) {
	in.t.Helper()
	for range n {
		id := store.NewID()
		in.run(`INSERT INTO access_grant (card, id, role, client, scopes, purpose, starts_at, ends_at, began)
			SELECT card, $1, role, 'df3a0c2e-0000-7000-8000-00000000beef', scopes, 'filled', starts_at, ends_at, began FROM access_grant WHERE card = $2 AND role = 'reader' AND purpose = 'TREAT' LIMIT 1`, id, in.card)
		in.run("UPDATE access_grant SET "+as+" WHERE card = $1 AND id = $2", in.card, id)
	}
}
