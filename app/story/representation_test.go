package story

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/app/enrolling/passkeytest"
	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// household is a card with its patient, who was born on a day of the test's choice, and a person who is to act for her.
type household struct {
	*World
	clinic      *Clinic
	id          card.ID
	anna, boris *Phone
	hers, his   *phone.Card
	parent      *Patient
	key         *passkeytest.Authenticator // his passkey; nil = none
}

var moscowTime = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		panic(err) // the server's own binary has the zones
	}
	return zone
}()

func keepHouse(ctx context.Context, t *testing.T, w *World, born time.Time) *household {
	t.Helper()
	h := &household{World: w, clinic: got(w.Clinic(ctx, "Детская поликлиника № 3"))(t)}
	posted := got(h.clinic.Post(ctx, bytes.ReplaceAll(example.Bundle(), []byte("1984-06-15"), []byte(born.In(moscowTime).Format(time.DateOnly)))))(t)
	h.id = posted.Card
	var err error
	_, h.anna, err = w.SignUp(ctx, "+79161234567", "anna@example.org")
	ok(t, err)
	h.parent, h.boris, err = w.SignUp(ctx, "+79161234560", "boris@example.org")
	ok(t, err)
	t.Cleanup(func() { _, _ = h.anna.Close(), h.boris.Close() })
	got(h.anna.Claim(ctx, posted.Claim))(t)
	got(h.anna.Sync(ctx))(t)
	h.hers, h.his = h.anna.Card(h.id), h.boris.Card(h.id)
	return h
}

// represent does what the approval of a document does.
func (h *household) represent(ctx context.Context, p family.Proven) (r family.Representation, err error) {
	p.Card, p.Agent = h.id, h.parent.Account
	err = h.Server.Store.Update(ctx, func(tx *store.Tx) error {
		r, err = tx.Represent(p, moscowTime, h.Now())
		return err
	})
	return r, err
}

// register lets both phones ring.
func (h *household) register(ctx context.Context, t *testing.T) {
	t.Helper()
	ok(t, h.anna.RegisterPush(ctx, "fcm", "anna-phone", "ru"))
	ok(t, h.boris.RegisterPush(ctx, "fcm", "boris-phone", "ru"))
}

// byHand signs the parent in on a phone that is played by hand.
func (h *household) byHand(ctx context.Context, t *testing.T) (token string) {
	t.Helper()
	self := somebody("7")
	self.phone, self.password = h.parent.Login, h.parent.Password
	return str(h.enter(ctx, t, self), "accessToken")
}

// byPasskey signs the parent in with a passkey, as staff does. The first time he makes one.
func (h *household) byPasskey(ctx context.Context, t *testing.T) {
	t.Helper()
	if h.key == nil {
		h.key = got(passkeytest.New(h.page()))(t)
		h.boris.stepUp(ctx, t)
		c := got(h.boris.BeginPasskey(ctx))(t)
		ok(t, h.boris.AddPasskey(ctx, c.ID, "Мой телефон", got(h.key.Make(c.Options))(t)))
	}
	c := got(h.boris.BeginPasskeySignIn(ctx))(t)
	ok(t, h.boris.PasskeySignIn(ctx, c.ID, got(h.key.Sign(c.Options))(t)))
}

// byKey is byHand with the passkey.
func (h *household) byKey(ctx context.Context, t *testing.T) (token string) {
	t.Helper()
	c := got(h.post(ctx, "/v1/auth/passkey", "", body{"device": somebody("8").device}))(t)
	signed := got(h.key.Sign(str(c, "options")))(t)
	return str(got(h.post(ctx, "/v1/auth/passkey/confirm", "", body{"ceremony": c["ceremony"], "response": signed}))(t), "accessToken")
}

// sweep does what the server does once an hour.
func (h *household) sweep(ctx context.Context, t *testing.T) {
	t.Helper()
	ok(t, server.Grant(h.Server.Store, h.Now).Sweep(ctx))
}

