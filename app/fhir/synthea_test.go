package fhir

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// synthea finds the shared bundles beside the project; a clone without them skips.
func synthea(t *testing.T) (files []string) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
		files, _ = filepath.Glob(filepath.Join(dir, "shared", "data", "synthea", "*.json.gz"))
		if len(files) > 0 {
			return files
		}
	}
	t.Skip("no folder shared/data/synthea beside the project")
	return nil
}

func TestSyntheaBundlesBecomeFacts(t *testing.T) {
	for _, file := range synthea(t) {
		packed, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		b, err := ReadBundle(data)
		if err != nil {
			t.Errorf("%s: %v\n%s", filepath.Base(file), err, Outcome(err, ""))
			continue
		}
		// Counted by another reader.
		var plain struct {
			Entry []struct{ Resource struct{ ResourceType string } }
		}
		if err := json.Unmarshal(data, &plain); err != nil {
			t.Fatal(err)
		}
		want, got := map[string]int{}, map[string]int{}
		for _, e := range plain.Entry {
			want[e.Resource.ResourceType]++
		}
		for i, e := range b.Entries {
			got[e.Type]++
			if fact := b.Fact(i, noRecord); (fact == nil) != (kinds[e.Type] == "") {
				t.Errorf("%s: %s became %T", filepath.Base(file), e.Type, fact)
			}
			if !json.Valid(e.Body) {
				t.Errorf("%s: entry %d was cut wrong", filepath.Base(file), i)
			}
		}
		if len(b.Outside()) > 0 {
			t.Errorf("%s: refers outside: %v", filepath.Base(file), b.Outside())
		}
		for kind, n := range want {
			if got[kind] != n {
				t.Errorf("%s: %d of %d %s", filepath.Base(file), got[kind], n, kind)
			}
		}
	}
}
