package main

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// brittle stands before a server, and breaks off each answer with an export behind so many bytes, a few times.
type brittle struct {
	server string
	bytes  int64
	times  atomic.Int32
}

func (b *brittle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := http.NewRequestWithContext(r.Context(), r.Method, b.server+r.URL.RequestURI(), r.Body)
	if err != nil {
		panic(err)
	}
	out.Header = r.Header
	in, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer in.Body.Close()
	for name, values := range in.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(in.StatusCode)
	if r.URL.Path != "/v1/audit/export" || b.times.Add(-1) < 0 {
		_, _ = io.Copy(w, in.Body)
		return
	}
	_, _ = io.CopyN(w, in.Body, b.bytes)
	panic(http.ErrAbortHandler)
}

// An auditor's file is whole although the connection breaks again and again, goes on from an earlier time, and is verified without the server.
func TestAuditExport(t *testing.T) {
	dir := t.TempDir()
	proxy := &brittle{bytes: 6_000}
	door := httptest.NewServer(proxy)
	defer door.Close()
	t.Setenv("MEDCARD_DATA", filepath.Join(dir, "data"))
	t.Setenv("MEDCARD_PUBLIC_URL", door.URL)
	url, db := served(t)
	proxy.server = url
	keyFile, file := filepath.Join(dir, "auditor.json"), filepath.Join(dir, "log.ndjson")
	if out, err := medcard(t, "clients", "add", "--kind", "auditor", "--name", "Служба аудита", "--key", keyFile); err != nil {
		t.Fatal(out, err)
	}
	remember(t, db, 250)
	until(t, "OK: 250 entries", "audit", "verify", "--url", url, "--state", filepath.Join(dir, "state.json"))
	key := strings.TrimSpace(until(t, "medcard/audit+", "audit", "key"))
	export := func(args ...string) (string, error) {
		return medcard(t, append([]string{"audit", "export", "--url", door.URL + "/", "--person", "a-1"}, append(args, keyFile)...)...)
	}

	proxy.times.Store(3)
	if out, err := export("--file", file); err != nil || !strings.Contains(out, "places 0 to 25") {
		t.Fatal(out, err)
	}
	text := read(t, file)
	if left, parts := proxy.times.Load(), strings.Count(text, `"begin"`); left == 2 || parts < 2 { // what breaks off early is no part, and what is left may be short
		t.Errorf("the connection broke %d times, in %d parts", 3-left, parts)
	}
	verify := func(args ...string) (string, error) {
		return medcard(t, append([]string{"audit", "verify"}, args...)...)
	}
	for name, args := range map[string][]string{"with the key": {"--key", key}, "with the state": {"--state", filepath.Join(dir, "state.json")}} {
		out, err := verify(append(args, "--file", file)...)
		if err != nil || !strings.Contains(out, "OK: the 25") || strings.Contains(out, "verified before") != (name == "with the state") {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}

	half := filepath.Join(dir, "half.ndjson")
	write(t, half, text[:len(text)/2])
	if out, err := verify("--key", key, "--file", half); err == nil || !strings.Contains(err.Error(), "not complete") {
		t.Errorf("half a file: %s, %v", out, err)
	}
	if out, err := export("--file", half); err != nil {
		t.Errorf("half a file goes on: %s, %v", out, err)
	}
	if out, err := verify("--key", key, "--file", half); err != nil || !strings.Contains(out, "OK") {
		t.Errorf("half a file that went on: %s, %v", out, err)
	}
	zipped := filepath.Join(dir, "log.ndjson.gz")
	f, err := os.Create(zipped)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err = io.WriteString(z, text); err == nil {
		err = z.Close()
	}
	if err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	if out, err := verify("--key", key, "--file", zipped); err != nil {
		t.Errorf("zipped: %s, %v", out, err)
	}
	period := filepath.Join(dir, "period.ndjson")
	if out, err := export("--file", period, "--since", "2000-01-01", "--until", "2001-01-01T00:00:00Z"); err != nil {
		t.Errorf("a period: %s, %v", out, err)
	}
	if out, err := verify("--key", key, "--file", period); err != nil || !strings.Contains(out, "from 2000-01-01T00:00:00Z to 2001-01-01T00:00:00Z") {
		t.Errorf("a period: %s, %v", out, err)
	}
	other := filepath.Join(dir, "other")
	write(t, other, "no export\n")
	changed := filepath.Join(dir, "changed.ndjson")
	write(t, changed, strings.Replace(text, `"TREAT"`, `"ETREAT"`, 1))
	for name, args := range map[string][]string{
		"changed":      {"--key", key, "--file", changed},
		"no key":       {"--file", file},
		"another key":  {"--key", strings.Replace(key, "medcard/", "someone/", 1), "--file", file},
		"no such file": {"--key", key, "--file", filepath.Join(dir, "nowhere")},
		"no export":    {"--key", key, "--file", other},
	} {
		if out, err := verify(args...); err == nil || strings.Contains(out, "OK") {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}
	if out, err := export("--file", other); err == nil || read(t, other) != "no export\n" {
		t.Errorf("it writes into another file: %s, %v", out, err)
	}
	proxy.bytes = 0
	proxy.times.Store(1000)
	if out, err := export("--file", filepath.Join(dir, "never")); err == nil || !strings.Contains(err.Error(), "call this again") {
		t.Errorf("a server that never answers: %s, %v", out, err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