// A level shows what it names and nothing else, whichever door somebody comes through, and is written in by nobody but staff.
func TestLevels(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		h := keepHouse(ctx, t, w, w.Now().AddDate(-9, 0, 0))
		rx, referral := got(h.clinic.Prescribe(ctx, h.id, "levels-rx-1"))(t), got(h.clinic.Refer(ctx, h.id, "levels-referral-1"))(t)
		got(h.hers.AddMeasurement(pressure(101)))(t)
		got(h.anna.Sync(ctx))(t)
		all := got(h.hers.Counts())(t)
		some := map[card.Kind]int{}
		for _, kind := range []card.Kind{card.KindPrescription, card.KindMedication, card.KindObservation, card.KindReport} {
			some[kind] = all[kind]
		}
		if len(all) < 10 || some[card.KindPrescription] != 1 || some[card.KindObservation] == 0 {
			t.Fatalf("her card has %v", all)
		}
		if _, err := h.represent(ctx, family.Proven{Level: family.Manage, Basis: family.BirthCertificate}); !errors.Is(err, family.ErrStaff) {
			t.Fatalf("manage without a practitioner's role: %v", err)
		}
		ok(t, h.clinic.Call(ctx, http.MethodPut, "/v1/practitioners/"+string(h.parent.Account), nil, body{"position": "педиатр", "ends": w.Now().Add(time.Hour).UTC()}, nil))

		for _, level := range []struct {
			family.Level
			sees     map[card.Kind]int
			referral bool
			writes   phone.EditState
		}{
			{family.Limited, some, false, phone.Refused}, {family.Full, all, true, phone.Refused}, {family.Manage, all, true, phone.Accepted},
		} {
			r := got(h.represent(ctx, family.Proven{Level: level.Level, Basis: family.GuardianOrder}))(t)
			token := h.byHand(ctx, t)
			if level.Level == family.Manage {
				_, err := h.his.OpenAsRepresentative(ctx, r.ID)
				refused(t, err, http.StatusForbidden, "passkey.required")
				h.byPasskey(ctx, t)
			}
			got(h.his.OpenAsRepresentative(ctx, r.ID))(t)
			got(h.boris.Sync(ctx))(t)
			if sees := got(h.his.Counts())(t); !maps.Equal(sees, level.sees) {
				t.Errorf("%s: by sync he has %v, want %v", level.Level, sees, level.sees)
			}
			if level.Level == family.Manage { // staff by a password and a code
				_, err := h.post(ctx, "/v1/cards/"+string(h.id)+"/representations/"+string(r.ID)+"/token", token, nil)
				refused(t, err, http.StatusForbidden, "passkey.required")
				token = h.byKey(ctx, t)
			}
			got(h.post(ctx, "/v1/cards/"+string(h.id)+"/representations/"+string(r.ID)+"/token", token, nil))(t)
			code := func(kind string, p Paper) error {
				var png []byte
				return h.Call(ctx, token, http.MethodGet, "/v1/"+kind+"/"+p.ID+"/code.png", nil, nil, &png)
			}
			ok(t, code("prescriptions", rx))
			if level.referral {
				ok(t, code("referrals", referral))
			} else {
				refused(t, code("referrals", referral), http.StatusNotFound, "paper.not_found")
			}

			// Whoever may not write is told so, and what he wrote is nowhere but with him.
			before := len(got(h.hers.Records(card.KindMeasurement, phone.Paging{Limit: 100}))(t).Entries)
			edit := got(h.his.AddMeasurement(pressure(122)))(t)
			got(h.boris.Sync(ctx))(t)
			edits := got(h.his.Outbox())(t)
			i := slices.IndexFunc(edits, func(e phone.Edit) bool { return e.Record == edit.Record })
			if i < 0 || edits[i].State != level.writes {
				t.Errorf("%s: what he wrote is %+v, want %s", level.Level, edits, level.writes)
			}
			got(h.anna.Sync(ctx))(t)
			added := len(got(h.hers.Records(card.KindMeasurement, phone.Paging{Limit: 100}))(t).Entries) - before
			if (added == 1) != (level.writes == phone.Accepted) {
				t.Errorf("%s: she has %d measurements more", level.Level, added)
			}

			// A secret of hers is one from him too, whatever his level.
			ids := got(h.hers.Records(card.KindObservation, phone.Paging{Limit: 100}))(t).Entries
			ok(t, h.hers.Hide(ctx, ids[0].ID))
			got(h.boris.Sync(ctx))(t)
			if n := got(h.his.Counts())(t)[card.KindObservation]; n != all[card.KindObservation]-1 {
				t.Errorf("%s: with one hidden he sees %d results of %d", level.Level, n, all[card.KindObservation])
			}
			ok(t, h.hers.Show(ctx, ids[0].ID))

			ok(t, h.hers.EndRepresentation(ctx, r.ID))
			refused(t, code("prescriptions", rx), http.StatusNotFound, "paper.not_found")
			if gone := got(h.boris.Sync(ctx))(t).Gone; !slices.Equal(gone, []card.ID{h.id}) {
				t.Errorf("%s: ended, and %v are gone", level.Level, gone)
			}
		}

		// With the clinic's word ends what it was the ground of, at once.
		r := got(h.represent(ctx, family.Proven{Level: family.Manage, Basis: family.BirthCertificate}))(t)
		got(h.his.OpenAsRepresentative(ctx, r.ID))(t)
		got(h.boris.Sync(ctx))(t)
		ok(t, h.clinic.Call(ctx, http.MethodDelete, "/v1/practitioners/"+string(h.parent.Account), nil, nil, nil))
		if gone := got(h.boris.Sync(ctx))(t).Gone; len(gone) != 1 {
			t.Error("he is no staff any more and has the card")
		}
		refused(t, h.clinic.Call(ctx, http.MethodDelete, "/v1/practitioners/"+string(h.parent.Account), nil, nil, nil), http.StatusNotFound, "practitioner.not_found")
	})
}

