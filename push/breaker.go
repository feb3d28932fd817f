package push

import (
	"context"
	"sync"
	"time"
)

// Breaker spares a carrier that is down. After a run of failures that are the carrier's and not one phone's it answers Later
// itself, then lets one batch through to see. Without it thousands of jobs would each wait for a timeout, and the backlog would
// fall on the carrier the moment it is back.
type Breaker struct {
	next     Sender
	now      func() time.Time
	limit    int           // failures in a row that open it
	cooldown time.Duration // how long it then stays open at least

	mu     sync.Mutex
	failed int       // in a row
	until  time.Time // open until; zero = closed
	trying bool      // half open: a batch is under way
}

// Defaults of NewBreaker. FCM asks for at least a minute before the first retry after a 429.
const (
	breakerLimit    = 20
	breakerCooldown = time.Minute
)

// NewBreaker puts a breaker before a sender. now is the clock.
func NewBreaker(next Sender, now func() time.Time) *Breaker {
	return &Breaker{next: next, now: now, limit: breakerLimit, cooldown: breakerCooldown}
}

// Send passes the deliveries on, or answers Later for all of them while the carrier is being spared.
func (b *Breaker) Send(ctx context.Context, deliveries []Delivery) []Result {
	if wait, closed := b.admit(); !closed {
		results := make([]Result, len(deliveries))
		for i := range results {
			results[i] = Result{Outcome: Later, Reason: Paused, After: wait}
		}
		return results
	}
	results := b.next.Send(ctx, deliveries)
	b.learn(ctx, results)
	return results
}

// Open reports whether the carrier is being spared right now.
func (b *Breaker) Open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.until.IsZero()
}

func (b *Breaker) admit() (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return 0, true
	}
	if left := b.until.Sub(b.now()); left > 0 {
		return left, false
	}
	if b.trying {
		return b.cooldown, false
	}
	b.trying = true
	return 0, true
}

func (b *Breaker) learn(ctx context.Context, results []Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
	if ctx.Err() != nil {
		return // we hung up ourselves: that says nothing of the carrier
	}
	for _, r := range results {
		if !r.systemic() {
			b.failed, b.until = 0, time.Time{}
			continue
		}
		b.failed++
		if b.failed >= b.limit {
			b.until = b.now().Add(max(b.cooldown, r.After))
		}
	}
}

// systemic reports whether the next phone would likely fail the same way.
func (r Result) systemic() bool {
	switch r.Reason {
	case Throttled, Down, Network, Garbled, BadCredential:
		return true
	}
	return false
}

var _ Sender = (*Breaker)(nil)
