package fhir

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/medcard/medcard/domain/fault"
)

func TestTheTableIsWholeR4(t *testing.T) {
	all, err := readTable(elementsTable)
	if err != nil {
		t.Fatal(err)
	}
	resources := 0
	for _, d := range all {
		if d.resource && !d.abstract {
			resources++
		}
		if d.primitive && formats[d.name] == nil {
			switch d.name {
			case "boolean", "integer", "positiveInt", "unsignedInt", "decimal", "base64Binary", "string", "markdown", "code", "uri", "url", "canonical":
			default:
				t.Errorf("the primitive type %s has no format", d.name)
			}
		}
	}
	if resources != 146 {
		t.Errorf("%d resource types; R4 has 146", resources)
	}
	for _, broken := range []string{"Patient < Nothing\n", " name 0 1 string\n", "A\n b 0 1 code:none\n", "A\n b 0 1 Nothing\n", "A\n b x 1 A\n", "\n"} {
		if _, err := readTable(broken); err == nil {
			t.Errorf("a broken table was read: %q", broken)
		}
	}
}

func TestValid(t *testing.T) {
	for name, document := range map[string]string{
		"a resource without anything": `{"resourceType":"Patient"}`,
		"partial dates":               `{"resourceType":"Patient","birthDate":"1980-05","deceasedDateTime":"2011"}`,
		"an extension":                `{"resourceType":"Patient","extension":[{"url":"urn:x","valueDecimal":1.50}]}`,
		"a primitive's extension":     `{"resourceType":"Patient","_birthDate":{"extension":[{"url":"urn:x","valueDateTime":"1980-05-03T10:00:00+03:00"}]}}`,
		"a list with a hole":          `{"resourceType":"Patient","name":[{"given":["A",null],"_given":[null,{"id":"x"}]}]}`,
		"a required one by extension": `{"resourceType":"Observation","_status":{"extension":[{"url":"urn:x","valueCode":"u"}]},"code":{"text":"x"}}`,
		"a type we do not map":        `{"resourceType":"VisionPrescription","status":"active","created":"2020","patient":{"display":"x"},"dateWritten":"2020","prescriber":{"display":"y"},"lensSpecification":[{"product":{"text":"z"},"eye":"left"}]}`,
		"a contained resource":        `{"resourceType":"Observation","status":"final","code":{"text":"x"},"contained":[{"resourceType":"Device","id":"d"}]}`,
		"a leap second":               `{"resourceType":"Observation","status":"final","code":{"text":"x"},"issued":"2016-12-31T23:59:60Z"}`,
		"a content reference":         `{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"group","item":[{"linkId":"1.1","type":"string"}]}]}`,
		"a wide decimal":              `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1E-200}}`,
		"base64 in lines":             `{"resourceType":"Binary","contentType":"text/plain","data":"QUJD\nREVG"}`,
	} {
		if err := Validate([]byte(document)); err != nil {
			t.Errorf("%s: %v %+v", name, err, fault.From(err).Fields)
		}
	}
}

