package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
)

// An operator's way with an incident nobody's account is concerned by. (Those who are told are in app/story.)
func TestIncidents(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("MEDCARD_DATA", filepath.Join(dir, "data"))
	found := time.Now().Add(-30 * time.Hour).Format(time.RFC3339)
	open := []string{"open", "--found", found, "--ru", "Резервная копия лежала открыто.", "--en", "A backup lay open to others.", "--as", "Сидорова"}
	out, err := medcard(t, append([]string{"incidents"}, open...)...)
	if err != nil {
		t.Fatal(err)
	}
	id, _, _ := strings.Cut(out, "\n")
	empty, wrong := filepath.Join(dir, "empty"), filepath.Join(dir, "wrong")
	for name, text := range map[string]string{empty: "\n", wrong: store.NewID() + "\nCard 7\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for want, args := range map[string][]string{
		"incident.invalid":   {"open", "--found", found, "--ru", "коротко", "--en", "A backup lay open to others.", "--as", "Сидорова"},
		"write the time":     {"open", "--found", "yesterday", "--ru", "-", "--en", "-", "--as", "Сидорова"},
		"say --cards":        {"tell", id},
		"say --cards file":   {"tell", "--all", "--cards", empty, id},
		"line 2 of the file": {"tell", "--cards", wrong, id},
		"which incident":     {"tell", "--all", "abc"},
		"incident.not_found": {"done", "--as", "Сидорова", store.NewID(), "report"},
		"duty.invalid":       {"done", "--as", "Сидорова", id, "confess"},
		"duty.invalid: ":     {"done", "--as", "Сидорова", "--at", time.Now().Add(time.Hour).Format(time.RFC3339), id, "report"},
	} {
		out, err := medcard(t, append([]string{"incidents"}, args...)...)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), want) {
			t.Errorf("%s: %s, %v", want, out, err)
		}
	}
	for _, args := range [][]string{{"tell", "--all", id}, {"tell", "--cards", empty, id}} {
		if out, err := medcard(t, append([]string{"incidents"}, args...)...); err != nil || !strings.HasPrefix(out, "0 people") {
			t.Errorf("%s, %v", out, err)
		}
	}
	if out, err := medcard(t, "incidents", "list"); err != nil || strings.Count(out, "LATE") != 1 || !strings.Contains(out, id) {
		t.Errorf("%s, %v", out, err)
	}
	for _, duty := range []string{"report", "conclude"} {
		if out, err := medcard(t, "incidents", "done", "--as", "Сидорова", id, duty); err != nil || !strings.HasPrefix(out, duty+": done") || strings.Contains(out, "LATE") != (duty == "report") {
			t.Errorf("%s, %v", out, err)
		}
	}
	if _, err := medcard(t, "incidents", "done", "--as", "Сидорова", id, "report"); err == nil || !strings.Contains(err.Error(), "duty.done") {
		t.Errorf("twice: %v", err)
	}
}
