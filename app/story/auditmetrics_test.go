package story

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// metric reads a number that the server tells Prometheus; -1 where it tells none.
func (w *World) metric(t *testing.T, name string) float64 {
	t.Helper()
	answer := got(http.Get(w.URL + "/metrics"))(t)
	defer answer.Body.Close()
	for line := range strings.Lines(string(got(io.ReadAll(answer.Body))(t))) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			return got(strconv.ParseFloat(strings.TrimSpace(value), 64))(t)
		}
	}
	return -1
}

// Somebody is woken when an entry is changed, or the log: the server itself sees it, and counts what waits.
func TestATamperedLogShowsInTheMetrics(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := openLog(ctx, t, w)
		comes := func(name string, holds func(float64) bool) {
			t.Helper()
			var is float64
			if err := until(ctx, func() bool { is = w.metric(t, name); return holds(is) }); err != nil {
				t.Errorf("%s is %v: %v", name, is, err)
			}
		}
		zero, one := func(v float64) bool { return v == 0 }, func(v float64) bool { return v == 1 }
		s.reads()
		for _, name := range []string{"medcard_audit_waiting", "medcard_audit_waiting_seconds", "medcard_audit_tampered"} {
			comes(name, zero)
		}
		db := beside(t, w.cfg.Database(), w.cfg.Postgres)
		defer db.Close()
		in := insider{t: t, db: db, w: w, card: s.id}
		in.run("UPDATE audit_entry SET request = request || 'x'")
		w.Skip(2 * time.Minute) // to the next look
		comes("medcard_audit_tampered", one)
		in.run("UPDATE audit_entry SET request = substr(request, 1, length(request) - 1)")
		w.Skip(2 * time.Minute)
		comes("medcard_audit_tampered", zero)

		in.run("UPDATE audit_head SET signed = replace(signed, '—', '-')")
		s.reads()
		comes("medcard_audit_tampered", one)
		comes("medcard_audit_waiting", func(v float64) bool { return v > 0 })
		comes("medcard_audit_waiting_seconds", func(v float64) bool { return v > 240 && v < 600 }) // by the clock that was skipped, twice two minutes
	})
}
