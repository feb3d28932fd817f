package story

import (
	"bytes"
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// secluded is a card with its owner, and another person whom she lets see diagnoses and results.
type secluded struct {
	*World
	id            card.ID
	anna, boris   *Phone
	hers          *phone.Card
	person        *Patient
	clinic, other *Clinic
	his           string // an access token
	device        string // of a phone that is played by hand
	actor         any
}

func seclude(ctx context.Context, t *testing.T, w *World) *secluded {
	t.Helper()
	s := &secluded{World: w, clinic: got(w.Clinic(ctx, "Городская больница"))(t), other: got(w.Clinic(ctx, "Поликлиника № 7"))(t)}
	_, s.anna, s.id = owner(ctx, t, w, s.clinic)
	s.hers = s.anna.Card(s.id)
	var err error
	s.person, s.boris, err = w.SignUp(ctx, "+79161234560", "boris@example.org")
	ok(t, err)
	t.Cleanup(func() { _ = s.boris.Close() })
	got(s.hers.GiveGrant(ctx, phone.Wish{Account: s.person.Account, Scopes: card.Scopes{"dx.*", "lab.*"}, Ends: w.Now().Add(9 * time.Hour)}))(t)
	got(s.hers.GiveGrant(ctx, phone.Wish{Client: s.other.ID, Scopes: card.Scopes{"dx.*", "lab.*"}, Purpose: consent.Treatment, Ends: w.Now().Add(9 * time.Hour)}))(t)
	s.enterAgain(ctx, t)
	w.quiet(ctx, t) // that he signed in on another device rings no phone that is registered later
	return s
}

// quiet waits until nothing is on its way to any phone.
func (w *World) quiet(ctx context.Context, t *testing.T) {
	t.Helper()
	db := beside(t, w.cfg.Database(), w.cfg.Postgres)
	defer db.Close()
	ok(t, until(ctx, func() bool {
		var left int
		err := db.QueryRowContext(ctx, "SELECT count(*) FROM river_job WHERE kind IN ('news', 'push') AND state IN ('available', 'running', 'retryable', 'pending')").Scan(&left)
		return err == nil && left == 0
	}))
}

// enterAgain gives him a fresh token, and a phone that is played by hand.
func (s *secluded) enterAgain(ctx context.Context, t *testing.T) {
	t.Helper()
	self := somebody("7")
	self.phone, self.password = s.person.Login, s.person.Password
	s.his = str(s.enter(ctx, t, self), "accessToken")
	made := got(s.post(ctx, "/v1/sync/devices", s.his, body{"cards": []any{body{"card": s.id}}}))(t)
	cards, _ := made["cards"].([]any)
	s.device, s.actor = str(made, "device"), dig(cards[0], "actor")
}

// stream is all that a first sync sends him.
func (s *secluded) stream(ctx context.Context, t *testing.T) string {
	t.Helper()
	var raw []byte
	ok(t, s.Call(ctx, s.his, http.MethodPost, "/v1/sync", nil, body{"device": s.device, "cards": []any{body{"card": s.id, "actor": s.actor}}}, &raw))
	if !bytes.Contains(raw, []byte(`"end"`)) {
		t.Fatalf("no whole answer: %s", short(string(raw)))
	}
	return string(raw)
}

// sees checks what both the person and the organisation see of a kind.
func (s *secluded) sees(ctx context.Context, t *testing.T, what string, kind card.Kind, want ...card.RecordID) {
	t.Helper()
	got(s.boris.Sync(ctx))(t)
	var his []card.RecordID
	for _, e := range got(s.boris.Card(s.id).Records(kind, phone.Paging{Limit: 100}))(t).Entries {
		his = append(his, e.ID)
	}
	var page struct{ Records []struct{ ID, Kind string } }
	ok(t, s.other.Call(ctx, http.MethodGet, "/v1/cards/"+string(s.id)+"/records?kinds="+string(kind), map[string]string{"Purpose-Of-Use": "TREAT"}, nil, &page))
	var theirs []card.RecordID
	for _, r := range page.Records {
		theirs = append(theirs, card.RecordID(r.ID))
	}
	slices.Sort(his)
	slices.Sort(theirs)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(his, want) || !slices.Equal(theirs, want) {
		t.Errorf("%s: of kind %s the person sees %v, the organisation %v; want %v", what, kind, his, theirs, want)
	}
	stream := s.stream(ctx, t)
	for _, e := range got(s.hers.Records(kind, phone.Paging{Limit: 100}))(t).Entries {
		if !slices.Contains(want, e.ID) && strings.Contains(stream, string(e.ID)) {
			t.Errorf("%s: the stream names a record that is kept from him", what)
		}
	}
	if strings.Contains(stream, "hidden") {
		t.Errorf("%s: the stream tells that something is hidden", what)
	}
}

func (s *secluded) all(ctx context.Context, t *testing.T, kind card.Kind) (ids []card.RecordID) {
	t.Helper()
	got(s.anna.Sync(ctx))(t)
	for _, e := range got(s.hers.Records(kind, phone.Paging{Limit: 100}))(t).Entries {
		ids = append(ids, e.ID)
	}
	if len(ids) < 2 {
		t.Fatalf("the owner has %d of kind %s", len(ids), kind)
	}
	return ids
}

var activeDiagnosis = regexp.MustCompile(`(condition-clinical",\s*"code": ")active`)

// What the owner hides goes from everybody else and leaves no sign, whatever its clinic says of it anew, until she shows it.
func TestOneRecordIsHidden(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := seclude(ctx, t, w)
		all := s.all(ctx, t, card.KindCondition)
		s.sees(ctx, t, "before", card.KindCondition, all...)
		secret, rest := all[0], all[1:]

		ok(t, s.hers.Hide(ctx, secret))
		s.sees(ctx, t, "hidden", card.KindCondition, rest...)
		got(s.anna.Sync(ctx))(t)
		if e := got(s.hers.Record(secret))(t); !e.Scope.Hidden() {
			t.Errorf("its owner has it in %s", e.Scope)
		}
		refused(t, s.hers.Hide(ctx, secret), http.StatusNotFound, "record.not_found")

		// The clinic has another word on every diagnosis: what is hidden stays so.
		anew := func(status string) {
			t.Helper()
			got(s.clinic.Post(ctx, activeDiagnosis.ReplaceAll(example.Bundle(), []byte("${1}"+status))))(t)
		}
		ok(t, s.boris.RegisterPush(ctx, "fcm", "boris-phone", "ru"))
		ok(t, s.anna.RegisterPush(ctx, "fcm", "anna-phone", "ru"))
		anew("resolved")
		s.rings(t, "boris-phone", 1)
		s.rings(t, "anna-phone", 1)
		s.sees(ctx, t, "published anew", card.KindCondition, rest...)
		got(s.anna.Sync(ctx))(t)
		if fact, _ := got(s.hers.Record(secret))(t).Fact.(card.Condition); fact.Clinical != "resolved" {
			t.Errorf("its owner has not the newest word: %q", fact.Clinical)
		}

		// With all of them hidden he does not even hear that there is news, and she does.
		for _, id := range rest {
			ok(t, s.hers.Hide(ctx, id))
		}
		anew("remission")
		s.rings(t, "anna-phone", 2)
		s.rings(t, "boris-phone", 1)
		for _, id := range rest {
			ok(t, s.hers.Show(ctx, id))
		}
		s.sees(ctx, t, "shown but for one", card.KindCondition, rest...)

		ok(t, s.hers.Show(ctx, secret))
		s.sees(ctx, t, "shown", card.KindCondition, all...)
		refused(t, s.hers.Show(ctx, secret), http.StatusNotFound, "record.not_found")
		refused(t, s.boris.Card(s.id).Hide(ctx, secret), http.StatusForbidden, "owner.only")
		s.audited(ctx, t, audit.Hide, audit.Show)
	})
}

