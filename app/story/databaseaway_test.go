package story

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/identity"
)

// The server while PostgreSQL is away: from its very start, and later in the middle of its work.

// tunnel leads to a database, while it is open. While it is not, its port is closed.
type tunnel struct {
	address, behind string
	mu              sync.Mutex
	listener        net.Listener
	connections     map[net.Conn]bool
}

// newTunnel gives a tunnel, closed, and the DSN that leads through it.
func newTunnel(t *testing.T, dsn string) (*tunnel, string) {
	t.Helper()
	u := got(url.Parse(dsn))(t)
	if u.Host == "" {
		t.Skip("the DSN is no URL with a host")
	}
	listener := got((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	p := &tunnel{address: listener.Addr().String(), behind: u.Host, connections: map[net.Conn]bool{}}
	ok(t, listener.Close())
	u.Host = p.address
	t.Cleanup(p.close)
	return p, u.String()
}

func (p *tunnel) open(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener = got((&net.ListenConfig{}).Listen(t.Context(), "tcp", p.address))(t)
	go func(l net.Listener) {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", p.behind)
			if err != nil || !p.keep(l, near, far) {
				_ = near.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
				go func() {
					_, _ = io.Copy(way[0], way[1])
					_, _ = way[0].Close(), way[1].Close()
				}()
			}
		}
	}(p.listener)
}

func (p *tunnel) keep(l net.Listener, both ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range both {
		p.connections[c] = p.listener == l
		if p.listener != l {
			_ = c.Close()
		}
	}
	return p.listener == l
}

// close closes the port and breaks every connection.
func (p *tunnel) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
	}
	p.listener = nil
	for c := range p.connections {
		_ = c.Close()
	}
	clear(p.connections)
}

// awake are the routes that answer without a database, and why.
var awake = map[string]string{
	"live":                  "says that the process answers",
	"metrics":               "are counted in memory",
	"trustRoot":             "is a key in custody",
	"auditKey":              "is a key in custody",
	"keySet":                "was signed for this hour already",
	"jwks":                  "likewise",
	"statusList":            "may be a minute old",
	"readCapability":        "is always the same",
	"scanPhoto":             "what is sent here is no photo",
	"verifyCode":            "what is sent here is no code",
	"refresh":               "what is sent here has not the form of a refresh token",
	"token":                 "what is sent here names no grant",
	"signInChallenge":       "of which nothing is kept until it comes back",
	"externalSignIn":        "no external provider is set up here",
	"confirmExternalSignIn": "likewise",
}

// away asks every route and checks that each says so: 503, when to come again, and no word about databases.
func (c *cast) away(t *testing.T) {
	t.Helper()
	asleep := 0
	for _, r := range c.Server.API.Routes() {
		a := c.say(t, c.good(r))
		if a.status == http.StatusServiceUnavailable {
			asleep++
			if _, err := readRefusal(r.Path, a); err != nil || a.header.Get("Retry-After") == "" {
				t.Errorf("%s %s: %v, Retry-After %q: %s", r.Method, r.Path, err, a.header.Get("Retry-After"), a.text)
			}
		} else if why := awake[r.ID]; why == "" {
			t.Errorf("%s %s: %d %s", r.Method, r.Path, a.status, a.text)
		}
		if r.ID == "live" && a.status != http.StatusOK {
			t.Errorf("not live: %d %s", a.status, a.text)
		}
		for _, word := range []string{"SQL", "sql", "pgx", "postgres", "dial", "refused", "connect:", "127.0.0.1", "relation", "EOF", canary} {
			// What is answered all the same is public keys, among others: sooner or later one of them spells any short word.
			if a.status >= http.StatusBadRequest && strings.Contains(a.text, word) {
				t.Errorf("%s %s tells %q: %s", r.Method, r.Path, word, a.text)
			}
		}
		if a.took > 5*time.Second {
			t.Errorf("%s %s: took %v", r.Method, r.Path, a.took)
		}
	}
	if asleep < len(c.Server.API.Routes())-len(awake) {
		t.Errorf("%d routes answered 503", asleep)
	}
}

// back waits until the server is ready, by itself.
func (w *World) back(ctx context.Context, t *testing.T, within time.Duration) {
	t.Helper()
	began := time.Now()
	ok(t, w.waitReady(ctx))
	if took := time.Since(began); took > within {
		t.Errorf("ready only after %v", took)
	}
}

func TestTheDatabaseIsAway(t *testing.T) {
	ctx := t.Context()
	road, dsn := newTunnel(t, storetest.Postgres(t).Postgres)
	w := got(Begin(ctx, Options{Dir: t.TempDir(), Postgres: dsn}))(t)
	t.Cleanup(func() { ok(t, w.Close()) })
	nobody := &cast{World: w, openAPI: readDocument(t, w), t: t, known: known{}, tokens: map[identity.ActorKind]string{}}
	for _, r := range w.Server.API.Routes() {
		if len(r.Access.Kinds()) > 0 {
			continue
		}
		a := w.say(t, nobody.good(r))
		switch {
		case r.ID == "live" && a.status != http.StatusOK, r.ID == "ready" && (a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == ""), a.status == http.StatusInternalServerError:
			t.Errorf("started without a database, %s: %d %s", r.Path, a.status, a.text)
		}
	}
	road.open(t)
	w.back(ctx, t, 10*time.Second) // tries every two seconds, then migrates

	c := casting(ctx, t, w)
	for round := range 2 {
		ok(t, w.Call(ctx, "", http.MethodGet, "/v1/trust/keys", nil, nil, nil))
		road.close()
		c.away(t)
		road.open(t)
		w.back(ctx, t, 3*time.Second)
		if me := got(w.me(ctx, c.tokens[identity.Patient]))(t); me["recipientOfMedicalServices"] != true {
			t.Errorf("round %d: she is %v", round, me)
		}
	}
	for _, line := range w.Log.All() {
		if strings.Contains(line, canary) || strings.Contains(line, "request failed") {
			t.Errorf("a log line: %s", line)
		}
	}
}
