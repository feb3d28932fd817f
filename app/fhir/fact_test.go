package fhir

import (
	"reflect"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/posting"
)

// factOf maps one resource, posted with Ada; references lead to a record called after the key.
func factOf(t *testing.T, resource string, others ...string) card.Fact {
	t.Helper()
	b, err := ReadBundle(transaction(append([]string{ada, resource}, others...)...))
	if err != nil {
		t.Fatalf("%v\n%s", err, Outcome(err, ""))
	}
	return b.Fact(1, func(k posting.Key) card.RecordID { return card.RecordID(k.Type + "/" + k.Name) })
}

func TestValues(t *testing.T) {
	no := false
	for name, c := range map[string]struct {
		json string
		want card.Value
	}{
		"a quantity":     {`"valueQuantity":{"value":7.10,"comparator":"<","unit":"г/л","system":"http://unitsofmeasure.org","code":"g/L"}`, card.Value{Quantity: card.Quantity{Value: "7.10", Comparator: "<", Unit: "г/л", System: card.SystemUCUM, Code: "g/L"}}},
		"a concept":      {`"valueCodeableConcept":{"text":"положительно"}`, card.Value{Concept: card.Concept{Text: "положительно"}}},
		"a text":         {`"valueString":"мутная"`, card.Value{Text: "мутная"}},
		"no":             {`"valueBoolean":false`, card.Value{Yes: &no}},
		"a whole number": {`"valueInteger":0`, card.Value{Quantity: card.Quantity{Value: "0"}}},
		"a range":        {`"valueRange":{"low":{"value":1},"high":{"value":2}}`, card.Value{Range: card.Range{Low: card.Quantity{Value: "1"}, High: card.Quantity{Value: "2"}}}},
		"a titre":        {`"valueRatio":{"numerator":{"value":1},"denominator":{"value":128}}`, card.Value{Ratio: card.Ratio{Numerator: card.Quantity{Value: "1"}, Denominator: card.Quantity{Value: "128"}}}},
		"a time":         {`"valueTime":"08:30:00"`, card.Value{Text: "08:30:00"}},
		"a partial date": {`"valueDateTime":"2011-08"`, card.Value{Date: "2011-08"}},
		"a period":       {`"valuePeriod":{"start":"2011"}`, card.Value{Period: card.Period{Start: "2011"}}},
		"a curve":        {`"valueSampledData":{"origin":{"value":0},"period":10,"dimensions":1,"data":"1 2 E"}`, card.Value{Series: &card.Series{Origin: card.Quantity{Value: "0"}, Period: "10", Dimensions: "1", Data: "1 2 E"}}},
		"nothing":        {`"dataAbsentReason":{"text":"сыворотка гемолизирована"}`, card.Value{Absent: card.Concept{Text: "сыворотка гемолизирована"}}},
	} {
		for _, place := range []string{c.json, `"component":[{"code":{"text":"c"},` + c.json + `}]`} {
			fact := factOf(t, strings.Replace(observing(`{"reference":"urn:uuid:1"}`), `"status"`, place+`,"status"`, 1)).(card.Observation)
			got := fact.Value
			if len(fact.Components) > 0 {
				got = fact.Components[0].Value
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: got %+v, want %+v", name, got, c.want)
			}
		}
	}
}

