package fhir

import (
	"maps"
	"slices"
)

// Capability writes the CapabilityStatement: what this server does, as FHIR clients ask for it first. version is the program's.
func Capability(version string) []byte {
	type code struct {
		Code string `json:"code"`
	}
	type resource struct {
		Type          string `json:"type"`
		Interaction   []code `json:"interaction"`
		Documentation string `json:"documentation"`
	}
	var resources []resource
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		resources = append(resources, resource{
			Type: name, Interaction: []code{{"create"}, {"update"}}, Documentation: "Inside a transaction; becomes a record of kind " + string(kinds[name]) + ".",
		})
	}
	return marshal(map[string]any{
		"resourceType": "CapabilityStatement",
		"status":       "active",
		"date":         "2026-11-22", // when what is said here last changed
		"kind":         "instance",
		"software":     map[string]string{"name": "Medcard", "version": version},
		"implementation": map[string]string{
			"description": "The electronic medical card. Every valid R4 resource is taken and kept; those below become records of the card.",
		},
		"fhirVersion": "4.0.1",
		"format":      []string{"application/fhir+json"},
		"rest": []any{map[string]any{
			"mode": "server",
			"security": map[string]any{
				"service":     []codeableConcept{{Coding: []coding{{System: "http://terminology.hl7.org/CodeSystem/restful-security-service", Code: "SMART-on-FHIR"}}}},
				"description": "SMART Backend Services: client_credentials with private_key_jwt.",
			},
			"resource":    resources,
			"interaction": []code{{"transaction"}},
		}},
	})
}