// A restriction beats every grant, those that come after it too, until it is lifted or runs out.
func TestARestrictionBeatsEveryGrant(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := seclude(ctx, t, w)
		all := s.all(ctx, t, card.KindObservation)
		diagnoses := s.all(ctx, t, card.KindCondition)
		s.sees(ctx, t, "before", card.KindObservation, all...)

		ban := got(s.hers.Restrict(ctx, phone.Ban{Scopes: card.Scopes{"lab.*"}}))(t)
		s.sees(ctx, t, "kept from everybody", card.KindObservation)
		s.sees(ctx, t, "kept from everybody", card.KindCondition, diagnoses...)
		got(s.hers.GiveGrant(ctx, phone.Wish{Account: s.person.Account, Scopes: card.Scopes{"lab.general"}, Ends: w.Now().Add(time.Hour)}))(t)
		got(s.hers.GiveGrant(ctx, phone.Wish{Client: s.other.ID, Scopes: card.Scopes{"lab.*"}, Purpose: consent.Treatment, Ends: w.Now().Add(time.Hour)}))(t)
		s.sees(ctx, t, "a grant that comes later", card.KindObservation)
		if strings.Contains(s.stream(ctx, t), "lab.") {
			t.Error("the stream names the section")
		}
		got(s.anna.Sync(ctx))(t)
		if left := s.all(ctx, t, card.KindObservation); !slices.Equal(left, all) {
			t.Errorf("its owner sees %d of %d", len(left), len(all))
		}
		ok(t, s.hers.LiftRestriction(ctx, ban.ID))
		refused(t, s.hers.LiftRestriction(ctx, ban.ID), http.StatusNotFound, "restriction.not_found")
		refused(t, s.hers.RevokeGrant(ctx, ban.ID), http.StatusNotFound, "grant.not_found")
		s.sees(ctx, t, "lifted", card.KindObservation, all...)

		// One that binds one person binds no other.
		ban = got(s.hers.Restrict(ctx, phone.Ban{Account: s.person.Account, Scopes: card.Scopes{"lab.general"}, Ends: w.Now().Add(time.Hour)}))(t)
		got(s.boris.Sync(ctx))(t)
		if n := len(got(s.boris.Card(s.id).Records(card.KindObservation, phone.Paging{Limit: 100}))(t).Entries); n != 0 {
			t.Errorf("the person sees %d results that are kept from him", n)
		}
		var page struct{ Records []struct{ ID string } }
		ok(t, s.other.Call(ctx, http.MethodGet, "/v1/cards/"+string(s.id)+"/records?kinds=observation", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, &page))
		if len(page.Records) != len(all) {
			t.Errorf("the organisation sees %d of %d", len(page.Records), len(all))
		}
		w.Skip(2 * time.Hour)
		s.enterAgain(ctx, t)
		s.sees(ctx, t, "it has run out", card.KindObservation, all...)

		list := got(s.hers.Restrictions(ctx))(t)
		if len(list) != 2 || list[0].State != consent.Over || list[1].State != consent.Revoked || list[0].ID != ban.ID {
			t.Errorf("the restrictions: %+v", list)
		}
		for _, g := range got(s.hers.Grants(ctx))(t) {
			if g.Role == consent.Restriction {
				t.Error("a restriction among the grants")
			}
		}
		for code, b := range map[string]phone.Ban{
			"grantee.invalid": {Account: s.person.Account, Client: s.other.ID, Scopes: card.Scopes{"lab.*"}},
			"scopes.invalid":  {Scopes: card.Scopes{"lab.hiddengeneral"}},
			"scopes.unknown":  {Scopes: card.Scopes{"diagnosis.*"}},
			"period.invalid":  {Scopes: card.Scopes{"lab.*"}, Ends: w.Now().Add(-time.Hour)},
		} {
			_, err := s.hers.Restrict(ctx, b)
			refused(t, err, http.StatusUnprocessableEntity, code)
		}
		_, err := s.boris.Card(s.id).Restrict(ctx, phone.Ban{Scopes: card.Scopes{"lab.*"}})
		refused(t, err, http.StatusForbidden, "owner.only")
		s.audited(ctx, t, audit.Restrict, audit.Lift)
	})
}

