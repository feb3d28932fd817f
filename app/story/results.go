package story

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/medcard/medcard/app/fhir/example"
)

// LabResult is a bundle with one more haemoglobin of our patient: the n-th gives n its own id and value.
func LabResult(n int, at string) ([]byte, error) {
	var bundle struct {
		ResourceType string           `json:"resourceType"`
		Type         string           `json:"type"`
		Entry        []map[string]any `json:"entry"`
	}
	if err := json.Unmarshal(example.Bundle(), &bundle); err != nil {
		return nil, err
	}
	for _, entry := range bundle.Entry {
		resource, _ := entry["resource"].(map[string]any)
		if resource["resourceType"] != "Patient" {
			continue
		}
		bundle.Entry = []map[string]any{entry, {
			"fullUrl": fmt.Sprintf("urn:uuid:00000000-0000-4000-8000-%012d", n),
			"request": map[string]any{"method": "POST", "url": "Observation"},
			"resource": map[string]any{
				"resourceType": "Observation", "id": fmt.Sprintf("hb-%d", n), "status": "final",
				"category": []any{map[string]any{"coding": []any{map[string]any{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}}}},
				"code": map[string]any{"text": "Гемоглобин", "coding": []any{
					map[string]any{"system": "http://loinc.org", "code": "718-7"},
					map[string]any{"system": "urn:oid:1.2.643.5.1.13.13.11.1080", "code": "1017128"},
				}},
				"subject": map[string]any{"reference": entry["fullUrl"]}, "effectiveDateTime": at,
				"valueQuantity": map[string]any{"value": 130 + n, "unit": "г/л", "system": "http://unitsofmeasure.org", "code": "g/L"},
			},
		}}
		return json.Marshal(bundle)
	}
	return nil, errors.New("story: the example has no patient")
}
