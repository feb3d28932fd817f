package story

import (
	"flag"
	"net/http"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
)

// The faults of reliability.md: whatever happens to the server, the database or the network, what was acknowledged is there
// exactly once. The normal run is short; -faults.rounds=N makes it long.

var faultRounds = flag.Int("faults.rounds", 4, "how often the server is killed, the database lost, the network broken")

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
		edits := c.compare(t.Context(), t)
		t.Logf("%d kills, %d edits of %d phones, %d of %d syncs failed, ready again after %v at most",
			*faultRounds, edits, len(c.writers), c.failed.Load(), c.syncs.Load(), slowest.Round(time.Millisecond))
	})
}
