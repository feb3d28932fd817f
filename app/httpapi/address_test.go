package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestWhoIsBehindTheProxies(t *testing.T) {
	trusted := readProxies([]string{"127.0.0.1", "10.0.0.0/8", "2001:db8::/32", "nonsense"})
	for name, c := range map[string]struct{ remote, forwarded, want string }{
		"nobody between":                {"203.0.113.9", "", "203.0.113.9"},
		"a stranger names himself":      {"203.0.113.9", "198.51.100.1", "203.0.113.9"},
		"one proxy":                     {"127.0.0.1", "203.0.113.9", "203.0.113.9"},
		"one proxy, and an invention":   {"127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"},
		"two proxies":                   {"127.0.0.1", "203.0.113.9, 10.1.2.3", "203.0.113.9"},
		"two proxies, and an invention": {"127.0.0.1", "1.1.1.1, 203.0.113.9,10.1.2.3", "203.0.113.9"},
		"only proxies":                  {"127.0.0.1", "10.1.2.3", "10.1.2.3"},
		"a proxy that says nothing":     {"127.0.0.1", "", "127.0.0.1"},
		"a proxy that stutters":         {"10.1.2.3", "203.0.113.9, ???", "10.1.2.3"},
		"IPv4 in IPv6":                  {"::ffff:127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"},
		"IPv6":                          {"2001:db8::1", "2001:67c::5", "2001:67c::5"},
	} {
		if got := trusted.client(netip.MustParseAddr(c.remote), c.forwarded); got.String() != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestPlainHTTPIsForTheProxy: where TLS ends before the server, nobody speaks to it in the clear but the proxy. (In the test client everybody
// comes from 0.0.0.0.)
func TestPlainHTTPIsForTheProxy(t *testing.T) {
	for name, c := range map[string]struct {
		proxy, path string
		turnedAway  bool
	}{
		"the proxy":                {"0.0.0.0/8", "/v1/trust/root", false},
		"somebody else":            {"10.0.0.5", "/v1/trust/root", true},
		"a path that is none":      {"10.0.0.5", "/nothing", true},
		"asks whether it is alive": {"10.0.0.5", "/livez", false},
		"asks whether it is ready": {"10.0.0.5", "/readyz", false},
	} {
		api := New(Config{
			Clock: time.Now, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Ready: func(context.Context) error { return nil },
			Plain: true, TrustedProxies: []string{c.proxy},
		})
		answer, err := api.app.Test(httptest.NewRequestWithContext(t.Context(), http.MethodGet, c.path, nil))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if away := answer.StatusCode == http.StatusForbidden && strings.Contains(string(body), "https.required"); away != c.turnedAway {
			t.Errorf("%s: %d %s", name, answer.StatusCode, body)
		}
	}
}
