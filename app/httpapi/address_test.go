package httpapi

import (
	"net/netip"
	"testing"
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