// A child's card is open for 24 hours on one phone. Then it goes, without a network too, and only who proves anew who he is opens it again.
func TestAChildsCardIsOpenForADay(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		h := keepHouse(ctx, t, w, w.Now().AddDate(-9, 0, 0))
		r := got(h.represent(ctx, family.Proven{Level: family.Full, Basis: family.BirthCertificate}))(t)
		if n := len(got(h.boris.Sync(ctx))(t).New); n != 0 {
			t.Errorf("%d cards before any token", n)
		}
		token := got(h.his.OpenAsRepresentative(ctx, r.ID))(t)
		if life := token.Ends.Sub(token.Starts); life != 24*time.Hour {
			t.Errorf("a token lives for %s", life)
		}
		_, err := h.his.OpenAsRepresentative(ctx, r.ID)
		refused(t, err, http.StatusConflict, "proxy_token.running")
		second := got(h.parent.Handset("tablet"))(t)
		defer second.Close()
		ok(t, second.Enter(ctx))
		if n := len(got(second.Sync(ctx))(t).New); n != 0 {
			t.Error("another phone of his has the card")
		}
		got(h.boris.Sync(ctx))(t)
		if n := got(h.his.Counts())(t); !maps.Equal(n, got(h.hers.Counts())(t)) {
			t.Errorf("the phone has %v", n)
		}
		for scope, until := range got(h.his.Leases())(t) {
			if until.After(token.Ends) {
				t.Errorf("%s is lent until %s, the token ends at %s", scope, until, token.Ends)
			}
		}
		list := got(h.boris.Represents(ctx))(t)
		if len(list) != 1 || list[0].State != family.Running || len(list[0].Tokens) != 1 || list[0].Tokens[0].ID != token.ID || list[0].Consent.IsZero() {
			t.Errorf("he represents %+v", list)
		}

		w.Skip(24*time.Hour - time.Minute)
		if n := len(got(h.his.Counts())(t)); n == 0 {
			t.Error("a minute before the end nothing is shown")
		}
		_, err = h.his.OpenAsRepresentative(ctx, r.ID)
		refused(t, err, http.StatusForbidden, phone.CodeStepUp)
		w.Skip(time.Minute)
		if _, err := h.his.Counts(); !errors.Is(err, phone.ErrLeaseEnded) { // no word with the server since
			t.Errorf("after 24 hours: %v", err)
		}
		if gone := got(h.boris.Sync(ctx))(t).Gone; !slices.Equal(gone, []card.ID{h.id}) {
			t.Errorf("after 24 hours %v are gone", gone)
		}
		ok(t, h.boris.Enter(ctx))
		again := got(h.his.OpenAsRepresentative(ctx, r.ID))(t)
		if again.ID == token.ID {
			t.Error("the old token was made longer")
		}
		got(h.boris.Sync(ctx))(t)
		if n := len(got(h.his.Counts())(t)); n == 0 {
			t.Error("opened again it is empty")
		}
		refused(t, h.hers.CloseToken(ctx, token.ID), http.StatusNotFound, "proxy_token.not_found")

		// The patient's side ends it at once, and both are told.
		ok(t, h.anna.Enter(ctx))
		h.register(ctx, t)
		ok(t, h.hers.CloseToken(ctx, again.ID))
		if gone := got(h.boris.Sync(ctx))(t).Gone; len(gone) != 1 {
			t.Error("annulled, and the card is there")
		}
		h.rings(t, "anna-phone", 1)
		h.rings(t, "boris-phone", 1)

		// A stranger learns nothing, and whoever represents ends his own right himself.
		_, stranger, err := w.SignUp(ctx, "+79161234561", "vera@example.org")
		ok(t, err)
		defer stranger.Close()
		_, err = stranger.Card(h.id).OpenAsRepresentative(ctx, r.ID)
		refused(t, err, http.StatusNotFound, "card.not_found")
		_, err = stranger.Card(h.id).Representatives(ctx)
		refused(t, err, http.StatusNotFound, "card.not_found")
		refused(t, stranger.Card(h.id).EndRepresentation(ctx, r.ID), http.StatusNotFound, "card.not_found")
		refused(t, stranger.Card(h.id).CloseToken(ctx, again.ID), http.StatusNotFound, "card.not_found")
		ok(t, h.his.EndRepresentation(ctx, r.ID))
		refused(t, h.hers.EndRepresentation(ctx, r.ID), http.StatusNotFound, "representation.not_found")
		if list := got(h.hers.Representatives(ctx))(t); len(list) != 1 || list[0].State != family.Ended {
			t.Errorf("who represents her: %+v", list)
		}
		_, err = h.his.OpenAsRepresentative(ctx, r.ID)
		refused(t, err, http.StatusNotFound, "representation.not_found")

		page, _, err := h.hers.AccessLog(ctx, 0)
		ok(t, err)
		for _, action := range []audit.Action{audit.Grant, audit.Sync, audit.Revoke} {
			if !slices.ContainsFunc(page, func(a phone.Access) bool {
				return a.Action == action && a.Agent == h.parent.Account && a.OnBehalfOf == h.id && a.Representation == r.ID
			}) {
				t.Errorf("the log does not tell that he did %s in her name: %+v", action, page)
			}
		}
		_, err = h.hers.VerifyAccessLog(ctx) // the clock was put forward: a line that still waits for the audit log seems to have waited for hours
		for end := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			_, err = h.hers.VerifyAccessLog(ctx)
		}
		ok(t, err)
	})
}

