package story

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// What is on the phone is what was in the bundle: the six bundles of data/synthea go in over HTTP and come out of the SDK. The
// bundle is read here by other code than the server's, line by line in words that a person would compare.

// synthea finds the shared bundles beside the project; a clone without them skips.
func synthea(t *testing.T) (files []string) {
	t.Helper()
	dir := got(os.Getwd())(t)
	for ; filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
		if files, _ = filepath.Glob(filepath.Join(dir, "shared", "data", "synthea", "*.json.gz")); len(files) > 0 {
			return files
		}
	}
	t.Skip("no folder shared/data/synthea beside the project")
	return nil
}

func unzipped(t *testing.T, file string) []byte {
	t.Helper()
	z := got(gzip.NewReader(bytes.NewReader(got(os.ReadFile(file))(t))))(t)
	return got(io.ReadAll(z))(t)
}

// told is a resource as a plain reader sees it.
type told map[string]any

// at follows names and takes the first of lists; "" where there is nothing.
func (r told) at(path string) string {
	var here any = map[string]any(r)
	for name := range strings.SplitSeq(path, ".") {
		if list, ok := here.([]any); ok && len(list) > 0 {
			here = list[0]
		}
		object, ok := here.(map[string]any)
		if !ok {
			return ""
		}
		here = object[name]
	}
	if list, ok := here.([]any); ok && len(list) > 0 {
		here = list[0]
	}
	switch v := here.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// either is the first of the paths that says something.
func (r told) either(paths ...string) string {
	for _, path := range paths {
		if s := r.at(path); s != "" {
			return s
		}
	}
	return ""
}

func (r told) components() (all []string) {
	list, _ := r["component"].([]any)
	for _, c := range list {
		object, _ := c.(map[string]any)
		all = append(all, told(object).at("code.text")+" "+told(object).at("valueQuantity.value"))
	}
	return all
}

func line(words ...any) string { return strings.TrimSuffix(fmt.Sprintln(words...), "\n") }

// lineOf says in a line what a resource tells.
func lineOf(r told) string {
	switch r.at("resourceType") {
	case "Patient":
		return line(r.at("name.family"), r.at("name.given"), r.at("birthDate"), r.at("gender"))
	case "Encounter":
		return line(r.at("period.start"), r.at("type.text"), r.at("status"))
	case "Condition", "AllergyIntolerance":
		return line(r.either("onsetDateTime", "recordedDate"), r.at("code.text"), r.at("clinicalStatus.coding.code"))
	case "Observation":
		value := r.either("valueQuantity.value", "valueCodeableConcept.text", "valueString")
		return line(r.at("effectiveDateTime"), r.at("code.text"), value, r.at("valueQuantity.unit"), r.components())
	case "DiagnosticReport":
		list, _ := r["result"].([]any)
		return line(r.at("effectiveDateTime"), r.at("code.text"), len(list))
	case "MedicationRequest":
		return line(r.at("authoredOn"), r.at("medicationCodeableConcept.text"), r.at("status"))
	case "Immunization":
		return line(r.at("occurrenceDateTime"), r.at("vaccineCode.text"), r.at("status"))
	case "Procedure":
		return line(r.either("performedPeriod.start", "performedDateTime"), r.either("code.text", "code.coding.display"), r.at("status"))
	case "CarePlan":
		list, _ := r["activity"].([]any)
		return line(r.at("period.start"), r.at("category.text"), len(list))
	}
	return "" // no place in a card
}

// lineOn says the same of a fact.
func lineOn(fact card.Fact) string {
	label := func(all []card.Concept) string {
		if len(all) == 0 {
			return ""
		}
		return all[0].Label()
	}
	switch f := fact.(type) {
	case card.Person:
		return line(f.Name.Family, f.Name.Given[0], f.Born, f.Sex)
	case card.Visit:
		return line(f.When(), label(f.Types), f.Status)
	case card.Condition:
		return line(f.When(), f.Code.Label(), f.Clinical)
	case card.Allergy:
		return line(f.When(), f.Code.Label(), f.Clinical)
	case card.Observation:
		var parts []string
		for _, c := range f.Components {
			parts = append(parts, c.Code.Label()+" "+c.Value.Quantity.Value)
		}
		return line(f.When(), f.Code.Label(), f.Value.Quantity.Value+f.Value.Concept.Label()+f.Value.Text, f.Value.Quantity.Unit, parts)
	case card.Report:
		return line(f.When(), f.Code.Label(), len(f.Results))
	case card.Medication:
		return line(f.When(), f.Drug.Label(), f.Status)
	case card.Immunization:
		return line(f.When(), f.Vaccine.Label(), f.Status)
	case card.Procedure:
		return line(f.When(), f.Code.Label(), f.Status)
	case card.Plan:
		return line(f.When(), label(f.Categories), len(f.Activities))
	}
	return fmt.Sprintf("an unexpected %T", fact)
}

// kindOf says as what a resource type comes to the phone.
var kindOf = map[string]card.Kind{
	"Patient": card.KindPatient, "Encounter": card.KindEncounter, "Condition": card.KindCondition, "AllergyIntolerance": card.KindAllergy,
	"Observation": card.KindObservation, "DiagnosticReport": card.KindReport, "MedicationRequest": card.KindMedication,
	"Immunization": card.KindImmunization, "Procedure": card.KindProcedure, "CarePlan": card.KindCarePlan,
}

// linesOf reads a bundle, by kind.
func linesOf(t *testing.T, bundle []byte) map[card.Kind][]string {
	t.Helper()
	var doc struct{ Entry []struct{ Resource told } }
	d := json.NewDecoder(bytes.NewReader(bundle))
	d.UseNumber()
	ok(t, d.Decode(&doc))
	lines := map[card.Kind][]string{}
	for _, e := range doc.Entry {
		if kind, place := kindOf[e.Resource.at("resourceType")]; place {
			lines[kind] = append(lines[kind], lineOf(e.Resource))
		}
	}
	return lines
}

// linesOn reads a card on a phone, by kind, page after page.
func linesOn(t *testing.T, k *phone.Card) map[card.Kind][]string {
	t.Helper()
	lines := map[card.Kind][]string{}
	for _, kind := range kindOf {
		for after := ""; ; {
			page := got(k.Records(kind, phone.Paging{After: after}))(t)
			if len(page.Locked) > 0 || page.Unreadable > 0 {
				t.Errorf("%s: %v locked, %d unreadable", kind, page.Locked, page.Unreadable)
			}
			for _, e := range page.Entries {
				lines[kind] = append(lines[kind], lineOn(e.Fact))
			}
			if after = page.Next; after == "" {
				break
			}
		}
	}
	return lines
}

func TestThePhoneHoldsWhatTheBundleHeld(t *testing.T) {
	files := synthea(t)
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Hospital"))(t)
		for n, file := range files {
			bundle := unzipped(t, file)
			posted := got(clinic.Post(ctx, bundle))(t)
			_, handset, err := w.SignUp(ctx, fmt.Sprintf("+7916000000%d", n), fmt.Sprintf("p%d@example.org", n))
			ok(t, err)
			if id := got(handset.Claim(ctx, posted.Claim))(t); id != posted.Card {
				t.Fatalf("the code opened another card")
			}
			got(handset.Sync(ctx))(t)
			want, have := linesOf(t, bundle), linesOn(t, handset.Card(posted.Card))
			for _, kind := range kindOf {
				slices.Sort(want[kind])
				slices.Sort(have[kind])
				if !slices.Equal(want[kind], have[kind]) {
					t.Errorf("%s, %s: on the phone are %d, in the bundle %d\n%s", filepath.Base(file), kind, len(have[kind]), len(want[kind]), firstDifference(have[kind], want[kind]))
				}
			}
			ok(t, handset.Close())
		}
	})
}

func firstDifference(have, want []string) string {
	for i := range max(len(have), len(want)) {
		switch {
		case i >= len(have):
			return "missing: " + want[i]
		case i >= len(want):
			return "too many: " + have[i]
		case have[i] != want[i]:
			return "have " + have[i] + "\nwant " + want[i]
		}
	}
	return ""
}
