package story

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// head is what he is told without pulling, as it travels.
func (s *secluded) head(ctx context.Context, t *testing.T) string {
	t.Helper()
	var raw []byte
	ok(t, s.Call(ctx, s.his, http.MethodGet, "/v1/sync/head?cards="+string(s.id), nil, nil, &raw))
	return string(raw)
}

// What was hidden before somebody was let in leaves him no sign of it, not even the name of the section where it stood. Shown, it comes with
// its section, and hidden again it goes from his phone with it.
func TestWhatWasHiddenBeforeHeCame(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Городская больница"))(t)
		_, anna, id := owner(ctx, t, w, clinic)
		hers := anna.Card(id)
		got(clinic.Post(ctx, withEntries(t, `{"resourceType": "Condition", "id": "psy-2", "subject": PATIENT, "recordedDate": "2026-11-20",
			"code": {"coding": [{"system": "urn:oid:1.2.643.5.1.13.13.11.1005", "code": "F32.1"}]}}`)))(t)
		got(anna.Sync(ctx))(t)
		all := got(hers.Records(card.KindCondition, phone.Paging{Limit: 100}))(t).Entries
		secret := all[slices.IndexFunc(all, func(e phone.Entry[card.Fact]) bool { return e.Scope == "dx.psychiatric" })].ID
		ok(t, hers.Hide(ctx, secret))

		person, boris, err := w.SignUp(ctx, "+79161234560", "boris@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = boris.Close() })
		got(hers.GiveGrant(ctx, phone.Wish{Account: person.Account, Scopes: card.Scopes{"dx.*"}, Ends: w.Now().Add(9 * time.Hour)}))(t)
		s := &secluded{World: w, clinic: clinic, anna: anna, hers: hers, boris: boris, person: person, id: id}
		s.enterAgain(ctx, t)
		told := func(what string, want bool) {
			t.Helper()
			for where, text := range map[string]string{"head": s.head(ctx, t), "stream": s.stream(ctx, t)} {
				if strings.Contains(text, "psychiatric") != want {
					t.Errorf("%s: the %s tells of the section: %v", what, where, !want)
				}
				if strings.Contains(text, "hidden") {
					t.Errorf("%s: the %s tells that something is hidden", what, where)
				}
			}
			got(boris.Sync(ctx))(t)
			his := got(boris.Card(id).Records(card.KindCondition, phone.Paging{Limit: 100}))(t).Entries
			if has := slices.ContainsFunc(his, func(e phone.Entry[card.Fact]) bool { return e.ID == secret }); has != want || len(his) < len(all)-1 {
				t.Errorf("%s: he has it: %v, and %d of the others", what, has, len(his))
			}
		}
		told("before he came", false)
		ok(t, hers.Show(ctx, secret))
		told("shown", true)
		ok(t, hers.Hide(ctx, secret))
		told("hidden again", false)
		ok(t, hers.Show(ctx, secret))
		told("shown again", true)
	})
}

// Nor does a restriction show in the head of somebody from whom it takes nothing.
func TestARestrictionOfNothingShowsNowhere(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := seclude(ctx, t, w)
		before := s.head(ctx, t)
		for _, scope := range []card.Scope{"note.*", "vitals.*", "lab.genetic"} {
			ban := got(s.hers.Restrict(ctx, phone.Ban{Scopes: card.Scopes{scope}}))(t)
			if s.head(ctx, t) != before {
				t.Errorf("his head tells of a restriction of %s", scope)
			}
			ok(t, s.hers.LiftRestriction(ctx, ban.ID))
			if s.head(ctx, t) != before {
				t.Errorf("his head tells that one of %s was lifted", scope)
			}
		}
		ban := got(s.hers.Restrict(ctx, phone.Ban{Scopes: card.Scopes{"dx.*"}}))(t)
		if s.head(ctx, t) == before {
			t.Error("his head tells nothing of what he lost")
		}
		ok(t, s.hers.LiftRestriction(ctx, ban.ID))
	})
}

