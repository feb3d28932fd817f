package story

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
)

// faultsOf draws the faults of one round, for one way of a link. A limit ends each connection after so many bytes, in the middle of
// whatever it carries; a timeout lets nothing through and then ends it.
func faultsOf(chance *rand.Rand) []toxic {
	way := func() string { return []string{"upstream", "downstream"}[chance.IntN(2)] }
	return []toxic{
		{"latency", way(), map[string]int{"latency": chance.IntN(40), "jitter": chance.IntN(40)}},
		{"bandwidth", way(), map[string]int{"rate": 20 + chance.IntN(80)}}, // KB/s
		{"slicer", way(), map[string]int{"average_size": 16 + chance.IntN(200), "size_variation": 8, "delay": 50}},
		{"timeout", way(), map[string]int{"timeout": 1 + chance.IntN(200)}},
		{"reset_peer", way(), map[string]int{"timeout": chance.IntN(50)}},
		{"limit_data", way(), map[string]int{"bytes": 1 + chance.IntN(8<<10)}},
	}
}

// settled waits for the goroutines to become few again: what a fault held up ends by its deadline.
func settled(t *testing.T, most int) {
	t.Helper()
	for began := time.Now(); runtime.NumGoroutine() > most; time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			var all strings.Builder
			ok(t, pprof.Lookup("goroutine").WriteTo(&all, 1))
			t.Fatalf("%d goroutines are left, %d were to be expected\n%s", runtime.NumGoroutine(), most, all.String())
		}
	}
}

// TestToxicLinks puts each fault of toxiproxy on the link between phones and server, and on the one between server and PostgreSQL,
// while phones push: what was acknowledged is there, once.
func TestToxicLinks(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		proxy := startToxiproxy(t)
		chance := seeded(t)
		links := []link{}
		dsn := cfg.Postgres
		if dsn != "" {
			u := got(url.Parse(dsn))(t)
			if u.Host == "" {
				t.Skip("the DSN is no URL with a host")
			}
			database := proxy.link(t, "database", u.Host)
			links, dsn = append(links, database), database.over(t, dsn)
		}
		w := start(t, dsn)
		phones := proxy.link(t, "phones", strings.TrimPrefix(w.URL, "http://"))
		links = append(links, phones)
		heard := new(answers)
		c := gather(t.Context(), t, w, got(w.Clinic(t.Context(), "Clinic No. 1"))(t), 2, "http://"+phones.address, func() http.RoundTripper { return heard })
		calm := runtime.NumGoroutine()
		met := map[string]int{}
		c.during(t.Context(), t, func() {
			for range max(*faultRounds/4, 1) {
				for i := range 6 {
					for _, l := range links {
						fault := faultsOf(chance)[i]
						met[fmt.Sprintf("%s of %s", fault.Type, l.name)]++
						l.poison(t, fault, func() { time.Sleep(time.Duration(200+chance.IntN(200)) * time.Millisecond) })
					}
				}
				for _, l := range links {
					met["cut of "+l.name]++
					l.cut(t, func() { time.Sleep(time.Duration(chance.IntN(300)) * time.Millisecond) })
				}
			}
		})
		began := time.Now()
		ok(t, w.waitReady(t.Context()))
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("ready again only after %v", took)
		}
		heard.mu.Lock()
		for _, wrong := range heard.wrong {
			t.Error(wrong)
		}
		heard.mu.Unlock()
		settled(t, calm+8*len(c.writers))
		t.Logf("%s, faults %v, answers by status %v", c.compare(t.Context(), t), met, heard.statuses)
		heard.CloseIdleConnections()
	})
}
