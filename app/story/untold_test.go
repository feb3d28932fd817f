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