// One label is kept from somebody in all sections at once, and given so.
func TestOneLabelOfAllSections(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := seclude(ctx, t, w)
		got(s.clinic.Post(ctx, withEntries(t,
			`{"resourceType": "Condition", "id": "psy-2", "subject": PATIENT, "recordedDate": "2026-11-20", "code": {"coding": [{"system": "urn:oid:1.2.643.5.1.13.13.11.1005", "code": "F32.1"}]}}`,
			`{"resourceType": "Observation", "id": "psy-3", "status": "final", "subject": PATIENT, "effectiveDateTime": "2026-11-20", "code": {"text": "HADS-D"}, "valueString": "14",
				"meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]}}`)))(t)
		sees := func(what string, want bool) {
			t.Helper()
			stream := s.stream(ctx, t)
			for _, scope := range []string{"dx.psychiatric", "lab.psychiatric"} {
				if strings.Contains(stream, scope) != want {
					t.Errorf("%s: he sees %s: %v", what, scope, !want)
				}
			}
			if strings.Contains(stream, "*.") {
				t.Errorf("%s: the stream names a pattern", what)
			}
		}
		sees("before", true)
		ban := got(s.hers.Restrict(ctx, phone.Ban{Scopes: card.Scopes{"*.psychiatric"}}))(t)
		sees("restricted", false)
		ok(t, s.hers.LiftRestriction(ctx, ban.ID))
		sees("lifted", true)
		for _, g := range got(s.hers.Grants(ctx))(t) {
			if g.Account == s.person.Account {
				ok(t, s.hers.RevokeGrant(ctx, g.ID))
			}
		}
		got(s.hers.GiveGrant(ctx, phone.Wish{Account: s.person.Account, Scopes: card.Scopes{"*.psychiatric"}, Ends: w.Now().Add(time.Hour)}))(t)
		sees("given", true)
		if stream := s.stream(ctx, t); strings.Contains(stream, "dx.general") {
			t.Error("given one label, he sees another")
		}
		for _, scope := range []card.Scope{"*.*", "*.hiddengeneral"} {
			_, err := s.hers.Restrict(ctx, phone.Ban{Scopes: card.Scopes{scope}})
			refused(t, err, http.StatusUnprocessableEntity, "scopes.invalid")
		}
		_, err := s.hers.Restrict(ctx, phone.Ban{Scopes: card.Scopes{"*.psychiatry"}})
		refused(t, err, http.StatusUnprocessableEntity, "scopes.unknown")
	})
}

// Where somebody may add nothing he does not learn by trying which ids are taken.
func TestATakenIDLooksLikeAFreeOne(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := seclude(ctx, t, w)
		got(s.hers.AddMeasurement(pressure(100)))(t)
		got(s.anna.Sync(ctx))(t)
		taken := got(s.hers.Records(card.KindMeasurement, phone.Paging{Limit: 10}))(t).Entries[0].ID
		var head map[string]any
		ok(t, s.Call(ctx, s.his, http.MethodGet, "/v1/sync/head?cards="+string(s.id), nil, nil, &head))
		heads, _ := head["cards"].([]any)
		epoch := dig(heads[0], "epoch")
		for n, id := range []card.RecordID{taken, "0191d5a0-0000-7000-8000-00000000beef"} {
			out := got(s.post(ctx, "/v1/sync/push", s.his, body{"device": s.device, "card": s.id, "actor": s.actor, "epoch": epoch, "acked": 0, "mutations": []any{body{
				"n": n + 1, "op": "create", "id": id, "kind": "comment", "ctx": "", "at": "", "epoch": epoch, "hlc": "000000000000000" + string(rune('1'+n)), "atoms": body{"text": body{"v": "x"}},
			}}}))(t)
			results, _ := out["results"].([]any)
			if len(results) != 1 || dig(results[0], "code") != "access_ended" {
				t.Errorf("the answer is %v", out)
			}
		}
	})
}