// At the 15th birthday a parent's access ends by itself but for what is labelled as addiction, at the 16th that too. Both are told 30 days
// before, once. From then on the teenager lets in whom she likes.
func TestTheTurn(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		birthday := w.Now().In(moscowTime).AddDate(0, 0, 40)
		h := keepHouse(ctx, t, w, birthday.AddDate(-15, 0, 0))
		turn := family.TurnsOf(card.Date(birthday.AddDate(-15, 0, 0).Format(time.DateOnly)), moscowTime)
		h.register(ctx, t)
		r := got(h.represent(ctx, family.Proven{Level: family.Full, Basis: family.BirthCertificate}))(t)
		const told = 1 // that he may
		h.rings(t, "boris-phone", told)
		h.rings(t, "anna-phone", told)
		enter := func() {
			t.Helper()
			ok(t, h.anna.Enter(ctx))
			ok(t, h.boris.Enter(ctx))
		}
		to := func(at time.Time) {
			t.Helper()
			w.Skip(at.Sub(w.Now()))
			enter()
		}
		rung := func(more int) {
			t.Helper()
			h.sweep(ctx, t)
			h.sweep(ctx, t)
			h.rings(t, "boris-phone", told+more)
			h.rings(t, "anna-phone", told+more)
		}

		to(turn.Consent.AddDate(0, 0, -30).Add(-time.Hour))
		rung(0)
		to(turn.Consent.AddDate(0, 0, -30).Add(time.Minute))
		rung(1)

		to(turn.Consent.Add(-3 * time.Hour))
		rung(1)
		token := got(h.his.OpenAsRepresentative(ctx, r.ID))(t)
		if !token.Ends.Equal(turn.Consent) {
			t.Errorf("the token ends at %s, not with the turn at %s", token.Ends, turn.Consent)
		}
		got(h.boris.Sync(ctx))(t)
		if got(h.his.Counts())(t)[card.KindCondition] == 0 {
			t.Error("on the eve he sees nothing")
		}
		to(turn.Consent)
		if _, err := h.his.Counts(); !errors.Is(err, phone.ErrLeaseEnded) {
			t.Errorf("she is fifteen, and his phone shows the card: %v", err)
		}
		if gone := got(h.boris.Sync(ctx))(t).Gone; len(gone) != 1 {
			t.Error("she is fifteen, and his phone has the card")
		}
		token = got(h.his.OpenAsRepresentative(ctx, r.ID))(t)
		for _, scope := range token.Scopes {
			if scope.Label() != card.Addiction {
				t.Errorf("she is fifteen, and he sees %s", scope)
			}
		}
		got(h.boris.Sync(ctx))(t)
		if n := got(h.his.Counts())(t); len(n) != 0 {
			t.Errorf("she is fifteen, and he sees %v", n)
		}

		// Her own word opens it again, but for what she keeps.
		diagnoses := got(h.hers.Records(card.KindCondition, phone.Paging{Limit: 100}))(t).Entries
		ok(t, h.hers.Hide(ctx, diagnoses[0].ID))
		got(h.hers.GiveGrant(ctx, phone.Wish{Account: h.parent.Account, Scopes: card.Scopes{"dx.*"}, Ends: w.Now().AddDate(0, 1, 0)}))(t)
		got(h.boris.Sync(ctx))(t)
		if n := got(h.his.Counts())(t)[card.KindCondition]; n != len(diagnoses)-1 {
			t.Errorf("she shows %d diagnoses but one, he sees %d", len(diagnoses), n)
		}

		to(turn.Addiction.Add(time.Minute))
		_, err := h.his.OpenAsRepresentative(ctx, r.ID)
		refused(t, err, http.StatusForbidden, "representation.own_word")
		to(turn.Majority)
		if list := got(h.boris.Represents(ctx))(t); len(list) != 1 || list[0].State != family.Over {
			t.Errorf("she is of age, and he represents %+v", list)
		}
		_, err = h.his.OpenAsRepresentative(ctx, r.ID)
		refused(t, err, http.StatusNotFound, "representation.not_found")
	})
}

