package phone_test

import (
	"fmt"
	"testing"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// BenchmarkFirstSync brings 10,000 observations over a loopback connection into an encrypted file, server and phone on one machine.
func BenchmarkFirstSync(b *testing.B) {
	w := newWorld(b)
	w.engine.PageRows = 500
	id := w.newCard(claimCode)
	facts := make([]card.Fact, 10_000)
	for i := range facts {
		facts[i] = card.Observation{Status: "final", Code: card.Concept{Codings: []card.Coding{{System: card.SystemLOINC, Code: "718-7", Display: "Hemoglobin [Mass/volume] in Blood"}}},
			At: card.Period{Start: card.DateOf(w.now.AddDate(0, 0, -i))}, Value: card.Value{Quantity: card.Quantity{Value: fmt.Sprint(i), Unit: "g/L", System: card.SystemUCUM, Code: "g/L"}}}
	}
	w.publish(id, facts...)
	for b.Loop() {
		b.StopTimer()
		h := w.handset("one")
		h.cfg.Progress = nil
		h.restart()
		h.signIn()
		_, err := h.Claim(b.Context(), claimCode)
		must(b, err)
		b.StartTimer()
		if r := h.sync(); r.Received != len(facts) {
			b.Fatalf("%+v", r)
		}
	}
}

// BenchmarkList reads the newest fifty of 10,000.
func BenchmarkList(b *testing.B) {
	w := newWorld(b)
	w.engine.PageRows = 500
	id := w.newCard(claimCode)
	w.publish(id, manyVisits(10_000)...)
	mine := w.handset("one").enter(claimCode)
	for b.Loop() {
		if page, err := mine.Visits(phone.Paging{}); err != nil || len(page.Entries) != 50 {
			b.Fatal(err)
		}
	}
}
