package story

import (
	"context"
	"net/http"
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

// A doctor whom the patient let in has the form filled in, as far as he was let in, and what its values were taken from; nobody copies it from
// paper. What is hidden, and what is over, is not in it.
func TestFormsAreFilledIn(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Городская больница"))(t)
		_, anna, id := owner(ctx, t, w, clinic)
		hers := anna.Card(id)
		rx := got(clinic.Prescribe(ctx, id, "form-rx-1"))(t)
		let := func(scopes ...card.Scope) *Clinic {
			other := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
			got(hers.GiveGrant(ctx, phone.Wish{Client: other.ID, Scopes: scopes, Purpose: consent.Treatment, Ends: w.Now().Add(time.Hour)}))(t)
			return other
		}
		type form map[string][]string
		read := func(c *Clinic) form {
			t.Helper()
			var answer struct {
				Entries []struct {
					Entry  string
					Values []struct{ Text, Record string }
				}
			}
			ok(t, c.Call(ctx, http.MethodGet, "/v1/cards/"+string(id)+"/form", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, &answer))
			if len(answer.Entries) != 11 {
				t.Fatalf("a form of %d entries", len(answer.Entries))
			}
			f := form{}
			for _, e := range answer.Entries {
				for _, v := range e.Values {
					if v.Record == "" {
						t.Errorf("%s: %q is of no record", e.Entry, v.Text)
					}
					f[e.Entry] = append(f[e.Entry], v.Text)
				}
			}
			return f
		}
		all, some := let("identity.*", "dx.*", "rx.*", "lab.*"), let("dx.*")
		whole := read(all)
		for entry, want := range map[string]string{
			"name": "Соколова", "birthDate": "1984-06-15", "sex": "female", "snils": example.SNILS, "policy": example.Policy,
			"medicines": "Метформин", "allergies": "Пенициллин", "diagnoses": "J", "results": "2026-11-17",
		} {
			if !slices.ContainsFunc(whole[entry], func(text string) bool { return strings.Contains(text, want) }) {
				t.Errorf("%s: %q, want %q in it", entry, whole[entry], want)
			}
		}
		if n := len(whole["medicines"]); n != 2 { // the clinic's own line, and the prescription
			t.Errorf("medicines: %q", whole["medicines"])
		}
		part := read(some)
		for entry, values := range part {
			if entry != "allergies" && entry != "diagnoses" {
				t.Errorf("who sees diagnoses reads of %s: %q", entry, values)
			}
		}

		got(clinic.does(ctx, "/v1/prescriptions/"+rx.ID+"/cancel", map[string]any{"idempotencyKey": "form-cancel-1"}))(t)
		got(anna.Sync(ctx))(t)
		for _, e := range got(hers.Conditions(phone.Paging{Limit: 50}))(t).Entries {
			ok(t, hers.Hide(ctx, e.ID))
		}
		after := read(all)
		if len(after["medicines"]) != 1 || len(after["diagnoses"]) != 0 {
			t.Errorf("after that: %q, %q", after["medicines"], after["diagnoses"])
		}
		log, _, err := hers.AccessLog(ctx, 0)
		ok(t, err)
		if !slices.ContainsFunc(log, func(a phone.Access) bool {
			return a.Action == audit.Read && strings.HasPrefix(a.What, "a form") && a.Person != "" && a.Purpose == consent.Treatment
		}) {
			t.Errorf("she does not read of it: %+v", log)
		}
	})
}
