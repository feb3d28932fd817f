package story

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/credential"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// inspector is the person who reads the log.
var inspector = credential.Actor{Subject: "a-1", Name: "Сидоров Олег Ильич", Role: "ревизор"}

// auditor registers an auditor and gives what gets its tokens.
func (w *World) auditor(ctx context.Context, t testing.TB) func(context.Context) (string, error) {
	t.Helper()
	return w.auditing(ctx, t).As(inspector)
}

func (w *World) auditing(ctx context.Context, t testing.TB) *credential.Source {
	t.Helper()
	id, key, err := w.Register(ctx, identity.Auditor, "Служба аудита")
	ok(t, err)
	return credential.New(credential.Client{ID: string(id), Key: key, TokenURL: w.URL + "/oauth/token", Scopes: []string{"system/AuditEvent.rs"}, Clock: w.Now})
}

type reviewed struct {
	Entries []struct {
		Place, Number                                                       int64
		Card, State, Who, Person, Role, Organisation, Action, What, Purpose string
		At                                                                  time.Time
	}
	Next int64
}

// An auditor reads who did what with every card, why and when, and nothing of what was seen; that he read stands in the log as well. Nobody
// else may, and he may nothing else.
func TestAnAuditorReadsTheLogAndIsRemembered(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		_, handset, id := owner(ctx, t, w, clinic)
		mine := handset.Card(id)
		got(mine.GiveGrant(ctx, phone.Wish{Client: clinic.ID, Scopes: card.Scopes{"lab.*", "dx.*"}, Purpose: consent.Treatment, Ends: w.Now().Add(time.Hour)}))(t)
		for range 105 { // more than a page
			ok(t, clinic.reads(ctx, id))
		}
		seen := proven(ctx, t, mine)

		source := w.auditing(ctx, t)
		his := got(source.As(inspector)(ctx))(t)
		why := map[string]string{"Purpose-Of-Use": "HOPERAT"}
		review := func(from string) (page reviewed) {
			t.Helper()
			ok(t, w.Call(ctx, his, http.MethodGet, "/v1/audit/entries?from="+from, why, nil, &page))
			return page
		}
		first := review("0")
		rest := review("100")
		reads := 0
		for i, e := range append(first.Entries, rest.Entries...) {
			if e.Place != int64(i) || e.State != "whole" || e.At.IsZero() {
				t.Errorf("place %d: %+v", i, e)
			}
			if e.Action == "read" && e.Card == string(id) && e.Who == "clinic" && e.Person == Doctor.Name && e.Purpose == "TREAT" && e.Organisation == clinic.Name && e.What != "" {
				reads++
			}
		}
		if reads != 105 || first.Next != 100 || len(first.Entries) != 100 || int64(len(rest.Entries)) < seen.LogSize-100 {
			t.Errorf("%d reads; %d entries, next %d, then %d of %d", reads, len(first.Entries), first.Next, len(rest.Entries), seen.LogSize)
		}
		raw := w.say(t, turn{method: http.MethodGet, target: "/v1/audit/entries", token: his, headers: []string{"Purpose-Of-Use: HOPERAT"}})
		for _, word := range []string{example.Family, example.SNILS, example.Policy, "Метформин"} {
			if strings.Contains(raw.text, word) {
				t.Errorf("the auditor reads %s", word)
			}
		}
		own := 0
		for end := time.Now().Add(20 * time.Second); own < 3 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			own = 0
			for _, e := range review("100").Entries {
				if e.Action == "review" && e.Who == "auditor" && e.Person == inspector.Name && e.Purpose == "HOPERAT" && strings.HasPrefix(e.What, "places ") {
					own++
				}
			}
		}
		if own < 3 {
			t.Errorf("%d of the auditor's readings stand in the log", own)
		}

		refused(t, w.Call(ctx, his, http.MethodGet, "/v1/audit/entries", nil, nil, nil), http.StatusBadRequest, "purpose.missing")
		refused(t, w.Call(ctx, his, http.MethodGet, "/v1/audit/entries", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, nil), http.StatusBadRequest, "purpose.missing")
		refused(t, w.Call(ctx, his, http.MethodGet, "/v1/audit/entries?from=1000000", why, nil, nil), http.StatusUnprocessableEntity, "audit.sizes")
		refused(t, w.Call(ctx, got(source.Token(ctx))(t), http.MethodGet, "/v1/audit/entries", why, nil, nil), http.StatusUnprocessableEntity, "auditor.person")
		refused(t, w.Call(ctx, got(clinic.Token(ctx))(t), http.MethodGet, "/v1/audit/entries", why, nil, nil), http.StatusForbidden, "actor.not_allowed")
		for _, target := range []string{"/v1/cards/" + string(id) + "/records", "/v1/cards/" + string(id) + "/access-log", "/v1/cards/" + string(id) + "/access-log/evidence", "/v1/me"} {
			refused(t, w.Call(ctx, his, http.MethodGet, target, map[string]string{"Purpose-Of-Use": "TREAT"}, nil, nil), http.StatusForbidden, "actor.not_allowed")
		}

		in := insider{t: t, db: beside(t, w.cfg.Database(), w.cfg.Postgres), w: w, card: id}
		defer in.db.Close()
		heal := in.unaudited()
		if err := w.Call(ctx, his, http.MethodGet, "/v1/audit/entries", why, nil, nil); err == nil {
			t.Error("an auditor reads, and nobody remembers")
		}
		heal()
		review("0")
	})
}

// Staff say why, or see nothing: a purpose that is missing, empty, unknown, or not the one that the owner meant.
func TestStaffSayWhy(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		scan := aFile("%PDF-1.4\n"+canary, 5_000, 5)
		_, handset, id := owner(ctx, t, w, clinic)
		got(clinic.Post(ctx, filled(t, anna.patient(), reportWith("r1", scan))))(t)
		got(handset.Card(id).GiveGrant(ctx, phone.Wish{Client: clinic.ID, Scopes: card.Scopes{"lab.*", "dx.*", "rx.*", "doc.*"}, Purpose: consent.Treatment, Ends: w.Now().Add(time.Hour)}))(t)
		token := got(clinic.Token(ctx))(t)
		for _, target := range []string{"/v1/cards/" + string(id) + "/records", "/v1/cards/" + string(id) + "/attachments/" + string(fileHash(scan))} {
			for why, statuses := range map[string][]int{
				"TREAT": {200}, "": {400}, "-": {400}, "treat": {400}, "CURIOSITY": {400}, "ETREAT": {404}, "PATRQT": {400, 404}, "HOPERAT": {400, 404},
			} {
				u := turn{method: http.MethodGet, target: target, token: token}
				if why != "-" {
					u.headers = []string{"Purpose-Of-Use: " + why}
				}
				if r := w.say(t, u); !slices.Contains(statuses, r.status) {
					t.Errorf("%s for %q: %d %s", target, why, r.status, short(r.text))
				}
			}
		}
	})
}
