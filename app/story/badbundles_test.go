package story

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/identity"
)

// Bundles for somebody else's patient, or for nobody: each is refused with its own code and leaves nothing behind.

type object = map[string]any

const (
	systemChart = "https://clinic.example/id/chart"
	systemSNILS = "https://fhir.ru/ig/core/systems/snils"
	systemOMS   = "https://fhir.ru/ig/core/systems/OMS"
)

// person of a bundle: how a clinic writes down who it is about.
type introduced struct{ chart, snils, oms, born string }

var anna = introduced{"A-10442", example.SNILS, example.Policy, example.Born}

// numbered makes somebody whose numbers pass their check digits, a different one for each n.
func numbered(t testing.TB, n int) introduced {
	t.Helper()
	p := introduced{chart: fmt.Sprintf("B-%d", n), born: "1971-03-02"}
	for check := range 100 {
		text := fmt.Sprintf("16%07d%02d", n, check)
		if _, err := identity.ParseSNILS(text); err == nil {
			p.snils = text
		}
	}
	for check := range 10 {
		text := fmt.Sprintf("77509308410%04d%d", n, check)
		if _, err := identity.ParsePolicy(text); err == nil {
			p.oms = text
		}
	}
	if p.snils == "" || p.oms == "" {
		t.Fatal("no numbers were found")
	}
	return p
}

func (p introduced) patient() object {
	who := object{
		"resourceType": "Patient", "birthDate": p.born, "gender": "female", "name": []any{object{"family": "Иванова", "given": []any{"Нина"}, "text": canary}},
	}
	var numbers []any
	for system, value := range map[string]string{systemChart: p.chart, systemSNILS: p.snils, systemOMS: p.oms} {
		if value != "" {
			numbers = append(numbers, object{"system": system, "value": value})
		}
	}
	who["identifier"] = numbers
	return who
}

const about = "urn:uuid:83ad1216-ba7b-58c1-901b-d441fa5f5b44"

func result718(subject object) object {
	return object{
		"resourceType": "Observation", "id": "hb-1", "status": "final", "code": object{"text": canary}, "subject": subject,
		"effectiveDateTime": "2026-11-22T09:00:00+03:00", "valueString": canary,
	}
}

func without(o object, name string) object { delete(o, name); return o }

// filled makes a transaction of resources; the first stands under about.
func filled(t testing.TB, resources ...object) []byte {
	t.Helper()
	entries := []any{}
	for i, r := range resources {
		e := object{"resource": r, "request": object{"method": "POST", "url": r["resourceType"]}}
		if i == 0 {
			e["fullUrl"] = about
		} else {
			e["fullUrl"] = fmt.Sprintf("urn:uuid:00000000-0000-4000-8000-%012d", i)
		}
		entries = append(entries, e)
	}
	return got(json.Marshal(object{"resourceType": "Bundle", "type": "transaction", "entry": entries}))(t)
}