func TestDatesStayAsPrecise(t *testing.T) {
	subject := `"subject":{"reference":"urn:uuid:1"}`
	for name, c := range map[string]struct {
		resource string
		want     card.Fact
	}{
		"a year": {
			`{"resourceType":"Condition","id":"x",` + subject + `,"onsetDateTime":"2011","recordedDate":"2012-03"}`,
			card.Condition{Onset: "2011", Recorded: "2012-03"},
		},
		"an age": {
			`{"resourceType":"Condition","id":"x",` + subject + `,"onsetAge":{"value":34,"unit":"лет"},"abatementPeriod":{"start":"2012-02-03"}}`,
			card.Condition{OnsetText: "34 лет", Abated: "2012-02-03"},
		},
		"an age of a range": {
			`{"resourceType":"Condition","id":"x",` + subject + `,"onsetRange":{"low":{"value":3,"code":"a"},"high":{"value":5,"code":"a"}}}`,
			card.Condition{OnsetText: "3 a–5 a"},
		},
		"words": {
			`{"resourceType":"Procedure","id":"x","status":"completed",` + subject + `,"performedString":"в детстве"}`,
			card.Procedure{Status: "completed", AtText: "в детстве"},
		},
		"an instant": {
			`{"resourceType":"Observation","id":"x","status":"final","code":{"text":"c"},` + subject + `,"effectiveInstant":"2011-08-03T10:00:00.5+03:00"}`,
			card.Observation{Status: "final", Code: card.Concept{Text: "c"}, At: card.Period{Start: "2011-08-03T10:00:00.5+03:00"}},
		},
		"events": {
			`{"resourceType":"Observation","id":"x","status":"final","code":{"text":"c"},` + subject + `,"effectiveTiming":{"event":["2011-08-03","2011-08-04"]}}`,
			card.Observation{Status: "final", Code: card.Concept{Text: "c"}, At: card.Period{Start: "2011-08-03"}},
		},
		"words of a vaccination": {
			`{"resourceType":"Immunization","id":"x","status":"not-done","vaccineCode":{"text":"v"},"patient":{"reference":"urn:uuid:1"},"occurrenceString":"до школы","primarySource":false}`,
			card.Immunization{Status: "not-done", Vaccine: card.Concept{Text: "v"}, AtText: "до школы", Reported: true},
		},
	} {
		if got := factOf(t, c.resource); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestWhoDidIt(t *testing.T) {
	encounter := func(participant string) string {
		return `{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"subject":{"reference":"urn:uuid:1"},"participant":[{"individual":` + participant + `}]}`
	}
	const (
		doctor = `{"resourceType":"Practitioner","id":"d","name":[{"use":"old","family":"Лебедева"},{"family":"Морозова","given":["Инна"]}],"qualification":[{"code":{"text":"врач"}}]}`
		role   = `{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"urn:uuid:3"},"organization":{"reference":"urn:uuid:5"},"specialty":[{"coding":[{"code":"27","display":"терапевт"}]}]}`
		clinic = `{"resourceType":"Organization","id":"o","name":"Поликлиника"}`
	)
	for name, c := range map[string]struct {
		participant string
		others      []string
		want        card.Party
	}{
		"a practitioner of the bundle": {`{"reference":"urn:uuid:3"}`, []string{doctor}, card.Party{Name: "Морозова Инна", Role: "врач"}},
		"in a role":                    {`{"reference":"urn:uuid:4"}`, []string{doctor, role, clinic}, card.Party{Name: "Морозова Инна", Role: "терапевт", Organisation: "Поликлиника"}},
		"somebody elsewhere":           {`{"reference":"Practitioner/77","display":"Петров"}`, nil, card.Party{Name: "Петров"}},
		"nobody knows who":             {`{"reference":"Practitioner/77"}`, nil, card.Party{}},
	} {
		got := factOf(t, encounter(c.participant), c.others...).(card.Visit).Doctors
		if want := []card.Party{c.want}; c.want == (card.Party{}) && len(got) > 0 || c.want != (card.Party{}) && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAContainedDrug(t *testing.T) {
	got := factOf(t, `{"resourceType":"MedicationRequest","id":"m","status":"active","intent":"order","subject":{"reference":"urn:uuid:1"},
		"contained":[{"resourceType":"Medication","id":"drug","code":{"text":"Азитромицин"}}],"medicationReference":{"reference":"#drug"},
		"encounter":{"reference":"Encounter/9"},"dosageInstruction":[{"text":"по 1","asNeededBoolean":true}],"dispenseRequest":{"numberOfRepeatsAllowed":2}}`)
	want := card.Medication{Status: "active", Intent: "order", Drug: card.Concept{Text: "Азитромицин"}, Visit: "Encounter/id|9", Repeats: "2", Dosages: []card.Dosage{{Text: "по 1", AsNeeded: true}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestTheExamplesFacts(t *testing.T) {
	b, err := ReadBundle(example.Bundle())
	if err != nil {
		t.Fatal(err)
	}
	facts := map[card.Kind][]card.Fact{}
	for i, e := range b.Entries {
		fact := b.Fact(i, func(k posting.Key) card.RecordID { return card.RecordID(k.Type) })
		if (fact == nil) != (e.Kind == "") || fact != nil && fact.Kind() != e.Kind {
			t.Errorf("%s became %T", e.Type, fact)
		}
		facts[e.Kind] = append(facts[e.Kind], fact)
	}
	person := facts[card.KindPatient][0].(card.Person)
	if person.Name.Full() != "Соколова Анна Игоревна" || len(person.Former) != 1 || person.Former[0].Family != "Лебедева" || person.Born != example.Born ||
		person.Numbers[1] != (card.Number{System: card.SystemSNILS, Value: example.SNILS}) || person.Numbers[2] != (card.Number{System: card.SystemOMS, Value: example.Policy}) {
		t.Errorf("person %+v", person)
	}
	if a := facts[card.KindAllergy][0].(card.Allergy); a.Onset != "2011" || a.Criticality != "high" || a.Reactions[0].Manifestations[0].Label() != "Крапивница" {
		t.Errorf("allergy %+v", a)
	}
	if c := facts[card.KindCondition][0].(card.Condition); c.Code.Code(card.SystemICD10) != "J20.9" || c.Clinical != "active" || c.Recorder.Name != "Морозов Алексей Викторович" {
		t.Errorf("condition %+v", c)
	}
	var leukocytes, pressure card.Observation
	for _, f := range facts[card.KindObservation] {
		o := f.(card.Observation)
		switch {
		case o.Code.Code(card.SystemLOINC) == "6690-2":
			leukocytes = o
		case len(o.Components) == 2:
			pressure = o
		}
	}
	if leukocytes.Value.Quantity.Value != "11.20" || leukocytes.Code.Code(card.SystemFSLI) != "1017979" || leukocytes.Meaning[0].Codings[0].Code != "H" ||
		leukocytes.Normal[0].Range.High.Value != "9.00" || leukocytes.Visit != "Encounter" {
		t.Errorf("leukocytes %+v", leukocytes)
	}
	if pressure.Components[0].Value.Quantity.Value != "138" || pressure.Components[1].Code.Code(card.SystemLOINC) != "8462-4" {
		t.Errorf("pressure %+v", pressure)
	}
	if r := facts[card.KindReport][0].(card.Report); len(r.Results) != 5 || r.Issued != "2026-11-17T14:31:07.250+03:00" {
		t.Errorf("report %+v", r)
	}
	if v := facts[card.KindImmunization][0].(card.Immunization); v.Lot != "U-0926" || v.Doses[0].Number != "1" || v.Dose.Value != "0.5" || v.Performers[0].Organisation != "Городская поликлиника № 7" {
		t.Errorf("vaccination %+v", v)
	}
	if p := facts[card.KindCarePlan][0].(card.Plan); len(p.Activities) != 2 || p.Activities[1].Scheduled.Start != "2026-12-14" || p.For[0] != "Condition" {
		t.Errorf("plan %+v", p)
	}
}
