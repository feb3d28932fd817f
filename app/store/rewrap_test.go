package store

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What a wrapping key wraps must stand in wrappedColumns, or it is lost with the key.
func TestEverythingWrappedIsWrappedAnew(t *testing.T) {
	calls, all := regexp.MustCompile(`tx\.wrap\(.*, (\w+)\(`), regexp.MustCompile(`tx\.wrap\(`)
	labels := map[string]bool{"place": true} // documentKey's, which documentPlace made
	rewrap, err := os.ReadFile("rewrap.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	sites := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil || strings.HasSuffix(name, "_test.go") || name == "rewrap.go" {
			continue
		}
		sites += len(all.FindAll(text, -1))
		for _, call := range calls.FindAllSubmatch(text, -1) {
			labels[string(call[1])] = true
			if !strings.Contains(string(rewrap), string(call[1])+"(") {
				t.Errorf("%s wraps with the label of %s, and no column of wrappedColumns has that", name, call[1])
			}
		}
	}
	if sites < 9 || len(labels) < 8 {
		t.Errorf("only %d calls and %d labels were found: is this test still looking in the right place?", sites, len(labels))
	}
}
