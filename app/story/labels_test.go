package story

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// What belongs to a psychiatrist's visit, now or later, stands apart from everything else: whoever was let see the general part of a
// section does not learn of it, and whoever was let see this label does.
func TestASensitiveVisitStandsApart(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Городская больница"))(t)
		_, anna, id := owner(ctx, t, w, clinic)
		boris, his, err := w.SignUp(ctx, "+79161234560", "boris@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = his.Close() })
		give := func(scopes ...card.Scope) phone.Grant {
			t.Helper()
			return got(anna.Card(id).GiveGrant(ctx, phone.Wish{Account: boris.Account, Scopes: scopes, Ends: w.Now().Add(time.Hour)}))(t)
		}
		give("visit.general", "dx.general", "lab.general")

		got(clinic.Post(ctx, withEntries(t,
			`{"resourceType": "Encounter", "id": "psy-1", "status": "finished", "class": {"code": "AMB"}, "subject": PATIENT, "period": {"start": "2026-11-20T09:00:00+03:00"}}`,
			`{"resourceType": "Condition", "id": "psy-2", "subject": PATIENT, "encounter": {"reference": "Encounter/psy-1"}, "recordedDate": "2026-11-20",
				"code": {"coding": [{"system": "urn:oid:1.2.643.5.1.13.13.11.1005", "code": "F32.1"}]}}`,
			`{"resourceType": "Observation", "id": "psy-3", "status": "final", "subject": PATIENT, "encounter": {"reference": "Encounter/psy-1"}, "effectiveDateTime": "2026-11-20",
				"code": {"text": "HADS-D"}, "valueString": "14"}`,
			`{"resourceType": "Observation", "id": "std-1", "status": "final", "subject": PATIENT, "effectiveDateTime": "2026-11-20", "code": {"text": "RPR"}, "valueString": "neg",
				"meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "STD"}]}}`,
		)))(t)
		// A result that comes later names the visit of before.
		got(clinic.Post(ctx, withEntries(t, `{"resourceType": "Observation", "id": "psy-4", "status": "final", "subject": PATIENT,
			"encounter": {"reference": "Encounter/psy-1"}, "effectiveDateTime": "2026-11-21", "code": {"text": "PHQ-9"}, "valueString": "17"}`)))(t)

		scopes := func(p *Phone) (all []card.Scope) {
			t.Helper()
			got(p.Sync(ctx))(t)
			for _, kind := range []card.Kind{card.KindEncounter, card.KindCondition, card.KindObservation} {
				for _, e := range got(p.Card(id).Records(kind, phone.Paging{Limit: 100}))(t).Entries {
					if e.Scope.Sensitive() {
						all = append(all, e.Scope)
					}
				}
			}
			slices.Sort(all)
			return all
		}
		want := []card.Scope{"dx.psychiatric", "lab.psychiatric", "lab.psychiatric", "lab.venereal", "visit.psychiatric"}
		if hers := scopes(anna); !slices.Equal(hers, want) {
			t.Errorf("the owner has %v, want %v", hers, want)
		}
		if sees := scopes(his); len(sees) > 0 {
			t.Errorf("who was let see what is general sees %v", sees)
		}
		more := give("lab.psychiatric")
		if sees := scopes(his); !slices.Equal(sees, want[1:3]) {
			t.Errorf("let see one label, he sees %v", sees)
		}
		ok(t, anna.Card(id).RevokeGrant(ctx, more.ID))
		if sees := scopes(his); len(sees) > 0 {
			t.Errorf("after that was taken back he sees %v", sees)
		}
	})
}

// withEntries is a bundle of our patient with these resources; PATIENT in them is the reference to her.
func withEntries(t *testing.T, resources ...string) []byte {
	t.Helper()
	var bundle struct {
		ResourceType string           `json:"resourceType"`
		Type         string           `json:"type"`
		Entry        []map[string]any `json:"entry"`
	}
	ok(t, json.Unmarshal(example.Bundle(), &bundle))
	bundle.Entry = slices.DeleteFunc(bundle.Entry, func(e map[string]any) bool { return dig(e, "resource", "resourceType") != "Patient" })
	reference := string(got(json.Marshal(body{"reference": bundle.Entry[0]["fullUrl"]}))(t))
	for _, text := range resources {
		var resource map[string]any
		ok(t, json.Unmarshal([]byte(strings.ReplaceAll(text, "PATIENT", reference)), &resource))
		bundle.Entry = append(bundle.Entry, map[string]any{
			"fullUrl": "https://clinic.example/fhir/" + str(resource, "resourceType") + "/" + str(resource, "id"), "resource": resource,
			"request": body{"method": "POST", "url": resource["resourceType"]},
		})
	}
	return got(json.Marshal(bundle))(t)
}
