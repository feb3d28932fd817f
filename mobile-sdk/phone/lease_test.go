package phone_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

const day = 24 * time.Hour

// TestTimeThatNobodyCanSet: with the clock set back a lease goes on running, by the time since the phone was switched on; while the app
// runs, over its restart, and over a restart of the phone.
func TestTimeThatNobodyCanSet(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	w.publish(id, visit("x", 1))
	h := w.handset("one")
	h.enter(claimCode)
	on, drift := w.clock(), time.Duration(0)
	h.cfg.Clock = func() time.Time { return w.clock().Add(drift) }
	h.cfg.Uptime = func() time.Duration { return w.clock().Sub(on) }
	h.restart()
	shown := func(want bool, when string) {
		t.Helper()
		_, err := h.Card(id).Visits(phone.Paging{})
		if ended := errors.Is(err, phone.ErrLeaseEnded); ended == want || err != nil && !ended {
			t.Errorf("%s: %v", when, err)
		}
	}
	pass := func(d time.Duration) {
		w.pass(d)
		drift -= d // whoever holds the phone sets the clock back each time
	}
	pass(30 * day)
	shown(true, "after 30 days")
	pass(20 * day)
	h.restart()
	shown(true, "the app restarted after 50 days")
	pass(20 * day)
	shown(true, "after 70 days")
	on = w.clock()
	pass(15 * day)
	h.restart()
	shown(true, "the phone restarted 15 days ago, after 85 days")
	pass(6 * day)
	shown(false, "after 91 days")
	h.restart()
	shown(false, "and restarted")
}

// TestALapsedCardComesBack: after the end of its lease the card is deleted and comes back with the next sync. What the person wrote on his
// own card meanwhile is not lost.
func TestALapsedCardComesBack(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	visits := w.publish(id, visit("Кашель", 1), visit("x", 2))
	h := w.handset("one")
	mine := h.enter(claimCode)
	h.network.down.Store(true)
	_, err := mine.Comment(visits[0], "not sent")
	must(t, err)
	w.pass(91 * day)
	h.restart()
	mine = h.Card(id)
	until, err := mine.Leases()
	if must(t, err); !until["*"].Before(w.clock()) {
		t.Fatalf("the lease runs until %v", until)
	}
	if edits, err := mine.Outbox(); err != nil || len(edits) != 1 || edits[0].State != phone.Waiting {
		t.Errorf("the outbox: %+v, %v", edits, err)
	}
	if _, err := mine.Record(visits[0]); !errors.Is(err, phone.ErrLeaseEnded) {
		t.Errorf("a record that is deleted here: %v", err)
	}
	h.network.down.Store(false)
	if report := h.sync(); report.Sent != 1 || report.Received != 3 {
		t.Errorf("the sync says %+v", report)
	}
	if page, err := mine.Visits(phone.Paging{}); err != nil || len(page.Entries) != 2 || len(page.Locked) != 0 {
		t.Errorf("after it: %+v, %v", page, err)
	}
	finds(t, mine, "кашель", visits[0])
	if comments, err := mine.Comments(visits[0]); err != nil || len(comments) != 1 || comments[0].Pending {
		t.Errorf("what was written: %+v, %v", comments, err)
	}
	if losses, err := h.Losses(); err != nil || len(losses) != 0 {
		t.Errorf("nothing is lost, and the person is told of %+v, %v", losses, err)
	}
	if report := h.sync(); !report.Unchanged && report.Received > 0 {
		t.Errorf("and again: %+v", report)
	}
}

// TestSensitiveScopesAreLentForShorter: what is labelled as sensitive goes days before the rest of its class.
func TestSensitiveScopesAreLentForShorter(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	w.lent = []wire.Lease{{Scope: "*", Until: w.now.Add(90 * day), Sensitive: w.now.Add(3 * day)}}
	w.publish(id, visit("general", 1))
	r := cardsync.FromFact("0195e4a5-0000-7000-8000-00000000beef", visit("sensitive", 2), card.General)
	fact := replica.Fact{ID: string(r.ID), Kind: string(r.Kind), Scope: "visit.psychiatric", Date: r.Dated, Atoms: r.Atoms}
	w.publishAll(id, fact)
	h := w.handset("one")
	mine := h.enter(claimCode)
	if page, err := mine.Visits(phone.Paging{}); err != nil || len(page.Entries) != 2 {
		t.Fatalf("at first: %+v, %v", page, err)
	}
	h.network.down.Store(true)
	w.pass(3 * day)
	for _, when := range []string{"after three days", "restarted"} {
		page, err := mine.Visits(phone.Paging{})
		if err != nil || len(page.Entries) != 1 || !slices.Equal(page.Locked, []card.Scope{"visit.psychiatric"}) {
			t.Errorf("%s: %+v, %v", when, page, err)
		}
		if _, err := mine.Record(card.RecordID(fact.ID)); !errors.Is(err, phone.ErrLeaseEnded) {
			t.Errorf("%s: the record: %v", when, err)
		}
		h.restart()
		mine = h.Card(id)
	}
}