// A restriction of what there is not would keep nothing from anybody, and its owner would believe that it does: she is told which of her
// scopes there is not, and what there is.
func TestAMistypedScopeIsRefused(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := seclude(ctx, t, w)
		for name, scopes := range map[string]card.Scopes{"class": {"dx.*", "diagnosis.*"}, "label": {"dx.hiv", "dx.psychiatry"}, "case": {"dx.hiv", "dx.HIV"}} {
			_, err := s.hers.Restrict(ctx, phone.Ban{Scopes: scopes})
			p := refused(t, err, http.StatusUnprocessableEntity, "scopes.unknown")
			if len(p.Fields) != 1 || p.Fields[0].Where != "body.scopes[1]" {
				t.Errorf("%s: the refusal points to %+v", name, p.Fields)
			}
			for _, there := range append(card.Classes(), card.Labels()...) {
				if !strings.Contains(p.Detail, there) {
					t.Errorf("%s: the refusal does not tell of %q: %s", name, there, p.Detail)
				}
			}
			_, err = s.hers.GiveGrant(ctx, phone.Wish{Account: s.person.Account, Scopes: scopes, Ends: w.Now().Add(time.Hour)})
			refused(t, err, http.StatusUnprocessableEntity, "scopes.unknown")
		}
		// What there is, by any name, is taken.
		all := card.Scopes{}
		for _, class := range card.Classes() {
			all = append(all, card.Scope(class+".*"))
		}
		for _, label := range card.Labels() {
			all = append(all, card.Scope("dx."+label))
		}
		got(s.hers.Restrict(ctx, phone.Ban{Scopes: all}))(t)

		// What was given before there was this rule still reads.
		in := insider{t: t, db: beside(t, w.cfg.Database(), w.cfg.Postgres), w: w, card: s.id}
		defer in.db.Close()
		in.run("UPDATE access_grant SET scopes = 'imaging.* lab.*' WHERE role = 'proxy' AND card = $1", s.id)
		if list := got(s.hers.Grants(ctx))(t); !slices.ContainsFunc(list, func(g phone.Grant) bool { return slices.Contains(g.Scopes, "imaging.*") }) {
			t.Errorf("the grants read %+v", list)
		}
	})
}