func TestNotR4(t *testing.T) {
	observation := func(more string) string {
		return `{"resourceType":"Observation","status":"final","code":{"text":"x"},` + more + `}`
	}
	for name, c := range map[string]struct{ document, where string }{
		"no object":                       {`[]`, ""},
		"no type":                         {`{"id":"x"}`, ""},
		"an unknown type":                 {`{"resourceType":"Patent"}`, "resourceType"},
		"a type of R5":                    {`{"resourceType":"BiologicallyDerivedProductDispense"}`, "resourceType"},
		"an abstract type":                {`{"resourceType":"DomainResource"}`, "resourceType"},
		"a data type":                     {`{"resourceType":"HumanName"}`, "resourceType"},
		"an unknown element":              {`{"resourceType":"Patient","birthday":"1980"}`, "Patient.birthday"},
		"an unknown element, deep":        {observation(`"component":[{"code":{"text":"x"}},{"code":{"text":"x"},"valueQuantity":{"units":"g"}}]`), "Observation.component[1].valueQuantity.units"},
		"data in the place of a name":     {`{"resourceType":"Patient","Иван Петров":"1980"}`, "Patient.?"},
		"a long name":                     {`{"resourceType":"Patient","` + strings.Repeat("a", 70) + `":"1980"}`, "Patient.?"},
		"an element of another case":      {`{"resourceType":"Patient","BirthDate":"1980"}`, "Patient.BirthDate"},
		"a type the choice lacks":         {observation(`"valueMoney":{"value":1}`), "Observation.valueMoney"},
		"the choice's bare name":          {observation(`"value":"x"`), "Observation.value"},
		"two of a choice":                 {observation(`"valueString":"x","valueInteger":1`), "Observation.valueInteger"},
		"a required element is missing":   {`{"resourceType":"Observation","status":"final"}`, "Observation.code"},
		"a required choice is missing":    {`{"resourceType":"MedicationRequest","status":"active","intent":"order","subject":{"display":"x"}}`, "MedicationRequest.medication[x]"},
		"a list for a single value":       {`{"resourceType":"Patient","birthDate":["1980"]}`, "Patient.birthDate"},
		"a single value for a list":       {`{"resourceType":"Patient","name":{"family":"x"}}`, "Patient.name"},
		"an empty list":                   {`{"resourceType":"Patient","name":[]}`, "Patient.name"},
		"an empty object":                 {`{"resourceType":"Patient","name":[{}]}`, "Patient.name[0]"},
		"an empty text":                   {`{"resourceType":"Patient","name":[{"family":""}]}`, "Patient.name[0].family"},
		"null":                            {`{"resourceType":"Patient","birthDate":null}`, "Patient.birthDate"},
		"null in a list":                  {`{"resourceType":"Patient","name":[{"given":[null]}]}`, "Patient.name[0].given[0]"},
		"a hole on both sides":            {`{"resourceType":"Patient","name":[{"given":["A",null],"_given":[{"id":"x"},null]}]}`, "Patient.name[0].given[1]"},
		"an extension of what is no leaf": {`{"resourceType":"Patient","_name":[{"id":"x"}]}`, "Patient._name"},
		"a text for a number":             {observation(`"valueInteger":"1"`), "Observation.valueInteger"},
		"a fraction for a whole":          {observation(`"valueInteger":1.0`), "Observation.valueInteger"},
		"a number out of range":           {observation(`"valueInteger":2147483648`), "Observation.valueInteger"},
		"a number for a text":             {observation(`"valueString":1`), "Observation.valueString"},
		"a text for a boolean":            {`{"resourceType":"Patient","active":"true"}`, "Patient.active"},
		"zero for a positive":             {`{"resourceType":"Patient","telecom":[{"rank":0}]}`, "Patient.telecom[0].rank"},
		"a day that is none":              {`{"resourceType":"Patient","birthDate":"1981-02-29"}`, "Patient.birthDate"},
		"a time for a date":               {`{"resourceType":"Patient","birthDate":"1981-02-28T00:00:00Z"}`, "Patient.birthDate"},
		"a time without a zone":           {observation(`"effectiveDateTime":"2020-01-01T10:00:00"`), "Observation.effectiveDateTime"},
		"a day for an instant":            {observation(`"issued":"2020-01-01"`), "Observation.issued"},
		"a comma for a point":             {observation(`"effectiveDateTime":"2020-01-01T10:00:00,5Z"`), "Observation.effectiveDateTime"},
		"a code that R4 does not know":    {`{"resourceType":"Observation","status":"finished","code":{"text":"x"}}`, "Observation.status"},
		"spaces around a code":            {observation(`"language":" ru"`), "Observation.language"},
		"an id with a slash":              {`{"resourceType":"Patient","id":"a/b"}`, "Patient.id"},
		"a space in an address":           {observation(`"implicitRules":"urn: x"`), "Observation.implicitRules"},
		"a control character":             {observation(`"valueString":"\u0000"`), "Observation.valueString"},
		"not base64":                      {`{"resourceType":"Binary","contentType":"text/plain","data":"QQ"}`, "Binary.data"},
		"a container in a container":      {observation(`"contained":[{"resourceType":"Device","contained":[{"resourceType":"Device"}]}]`), "Observation.contained[0].contained"},
		"no resource in a list of them":   {`{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"id":"x"}}]}`, "Bundle.entry[0].resource"},
	} {
		err := Validate([]byte(c.document))
		if !errors.Is(err, ErrNotR4) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		found := false
		for _, f := range fault.From(err).Fields {
			found = found || f.Where == c.where && f.Why != ""
		}
		if !found {
			t.Errorf("%s: named %+v, want %s", name, fault.From(err).Fields, c.where)
		}
	}
}

func TestNoAnswerRepeatsWhatWasSent(t *testing.T) {
	const secret = "Анна-1980-05-03"
	err := Validate(fmt.Appendf(nil, `{"resourceType":"Patient","birthDate":%[1]q,"gender":%[1]q,"id":%[1]q,%[1]q:%[1]q,"name":[{"family":7}]}`, secret))
	if !errors.Is(err, ErrNotR4) {
		t.Fatal(err)
	}
	if answer := string(Outcome(err, "r")) + err.Error(); strings.Contains(answer, "Анна") || strings.Contains(answer, "1980") {
		t.Errorf("repeats what was sent: %s", answer)
	}
}

func TestOnlySomeOfManyErrorsAreNamed(t *testing.T) {
	err := Validate([]byte(`{"resourceType":"Patient","name":[` + strings.Repeat(`{"x":1},`, 5000) + `{"x":1}]}`))
	if n := len(fault.From(err).Fields); n != maxIssues {
		t.Errorf("%d places named", n)
	}
}