func TestBundlesForSomebodyElse(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		boris, nina := numbered(t, 1), numbered(t, 2)
		admitted(ctx, t, clinic)
		hers := object{"reference": about}
		other := got(clinic.Post(ctx, filled(t, boris.patient(), result718(hers))))(t).Card
		token := got(clinic.Token(ctx))(t)
		but := func(p introduced, change func(*introduced)) []byte {
			change(&p)
			return filled(t, p.patient(), result718(hers))
		}
		to := func(subject object) []byte { return filled(t, anna.patient(), result718(subject)) }
		contained := result718(object{"reference": "#p"})
		contained["contained"] = []any{object{"resourceType": "Patient", "id": "p", "identifier": []any{object{"system": systemSNILS, "value": boris.snils}}}}
		many := []object{anna.patient()}
		for i := range 5000 {
			many = append(many, object{"resourceType": "Organization", "id": fmt.Sprint("o", i), "name": canary})
		}
		values := `{"resourceType":"Bundle","type":"transaction","total":[` + strings.Repeat("1,", 1<<20) + `1]}`
		w.untouched(ctx, t, "refused", func(t *testing.T) {
			for name, c := range map[string]struct {
				content []byte
				status  int
				code    string
			}{
				"her SNILS, his policy":             {but(anna, func(p *introduced) { p.oms = boris.oms }), 409, "patient.ambiguous"},
				"his SNILS, her policy":             {but(boris, func(p *introduced) { p.oms = anna.oms }), 409, "patient.ambiguous"},
				"her chart, his numbers":            {but(boris, func(p *introduced) { p.chart = anna.chart }), 409, "patient.ambiguous"},
				"her SNILS, another policy":         {but(anna, func(p *introduced) { p.oms = nina.oms }), 409, "patient.mismatch"},
				"her policy, another SNILS":         {but(anna, func(p *introduced) { p.snils = nina.snils }), 409, "patient.mismatch"},
				"her numbers, born on another day":  {but(anna, func(p *introduced) { p.born = "1984-06-16" }), 409, "patient.mismatch"},
				"her chart, born in another year":   {but(anna, func(p *introduced) { p.snils, p.oms, p.born = "", "", "1950" }), 409, "patient.mismatch"},
				"nobody":                            {filled(t, result718(hers)), 422, "bundle.one_patient"},
				"two people":                        {filled(t, anna.patient(), boris.patient(), result718(hers)), 422, "bundle.one_patient"},
				"the same person twice":             {filled(t, anna.patient(), anna.patient()), 422, "bundle.one_patient"},
				"a result of another card":          {to(object{"reference": "Patient/" + string(other)}), 422, "bundle.foreign_subject"},
				"a result of nobody in the bundle":  {to(object{"reference": "urn:uuid:00000000-0000-4000-8000-00000000dead"}), 422, "bundle.foreign_subject"},
				"a result of somebody elsewhere":    {to(object{"reference": "https://other.example/fhir/Patient/1"}), 422, "bundle.foreign_subject"},
				"a result of a search":              {to(object{"reference": "Patient?identifier=" + canary}), 422, "bundle.foreign_subject"},
				"a result by his number":            {to(object{"identifier": object{"system": systemSNILS, "value": boris.snils}}), 422, "bundle.foreign_subject"},
				"a result by his number, and hers":  {to(object{"reference": about, "identifier": object{"system": systemSNILS, "value": boris.snils}}), 422, "bundle.foreign_subject"},
				"a result of a contained person":    {filled(t, anna.patient(), contained), 422, "bundle.one_patient"},
				"a result of a group":               {to(object{"reference": "Group/1"}), 422, "bundle.foreign_subject"},
				"a result of a name":                {to(object{"display": canary}), 422, "bundle.foreign_subject"},
				"a result without a subject":        {filled(t, anna.patient(), without(result718(nil), "subject")), 422, "bundle.foreign_subject"},
				"nobody by anything":                {filled(t, object{"resourceType": "Patient", "birthDate": anna.born}), 422, "patient.unidentified"},
				"a SNILS that is none":              {but(anna, func(p *introduced) { p.snils = "15073184648" }), 422, "snils.check_digit"},
				"one resource twice":                {filled(t, anna.patient(), result718(hers), result718(hers)), 422, "bundle.duplicate"},
				"more than five thousand resources": {filled(t, many...), 413, "bundle.too_many_entries"},
				"more than a million values":        {[]byte(values), 413, "fhir.too_large"},
				"a good one, and one that is none":  {filled(t, anna.patient(), result718(hers), object{"resourceType": "Observation", "status": canary, "code": object{"text": "x"}}), 422, "fhir.not_r4"},
			} {
				w.refuses(t, turn{
					name: name, method: "POST", target: "/fhir/R4", token: token, headers: []string{"Content-Type: application/fhir+json"}, body: c.content,
					want: []int{c.status}, code: c.code,
				})
			}
		})
	})
}
