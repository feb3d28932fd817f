package phone_test

import (
	"errors"
	"testing"
	"time"

	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// A phone that gets no actor on one card, because it was given too many, keeps what it has of it, edits too, says when to ask again, and goes on
// with its other cards. Then it comes back by itself.
func TestACardWithoutAnActorWaits(t *testing.T) {
	w := newWorld(t)
	spent, other := w.newCard(claimCode), w.newCard("second-code")
	w.publish(spent, visit("visit 1", 1))
	h := w.handset("one")
	mine := h.enter(claimCode)
	_, err := h.Claim(t.Context(), "second-code")
	must(t, err)
	h.sync()
	page, err := mine.Visits(phone.Paging{Limit: 1})
	must(t, err)
	_, err = mine.Comment(page.Entries[0].ID, "waits")
	must(t, err)

	w.mu.Lock()
	w.engine.NewActors = 1
	w.mu.Unlock()
	must(t, w.books[spent].Update(func(l replica.Ledger) error {
		actors, err := l.Actors()
		for _, a := range actors {
			a.State = replica.Retired
			err = errors.Join(err, l.SaveActor(a))
		}
		return err
	}))
	w.publish(spent, visit("visit 2", 2))
	w.publish(other, visit("elsewhere", 1))
	for range 3 {
		_, err = h.Sync(t.Context())
		var p *problem.Problem
		if !errors.As(err, &p) || p.Code != wire.ProblemActorsSpent || p.RetryAfter < 12*time.Hour || p.RetryAfter > 24*time.Hour {
			t.Fatalf("without an actor: %v", err)
		}
	}
	if got := h.reasons(h.Card(other)); len(got) != 1 {
		t.Errorf("the other card has %q", got)
	}
	if got := h.reasons(mine); len(got) != 1 || got[0] != "visit 1" {
		t.Errorf("what it had of the card: %q", got)
	}
	if edits, err := mine.Outbox(); err != nil || len(edits) != 1 {
		t.Errorf("edits that wait: %v, %v", edits, err)
	}

	w.pass(25 * time.Hour)
	if r := h.sync(); r.Sent != 1 {
		t.Errorf("a day later: %+v", r)
	}
	if got := h.reasons(mine); len(got) != 2 {
		t.Errorf("a day later: %q", got)
	}
}
