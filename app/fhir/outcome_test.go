package fhir

import (
	"errors"
	"strings"
	"testing"

	"github.com/medcard/medcard/domain/fault"
)

func TestOutcomesAreR4Themselves(t *testing.T) {
	for kind := fault.Internal; kind <= fault.Unsupported; kind++ {
		if issueTypes[kind] == "" {
			t.Errorf("fault kind %d has no issue type", kind)
		}
		doc := Outcome(fault.New(kind, "some.code", "Text.").At("Patient.name[0]", "why").At("", "how"), "request-1")
		if err := Validate(doc); err != nil {
			t.Errorf("%s: %v", doc, fault.From(err).Fields)
		}
		if !strings.Contains(string(doc), "Patient.name[0]") || !strings.Contains(string(doc), "some.code") || !strings.Contains(string(doc), "request-1") {
			t.Errorf("%s", doc)
		}
	}
	if doc := string(Outcome(errors.New("SELECT secret"), "")); strings.Contains(doc, "SELECT") || !strings.Contains(doc, `"exception"`) {
		t.Errorf("an internal error: %s", doc)
	}
}

func TestResponsesAreR4Themselves(t *testing.T) {
	doc := Response([]Answer{{Created: true, Location: "Patient/1/_history/1", Version: 1, Claim: "AAAA-BBBB-CCCC"}, {Version: 2}, {Created: true}})
	if err := Validate(doc); err != nil {
		t.Errorf("%s: %v", doc, fault.From(err).Fields)
	}
}

func TestTheCapabilityStatementIsR4Itself(t *testing.T) {
	doc := Capability("1.0")
	if err := Validate(doc); err != nil {
		t.Errorf("%s: %v", doc, fault.From(err).Fields)
	}
	for name := range kinds {
		if !strings.Contains(string(doc), `"`+name+`"`) {
			t.Errorf("%s is not named", name)
		}
	}
}
