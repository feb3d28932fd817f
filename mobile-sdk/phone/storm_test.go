package phone_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/medcard/medcard/sync/wire"
)

// A server that sends a phone away for long, in the middle of a stream, is not asked again before: Sync says so at once, and Run naps.
func TestRunStaysAwayAsLongAsItIsTold(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	h := w.handset("one")
	h.enter(claimCode)
	w.publish(id, visit("news", 1))
	must(t, h.Close())
	naps := make(chan time.Duration, 100)
	h.cfg.Wait = func(ctx context.Context, d time.Duration) error { naps <- d; <-ctx.Done(); return ctx.Err() }
	h.open()
	asked := 0
	w.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v1/sync" {
			return false
		}
		asked++
		must(t, wire.NewLineWriter(rw).Write(wire.Line{Err: &wire.Problem{Code: wire.ProblemUnavailable, Card: string(id), RetryAfter: 400}}))
		return true
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()
	if d := <-naps; d != 400*time.Second || asked != 1 {
		t.Errorf("naps %v after it asked %d times", d, asked)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ends with %v", err)
	}
}
