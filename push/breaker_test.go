package push

import (
	"context"
	"testing"
	"time"
)

// carrier is a Sender that answers everything alike and counts.
type carrier struct {
	answer Result
	asked  int
}

func (c *carrier) Send(_ context.Context, deliveries []Delivery) []Result {
	c.asked += len(deliveries)
	results := make([]Result, len(deliveries))
	for i := range results {
		results[i] = c.answer
	}
	return results
}

var _ Sender = (*carrier)(nil)

func TestBreaker(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ctx := context.Background()
	down := Result{Reason: Down}
	c := &carrier{answer: down}
	b := NewBreaker(c, func() time.Time { return now })
	one := []Delivery{{}}

	for range breakerLimit {
		if b.Open() {
			t.Fatal("open before the limit")
		}
		b.Send(ctx, one)
	}
	if !b.Open() {
		t.Fatalf("still closed after %d failures in a row", breakerLimit)
	}
	got := b.Send(ctx, []Delivery{{}, {}})
	if c.asked != breakerLimit || len(got) != 2 {
		t.Fatal("the carrier was asked although the breaker is open")
	}
	for _, r := range got {
		if r.Outcome != Later || r.Reason != Paused || r.After != breakerCooldown {
			t.Errorf("an open breaker answers %+v", r)
		}
	}

	now = now.Add(breakerCooldown)
	b.Send(ctx, one) // the one try: it fails again
	if c.asked != breakerLimit+1 {
		t.Fatal("after the cooldown one try must go through")
	}
	if b.Send(ctx, one); c.asked != breakerLimit+1 {
		t.Fatal("a failed try must open it again")
	}

	now = now.Add(breakerCooldown)
	c.answer = Result{Outcome: Delivered, Reason: Accepted}
	b.Send(ctx, one)
	if b.Open() {
		t.Fatal("one success must close it")
	}
	if r := b.Send(ctx, one)[0]; r.Outcome != Delivered {
		t.Fatalf("closed, but answers %+v", r)
	}
}

// A phone that is gone says nothing of the carrier, and one answer among failures proves that it is alive.
func TestBreakerStaysClosed(t *testing.T) {
	now := time.Now()
	for name, answer := range map[string]Result{
		"dead tokens":    {Outcome: TokenDead, Reason: Unregistered},
		"refused":        {Outcome: Refused, Reason: BadMessage},
		"delivered":      {Outcome: Delivered, Reason: Accepted},
		"another outage": {Reason: Paused},
	} {
		b := NewBreaker(&carrier{answer: answer}, func() time.Time { return now })
		for range 3 * breakerLimit {
			b.Send(context.Background(), []Delivery{{}})
		}
		if b.Open() {
			t.Errorf("%s opened the breaker", name)
		}
	}
}

func TestBreakerWaitsAsLongAsTheCarrierAsks(t *testing.T) {
	now := time.Now()
	b := NewBreaker(&carrier{answer: Result{Reason: Throttled, After: 10 * time.Minute}}, func() time.Time { return now })
	b.Send(context.Background(), make([]Delivery, breakerLimit))
	if r := b.Send(context.Background(), []Delivery{{}})[0]; r.After != 10*time.Minute {
		t.Errorf("asked to wait %s, want 10m", r.After)
	}
}

// When we shut down, every delivery under way fails; the next start must not inherit that as the carrier's fault.
func TestBreakerIgnoresOurOwnHangUp(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b := NewBreaker(&carrier{answer: Result{Reason: Network}}, time.Now)
	b.Send(ctx, make([]Delivery, 2*breakerLimit))
	if b.Open() {
		t.Error("a cancelled call opened the breaker")
	}
}