// rings waits until a phone has shown so many lines, and looks that there are no more.
func (w *World) rings(t *testing.T, phone string, want int) {
	t.Helper()
	shown := 0
	for began := time.Now(); shown < want && time.Since(began) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
		shown = 0
		for _, m := range w.Push.To(phone) {
			if m.Visible() {
				shown++
			}
		}
	}
	if shown != want {
		t.Errorf("%s showed %d lines, not %d", phone, shown, want)
	}
}

// audited looks whether each action is remembered.
func (s *secluded) audited(ctx context.Context, t *testing.T, actions ...audit.Action) {
	t.Helper()
	page, _, err := s.hers.AccessLog(ctx, 0)
	ok(t, err)
	for _, action := range actions {
		if !slices.ContainsFunc(page, func(a phone.Access) bool { return a.Action == action }) {
			t.Errorf("the log does not tell of %s", action)
		}
	}
}

// What is hidden or restricted has no code to show either, whoever knows its id.
func TestAHiddenPaperShowsNoCode(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := seclude(ctx, t, w)
		hers := got(s.clinic.Prescribe(ctx, s.id, "visit-one-rx"))(t)
		referral := got(s.clinic.Refer(ctx, s.id, "visit-one-referral"))(t)
		got(s.hers.GiveGrant(ctx, phone.Wish{Account: s.person.Account, Scopes: card.Scopes{"rx.*", "referral.*"}, Ends: w.Now().Add(time.Hour)}))(t)
		sees := func(kind string, p Paper) error {
			var png []byte
			return s.Call(ctx, s.his, http.MethodGet, "/v1/"+kind+"/"+p.ID+"/code.png", nil, nil, &png)
		}
		ok(t, sees("prescriptions", hers))
		ok(t, sees("referrals", referral))
		ok(t, s.hers.Hide(ctx, card.RecordID(hers.ID)))
		refused(t, sees("prescriptions", hers), http.StatusNotFound, "paper.not_found")
		ban := got(s.hers.Restrict(ctx, phone.Ban{Scopes: card.Scopes{"referral.*"}}))(t)
		refused(t, sees("referrals", referral), http.StatusNotFound, "paper.not_found")
		got(s.clinic.Picture(ctx, "prescriptions", hers))(t) // who filed it still prints it
		ok(t, s.hers.Show(ctx, card.RecordID(hers.ID)))
		ok(t, s.hers.LiftRestriction(ctx, ban.ID))
		ok(t, sees("prescriptions", hers))
		ok(t, sees("referrals", referral))
	})
}