// An attorney sees and writes as far as the letter goes, in its term, and all that he does says in whose name.
func TestAPowerOfAttorney(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		h := keepHouse(ctx, t, w, w.Now().AddDate(-70, 0, 0))
		ends := w.Now().AddDate(0, 0, 20)
		letter := family.Proven{Level: family.Full, Basis: family.PowerOfAttorney, Powers: family.Powers{View: true, Upload: true}, Until: ends}
		h.register(ctx, t)
		r := got(h.represent(ctx, letter))(t)
		const told = 1 // that he may
		h.rings(t, "boris-phone", told)
		h.rings(t, "anna-phone", told)
		_, err := h.his.OpenAsRepresentative(ctx, r.ID)
		refused(t, err, http.StatusConflict, "representation.open")

		got(h.hers.AddMeasurement(pressure(101)))(t)
		got(h.anna.Sync(ctx))(t)
		got(h.boris.Sync(ctx))(t)
		hers := got(h.his.Records(card.KindMeasurement, phone.Paging{Limit: 10}))(t).Entries
		added := got(h.his.AddMeasurement(pressure(122)))(t)
		editor := got(h.his.Edit(hers[0].ID))(t)
		changed := got(editor.Save(pressure(133)))(t)
		got(h.boris.Sync(ctx))(t)
		for _, e := range got(h.his.Outbox())(t) {
			want := phone.Accepted
			if e.Record == changed.Record {
				want = phone.Refused
			}
			if e.State != want {
				t.Errorf("he may upload and not change: %+v", e)
			}
		}
		got(h.anna.Sync(ctx))(t)
		if list := got(h.hers.Records(card.KindMeasurement, phone.Paging{Limit: 10}))(t).Entries; len(list) != 2 || !slices.ContainsFunc(list, func(e phone.Entry[card.Fact]) bool { return e.ID == added.Record }) {
			t.Errorf("she has %+v", list)
		}
		if by := got(h.hers.Authors(ctx, added.Record))(t); len(by) != 1 || by[0].Agent != h.parent.Account || by[0].OnBehalfOf != h.id || by[0].Representation != r.ID {
			t.Errorf("what he wrote in her name is by %+v", by)
		}
		if by := got(h.hers.Authors(ctx, hers[0].ID))(t); len(by) != 0 {
			t.Errorf("what she wrote herself is by %+v", by)
		}
		_, err = h.his.Authors(ctx, added.Record)
		refused(t, err, http.StatusForbidden, "owner.only")
		page, _, err := h.hers.AccessLog(ctx, 0)
		ok(t, err)
		if !slices.ContainsFunc(page, func(a phone.Access) bool {
			return a.Action == audit.Push && a.Agent == h.parent.Account && a.OnBehalfOf == h.id && a.Representation == r.ID
		}) {
			t.Errorf("the log does not tell in whose name he wrote: %+v", page)
		}
		if slices.ContainsFunc(page, func(a phone.Access) bool { return a.Agent != "" && a.Representation == "" }) {
			t.Error("somebody acts by no right")
		}

		for _, step := range []struct {
			before time.Duration
			more   int
		}{{14*24*time.Hour + time.Minute, 0}, {14*24*time.Hour - time.Minute, 1}, {3*24*time.Hour + time.Minute, 1}, {3*24*time.Hour - time.Minute, 2}} {
			w.Skip(ends.Add(-step.before).Sub(w.Now()))
			ok(t, h.anna.Enter(ctx))
			ok(t, h.boris.Enter(ctx))
			h.sweep(ctx, t)
			h.sweep(ctx, t)
			h.rings(t, "boris-phone", told+step.more)
			h.rings(t, "anna-phone", told+step.more)
		}
		got(h.boris.Sync(ctx))(t)
		w.Skip(ends.Sub(w.Now()))
		if _, err := h.his.Counts(); !errors.Is(err, phone.ErrLeaseEnded) {
			t.Errorf("the letter's term is over: %v", err)
		}
		if gone := got(h.boris.Sync(ctx))(t).Gone; len(gone) != 1 {
			t.Error("the letter's term is over, and the phone has the card")
		}
	})
}
