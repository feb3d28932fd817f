package story

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// A doctor who never saw the patient asks with a code. The patient reads who it is, for what and how long, lets her in to less, and the
// doctor's system learns the card. Nobody else gets anything out of the code, before or after.
func TestAClinicIsLetInByACode(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		_, anna, id := owner(ctx, t, w, got(w.Clinic(ctx, "Городская больница"))(t))
		hers := anna.Card(id)
		_, boris, err := w.SignUp(ctx, "+79160000022", "boris@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = boris.Close() })
		office := w.as(ctx, t, "Частный кабинет", Doctor)
		other := w.as(ctx, t, "Другой кабинет", Doctor)
		reads := func(kind string) (n int, err error) {
			var page struct{ Records []struct{ ID string } }
			err = office.Call(ctx, http.MethodGet, "/v1/cards/"+string(id)+"/records?kinds="+kind, map[string]string{"Purpose-Of-Use": "TREAT"}, nil, &page)
			return len(page.Records), err
		}
		ask := func() body {
			return body{"scopes": []string{"lab.*", "dx.general"}, "purpose": "TREAT", "ends": w.Now().Add(30 * 24 * time.Hour)}
		}
		propose := func() (p struct{ ID, Code string }) {
			ok(t, office.Call(ctx, http.MethodPost, "/v1/proposals", nil, ask(), &p))
			return p
		}
		state := func(c *Clinic, id string) (s struct{ State, Card string }, err error) {
			err = c.Call(ctx, http.MethodGet, "/v1/proposals/"+id, nil, nil, &s)
			return s, err
		}
		for code, change := range map[string]body{
			"scopes.invalid": {"scopes": []string{"lab.hiddengeneral"}}, "scopes.unknown": {"scopes": []string{"imaging.*"}}, "period.invalid": {"ends": w.Now().Add(-time.Second)}, "invalid_input": {"purpose": "PATRQT"},
		} {
			asked := ask()
			for k, v := range change {
				asked[k] = v
			}
			refused(t, office.Call(ctx, http.MethodPost, "/v1/proposals", nil, asked, nil), http.StatusUnprocessableEntity, code)
		}

		first := propose()
		seen := got(anna.LookAtProposal(ctx, strings.ToLower(strings.ReplaceAll(first.Code, "-", ""))))(t)
		if seen.Organisation != "Частный кабинет" || seen.Person.Name != Doctor.Name || seen.Person.Role != Doctor.Role || seen.Purpose != consent.Treatment ||
			!slices.Equal(seen.Scopes, card.Scopes{"lab.*", "dx.general"}) || seen.Ends.Sub(w.Now()) < 29*24*time.Hour {
			t.Errorf("the patient reads %+v", seen)
		}
		if s, err := state(office, first.ID); err != nil || s.State != "waiting" || s.Card != "" {
			t.Errorf("before she agrees: %+v, %v", s, err)
		}
		if _, err := state(other, first.ID); err == nil {
			t.Error("another organisation sees the proposal")
		}
		_, err = reads("observation")
		refused(t, err, http.StatusNotFound, "card.not_found")
		for code, yes := range map[string]phone.Agreement{
			"proposal.wider":       {Code: first.Code, Scopes: card.Scopes{"lab.*", "rx.*"}},
			"proposal.wider ":      {Code: first.Code, Scopes: card.Scopes{"*"}},
			"proposal.wider, long": {Code: first.Code, Ends: w.Now().Add(31 * 24 * time.Hour)},
			"period.invalid":       {Code: first.Code, Ends: w.Now().Add(-time.Hour)},
		} {
			code, _, _ = strings.Cut(code, ",")
			_, err := hers.Agree(ctx, yes)
			refused(t, err, http.StatusUnprocessableEntity, strings.TrimSpace(code))
		}
		for _, wrong := range []string{"", "AAAA-AAAA-AAAA", "AAAA", first.Code + "A"} {
			_, err := hers.Agree(ctx, phone.Agreement{Code: wrong})
			refused(t, err, http.StatusNotFound, "proposal.not_found")
			_, err = anna.LookAtProposal(ctx, wrong)
			refused(t, err, http.StatusNotFound, "proposal.not_found")
		}
		_, err = boris.Card(id).Agree(ctx, phone.Agreement{Code: first.Code})
		refused(t, err, http.StatusNotFound, "card.not_found")

		yes := phone.Agreement{Code: first.Code, Scopes: card.Scopes{"lab.general"}, Ends: w.Now().Add(time.Hour)}
		given := got(hers.Agree(ctx, yes))(t)
		if given.State != consent.Running || given.Organisation != "Частный кабинет" || !slices.Equal(given.Scopes, yes.Scopes) || string(given.ID) != first.ID {
			t.Errorf("she let in %+v", given)
		}
		if s, err := state(office, first.ID); err != nil || s.State != "agreed" || s.Card != string(id) {
			t.Errorf("after she agreed: %+v, %v", s, err)
		}
		used := func() time.Time {
			list := got(hers.Grants(ctx))(t)
			return list[slices.IndexFunc(list, func(g phone.Grant) bool { return g.ID == given.ID })].Used
		}
		if at := used(); !at.IsZero() {
			t.Errorf("used at %v before anybody read", at)
		}
		if n, err := reads("observation"); err != nil || n == 0 {
			t.Errorf("results: %d, %v", n, err)
		}
		if n, err := reads("condition"); err != nil || n != 0 {
			t.Errorf("diagnoses, to which she did not agree: %d, %v", n, err)
		}
		if at := used(); at.Before(given.Starts) {
			t.Errorf("after it read, the list says that it was used at %v", at)
		}
		if again := got(hers.Agree(ctx, yes))(t); again.ID != given.ID {
			t.Errorf("said again, it is %s", again.ID)
		}
		_, err = boris.LookAtProposal(ctx, first.Code)
		refused(t, err, http.StatusConflict, "proposal.agreed")
		log, _, err := hers.AccessLog(ctx, 0)
		ok(t, err)
		if n := len(slices.DeleteFunc(log, func(a phone.Access) bool { return a.Action != audit.Grant || a.What != "Частный кабинет" })); n != 1 {
			t.Errorf("the log tells %d times that she let them in", n)
		}
		ok(t, hers.RevokeGrant(ctx, given.ID))
		_, err = reads("observation")
		refused(t, err, http.StatusNotFound, "card.not_found")

		late := propose()
		w.Skip(consent.ProposalTerm)
		_, err = anna.LookAtProposal(ctx, late.Code)
		refused(t, err, http.StatusNotFound, "proposal.not_found")
		_, err = hers.Agree(ctx, phone.Agreement{Code: late.Code})
		refused(t, err, http.StatusNotFound, "proposal.not_found")
		if s, err := state(office, late.ID); err != nil || s.State != "over" {
			t.Errorf("when its time is over: %+v, %v", s, err)
		}
		propose() // forgets the one that is over
		if _, err := state(office, late.ID); err == nil {
			t.Error("what nobody needs is kept")
		}
		if s, err := state(office, first.ID); err != nil || s.State != "agreed" {
			t.Errorf("what was agreed to: %+v, %v", s, err)
		}
	})
}
