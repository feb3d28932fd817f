package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/exchanging"
	"github.com/medcard/medcard/app/fhir"
	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/identity"
)

// imports runs the command's work on a store and gives what it printed.
func imports(t *testing.T, db *store.DB, files ...string) (string, error) {
	t.Helper()
	screen, err := os.Open(os.DevNull) // not a terminal: no bar
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	var out strings.Builder
	err = importFiles(context.Background(), files, func(body []byte) (exchanging.Received, error) {
		return server.Exchange(db, time.Now).Receive(context.Background(), identity.Actor{Kind: identity.Operator}, body, "import")
	}, &out, screen)
	return lined.ReplaceAllString(out.String(), " "), err
}

// lined are the gaps between the columns of a table.
var lined = regexp.MustCompile(` {2,}`)

func writeFile(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func packed(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestImport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		dir := t.TempDir()
		good := writeFile(t, dir, "good.json", example.Bundle())
		zipped := writeFile(t, dir, "good.json.gz", packed(t, example.Bundle()))
		out, err := imports(t, db, good)
		if err != nil || !strings.Contains(out, "Claim codes") || !strings.Contains(out, "1 files, 1 cards opened.") {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, line := range []string{"Observation 6 0 0 0\n", "Coverage 0 0 0 1\n", "all 17 0 0 3\n"} {
			if !strings.Contains(out, line) {
				t.Errorf("the table lacks %q:\n%s", line, out)
			}
		}
		out, err = imports(t, db, zipped,
			writeFile(t, dir, "broken.json", []byte(`{"resourceType":`)),
			writeFile(t, dir, "cut.json.gz", packed(t, example.Bundle())[:500]),
			writeFile(t, dir, "bomb.json.gz", packed(t, make([]byte, 4*fhir.MaxSize))),
			filepath.Join(dir, "missing.json"))
		if !strings.Contains(out, "all 0 0 20 0\n") {
			t.Errorf("the same again, packed:\n%s", out)
		}
		if err == nil || !strings.HasPrefix(err.Error(), "4 of 5 files were refused:") {
			t.Fatalf("refused: %v", err)
		}
		for _, name := range []string{"broken.json: ", "cut.json.gz: ", "bomb.json.gz: ", "missing.json: "} {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%s is not named: %v", name, err)
			}
		}
		if strings.Contains(err.Error(), dir) && !strings.Contains(err.Error(), "missing.json: open") {
			t.Errorf("a path of this machine: %v", err)
		}
	})
}

func TestImportStopsBetweenFiles(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	dir := t.TempDir()
	file := writeFile(t, dir, "a.json", example.Bundle())
	var out strings.Builder
	screen, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	err = importFiles(ctx, []string{file, file, file}, func([]byte) (exchanging.Received, error) {
		stop()
		return exchanging.Received{}, nil
	}, &out, screen)
	if err == nil || !strings.Contains(err.Error(), "after 1 of 3 files") {
		t.Errorf("stopped with %v", err)
	}
}

func TestImportOfSynthea(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for ; len(files) == 0 && filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
		files, _ = filepath.Glob(filepath.Join(dir, "shared", "data", "synthea", "*.json.gz"))
	}
	if len(files) == 0 {
		t.Skip("no folder shared/data/synthea beside the project")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		out, err := imports(t, db, files...)
		if err != nil {
			t.Fatal(errors.Join(err, errors.New(out)))
		}
		if !strings.Contains(out, "all 552 0 0 155\n") || !strings.Contains(out, "6 cards opened") {
			t.Errorf("six bundles:\n%s", out)
		}
		if out, err = imports(t, db, files...); err != nil || !strings.Contains(out, "all 0 0 707 0\n") {
			t.Errorf("the same again: %v\n%s", err, out)
		}
	})
}
