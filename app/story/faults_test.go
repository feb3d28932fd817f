package story

import (
	"context"
	"flag"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
)

// The faults of reliability.md: whatever happens to the server, the database or the network, what was acknowledged is there
// exactly once. The normal run is short; -faults.rounds=N makes it long.

var faultRounds = flag.Int("faults.rounds", 4, "how often the server is killed, the database lost, the network down")

// TestKilledDuringPushes kills the server at any instant while phones push.
func TestKilledDuringPushes(t *testing.T) {
	binary := build(t)
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		chance := seeded(t)
		p := launch(t, binary, cfg.Postgres)
		c := gather(t.Context(), t, p.World, p.clinic(t, "Clinic No. 1"), 2, "", func() http.RoundTripper { return new(http.Transport) })
		var slowest time.Duration
		c.during(t.Context(), t, func() {
			for range *faultRounds {
				time.Sleep(time.Duration(100+chance.IntN(400)) * time.Millisecond)
				p.kill()
				slowest = max(slowest, p.start(t))
			}
		})
		t.Logf("%d kills, %s, ready again after %v at most", *faultRounds, c.compare(t.Context(), t), slowest.Round(time.Millisecond))
	})
}

// TestDatabaseLost ends every connection to PostgreSQL while phones push, once or for a while. Phones are told 503 and when to
// come again, nothing else; the server comes back by itself.
func TestDatabaseLost(t *testing.T) {
	chance := seeded(t)
	const name = "medcard-faults"
	cfg := storetest.Postgres(t)
	operator := got(pgx.Connect(t.Context(), storetest.Mighty(cfg.Postgres)))(t)
	defer operator.Close(context.WithoutCancel(t.Context()))
	w := start(t, named(cfg.Postgres, name))
	heard := new(answers)
	c := gather(t.Context(), t, w, got(w.Clinic(t.Context(), "Clinic No. 1"))(t), 2, "", func() http.RoundTripper { return heard })

	lost := 0
	c.during(t.Context(), t, func() {
		for range *faultRounds {
			time.Sleep(time.Duration(100+chance.IntN(300)) * time.Millisecond)
			for until := time.Now().Add(time.Duration(chance.IntN(2)*300) * time.Millisecond); ; {
				var n int
				ok(t, operator.QueryRow(t.Context(),
					"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1", name).Scan(&n))
				lost += n
				if time.Now().After(until) {
					break
				}
			}
			ok(t, w.Call(t.Context(), "", http.MethodGet, "/livez", nil, nil, nil)) // alive without a database
		}
	})
	began := time.Now()
	ok(t, w.waitReady(t.Context()))
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("ready again only after %v", took)
	}
	for _, wrong := range heard.wrong {
		t.Error(wrong)
	}
	t.Logf("%d connections lost in %d rounds, %s, answers by status %v", lost, *faultRounds, c.compare(t.Context(), t), heard.statuses)
}

// named gives the connections of a DSN a name by which PostgreSQL tells them from others.
func named(dsn, name string) string {
	if strings.Contains(dsn, "://") {
		return dsn + "&application_name=" + name // NewSchema has put a query there
	}
	return dsn + " application_name=" + name
}

// sleepers are fasthttp's: one sleeps out its ten seconds after the end of a server, one tells all servers the date.
var sleepers = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
}

// TestBadNetwork puts a network between phones and server that delays, cuts at any byte, resets, and is down now and then.
func TestBadNetwork(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		chance := seeded(t)
		before := goleak.IgnoreCurrent()
		t.Cleanup(func() { // after the world's own end
			http.DefaultTransport.(*http.Transport).CloseIdleConnections() //nolint:forcetypeassert // documented to be one
			if err := goleak.Find(append(sleepers, before)...); err != nil {
				t.Errorf("something still runs after the end: %v", err)
			}
		})
		w := start(t, cfg.Postgres)
		p := behind(t, w.URL, rand.New(rand.NewPCG(chance.Uint64(), 1))) // of its own: it draws beside this test
		defer p.close()
		var networks []*http.Transport
		c := gather(t.Context(), t, w, got(w.Clinic(t.Context(), "Clinic No. 1"))(t), 2, p.url(), func() http.RoundTripper {
			networks = append(networks, new(http.Transport))
			return networks[len(networks)-1]
		})
		calm := runtime.NumGoroutine()
		c.during(t.Context(), t, func() {
			for range *faultRounds {
				p.turn(rough)
				time.Sleep(time.Duration(200+chance.IntN(400)) * time.Millisecond)
				p.turn(down)
				time.Sleep(time.Duration(chance.IntN(200)) * time.Millisecond)
			}
			p.turn(rough)
		})
		p.turn(fair)
		// Connections that phones keep open cost a few each; hundreds were broken.
		if after := runtime.NumGoroutine(); after > calm+8*len(c.writers) {
			t.Errorf("%d goroutines before the faults, %d after", calm, after)
		}
		t.Logf("%s, connections by trouble %v", c.compare(t.Context(), t), p.met)
		for _, n := range networks {
			n.CloseIdleConnections()
		}
	})
}
