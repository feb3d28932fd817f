package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/family"
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
		"reviewer.unnamed":     {"approve", "--as", " ", store.NewID(), store.NewID()},
		"required":             {"reject", "--as", "Сидорова", store.NewID(), store.NewID()},
	} {
		out, err := medcard(t, append([]string{"documents"}, args...)...)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), want) {
			t.Errorf("%s: %s, %v", want, out, err)
		}
	}
}

// A reviewer sees what a document is to prove, and what of it nobody compared yet.
func TestShowClaim(t *testing.T) {
	var out strings.Builder
	err := showClaim(&out, family.Claim{
		Level: family.Full, Powers: family.Powers{View: true, Upload: true}, Until: time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC),
		Patient: family.Named{Name: card.Name{Family: "Петрова", Given: []string{"Мария", "Ильинична"}}, Born: "1950-02-03"},
		Agent:   family.Named{Name: card.Name{Family: "Петров", Given: []string{"Илья"}}, Born: "1980-04-05"},
		Checks:  []family.Check{{Subject: family.TheAgent, Finding: family.Unknown}, {Subject: family.ThePatient, Finding: family.Matched}},
	})
	const want = "claim: full view upload, until 2027-05-01\npatient: Петрова Мария Ильинична, born 1950-02-03\nagent: Петров Илья, born 1980-04-05\nagent: unknown\npatient: matched\n"
	if err != nil || out.String() != want {
		t.Errorf("%q, %v", out.String(), err)
	}
}
