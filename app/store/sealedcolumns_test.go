package store

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What a card's data key seals must stand in sealedColumns, or it is lost when the card gets another key.
func TestEverythingSealedIsSealedAnew(t *testing.T) {
	calls, all := regexp.MustCompile(`tx\.seal\(.*?, (\w+)\(`), regexp.MustCompile(`tx\.seal\(`)
	columns, err := os.ReadFile("sealedcolumns.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	sites, places := 0, map[string]bool{}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil || strings.HasSuffix(name, "_test.go") || name == "renew.go" {
			continue
		}
		named := calls.FindAllSubmatch(content, -1)
		if n := len(all.FindAll(content, -1)); n != len(named) {
			t.Errorf("%s: %d calls of seal, %d with a place that this test can read", name, n, len(named))
		}
		for _, call := range named {
			sites++
			places[string(call[1])] = true
			if !strings.Contains(string(columns), string(call[1])+"(") {
				t.Errorf("%s seals for %s, and no column of sealedColumns has that place", name, call[1])
			}
		}
	}
	if sites < 15 || len(places) < 12 {
		t.Errorf("only %d calls and %d places were found: is this test still looking in the right place?", sites, len(places))
	}
}
