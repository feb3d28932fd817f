package story

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// toxiproxy is Shopify's proxy with faults, in a process of its own. MEDCARD_TEST_TOXIPROXY names its program; without it the one that
// .ci/tools.mod pins is built, and where that cannot be had the test is skipped.
type toxiproxy struct {
	api     string
	command *exec.Cmd
}

func startToxiproxy(t *testing.T) *toxiproxy {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and starts toxiproxy; not in short runs")
	}
	program := os.Getenv("MEDCARD_TEST_TOXIPROXY")
	if program == "" {
		program = filepath.Join(t.TempDir(), "toxiproxy.exe") // the ending that every system takes
		out, err := exec.CommandContext(t.Context(), "go", "build", "-modfile=../../.ci/tools.mod", "-o", program,
			"github.com/Shopify/toxiproxy/v2/cmd/server").CombinedOutput()
		if err != nil {
			t.Skipf("toxiproxy cannot be built here: %v\n%s", err, out)
		}
	}
	address := unusedAddress(t)
	_, port := split(t, address)
	p := &toxiproxy{api: "http://" + address, command: exec.Command(program, "-host", "127.0.0.1", "-port", port)} //nolint:noctx // it lives as long as the test
	p.command.Env = append(os.Environ(), "LOG_LEVEL=error")
	ok(t, p.command.Start())
	t.Cleanup(func() {
		_ = p.command.Process.Kill()
		_ = p.command.Wait() // killed
	})
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if p.call(t.Context(), http.MethodGet, "/version", nil, nil) == nil {
			return p
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("toxiproxy did not come up")
		}
	}
}

// unusedAddress is one where nobody listens.
func unusedAddress(t *testing.T) string {
	t.Helper()
	listener := got((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	ok(t, listener.Close())
	return listener.Addr().String()
}

func split(t *testing.T, address string) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	ok(t, err)
	return host, port
}

func (p *toxiproxy) call(ctx context.Context, method, path string, in, into any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, p.api+path, body)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		text, _ := io.ReadAll(response.Body)
		return fmt.Errorf("toxiproxy: %s %s: %d %s", method, path, response.StatusCode, text)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// link is one proxy: a way through which connections go to somebody.
type link struct {
	*toxiproxy
	name    string
	address string // where it listens
}

// link opens a way to the address.
func (p *toxiproxy) link(t *testing.T, name, to string) link {
	t.Helper()
	var made struct{ Listen string }
	ok(t, p.call(t.Context(), http.MethodPost, "/proxies", map[string]any{"name": name, "listen": "127.0.0.1:0", "upstream": to, "enabled": true}, &made))
	return link{p, name, made.Listen}
}

// toxic is a fault of a link. It lies on what flows towards the server or the database ("upstream") or back ("downstream").
type toxic struct {
	Type       string         `json:"type"`
	Stream     string         `json:"stream"`
	Attributes map[string]int `json:"attributes"`
}

// poison puts a fault on a link for as long as f takes.
func (l link) poison(t *testing.T, fault toxic, f func()) {
	t.Helper()
	const name = "fault"
	ok(t, l.call(t.Context(), http.MethodPost, "/proxies/"+l.name+"/toxics", struct {
		Name string `json:"name"`
		toxic
	}{name, fault}, nil))
	f()
	ok(t, l.call(t.Context(), http.MethodDelete, "/proxies/"+l.name+"/toxics/"+name, nil, nil))
}

// cut takes a link away for as long as f takes: what is open breaks, and nobody answers.
func (l link) cut(t *testing.T, f func()) {
	t.Helper()
	ok(t, l.call(t.Context(), http.MethodPost, "/proxies/"+l.name, map[string]any{"enabled": false}, nil))
	f()
	ok(t, l.call(t.Context(), http.MethodPost, "/proxies/"+l.name, map[string]any{"enabled": true}, nil))
}

// over gives the DSN of a database that is reached over the link.
func (l link) over(t *testing.T, dsn string) string {
	t.Helper()
	u := got(url.Parse(dsn))(t)
	u.Host = l.address
	return u.String()
}
