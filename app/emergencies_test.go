package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/store"
)

// What an operator mistypes changes nothing. (Reviews that count are in app/story: they need a card.)
func TestEmergencies(t *testing.T) {
	t.Setenv("MEDCARD_DATA", filepath.Join(t.TempDir(), "data"))
	if out, err := medcard(t, "emergencies", "list"); err != nil || strings.Count(out, "\n") != 1 {
		t.Errorf("%s, %v", out, err)
	}
	for want, args := range map[string][]string{
		"which emergency": {"--verdict", "justified", "--as", "Сидорова", "--why", "an ambulance", "abc", store.NewID()},
		"not_found":       {"--verdict", "justified", "--as", "Сидорова", "--why", "an ambulance", store.NewID(), store.NewID()},
		"verdict.invalid": {"--verdict", "fine", "--as", "Сидорова", "--why", "an ambulance", store.NewID(), store.NewID()},
		"required":        {"--verdict", "justified", "--as", "Сидорова", store.NewID(), store.NewID()},
	} {
		out, err := medcard(t, append([]string{"emergencies", "review"}, args...)...)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), want) {
			t.Errorf("%s: %s, %v", want, out, err)
		}
	}
}
