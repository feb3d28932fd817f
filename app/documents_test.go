package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/store"
)

// What a reviewer mistypes changes nothing. (Verdicts that count are in app/story: they need a person.)
func TestDocuments(t *testing.T) {
	t.Setenv("MEDCARD_DATA", filepath.Join(t.TempDir(), "data"))
	if out, err := medcard(t, "documents", "list"); err != nil || strings.Count(out, "\n") != 1 {
		t.Errorf("%s, %v", out, err)
	}
	folder := filepath.Join(t.TempDir(), "seen")
	for want, args := range map[string][]string{
		"which document":       {"approve", "--as", "Сидорова", "abc", store.NewID()},
		"document.not_waiting": {"approve", "--as", "Сидорова", store.NewID(), store.NewID()},
		"not_waiting":          {"look", "--as", "Сидорова", "--to", folder, store.NewID(), store.NewID()},
		"verdict.invalid":      {"reject", "--as", "Сидорова", "--reason", "ugly", store.NewID(), store.NewID()},
		"verdict.invalid: ":    {"approve", "--as", " ", store.NewID(), store.NewID()},
		"required":             {"reject", "--as", "Сидорова", store.NewID(), store.NewID()},
	} {
		out, err := medcard(t, append([]string{"documents"}, args...)...)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), want) {
			t.Errorf("%s: %s, %v", want, out, err)
		}
	}
}
