package phone_test

import (
	"fmt"
	"testing"
	"time"

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

// manyTests are observations of a laboratory, each with a name, a code and a note.
func manyTests(w *world, n int) []card.Fact {
	names := []string{"Гемоглобин", "Глюкоза крови", "Холестерин общий", "Креатинин", "Билирубин прямой", "Тромбоциты", "Лейкоциты", "Скорость оседания эритроцитов"}
	facts := make([]card.Fact, n)
	for i := range facts {
		name := names[i%len(names)]
		facts[i] = card.Observation{Status: "final", Code: card.Concept{Text: name, Codings: []card.Coding{{System: card.SystemLOINC, Code: fmt.Sprintf("%d-7", 700+i%len(names)), Display: "Hemoglobin [Mass/volume] in Blood"}}},
			At: card.Period{Start: card.DateOf(w.now.Add(-time.Duration(i) * time.Hour))}, Value: card.Value{Quantity: card.Quantity{Value: fmt.Sprint(i), Unit: "g/L", System: card.SystemUCUM, Code: "g/L"}},
			Notes: []string{fmt.Sprintf("Образец %d, взят натощак", i)}}
	}
	return facts
}

// BenchmarkSearch looks into 10,000 records: for one of them, for a page of an eighth of them, and with one letter that all have.
func BenchmarkSearch(b *testing.B) {
	w := newWorld(b)
	w.engine.PageRows = 500
	id := w.newCard(claimCode)
	w.publish(id, manyTests(w, 10_000)...)
	mine := w.handset("one").enter(claimCode)
	for _, c := range []struct {
		name, query string
		hits        int
	}{{"one", "образец 7777 ", 1}, {"eighth", "тромбоцитов", 50}, {"letter", "о", 50}, {"none", "стенокардия", 0}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if page, err := mine.Search(b.Context(), c.query, phone.Paging{}); err != nil || len(page.Entries) != c.hits {
					b.Fatal(len(page.Entries), err)
				}
			}
		})
	}
}

// BenchmarkIndexing says what the index for search costs after a first sync of 10,000 records: how many records it takes in a second, and
// how long a search that is asked at once has to wait, in seconds and as a part of the sync before it.
func BenchmarkIndexing(b *testing.B) {
	w := newWorld(b)
	w.engine.PageRows = 500
	id := w.newCard(claimCode)
	facts := manyTests(w, 10_000)
	w.publish(id, facts...)
	var synced, indexed time.Duration
	for b.Loop() {
		b.StopTimer()
		h := w.handset("one")
		h.cfg.Progress = nil
		h.restart()
		h.signIn()
		_, err := h.Claim(b.Context(), claimCode)
		must(b, err)
		start := time.Now()
		if r := h.sync(); r.Received != len(facts) {
			b.Fatalf("%+v", r)
		}
		synced += time.Since(start)
		b.StartTimer()
		start = time.Now()
		must(b, h.Index(b.Context()))
		indexed += time.Since(start)
		b.StopTimer()
		if page, err := h.Card(id).Search(b.Context(), "образец 7777 ", phone.Paging{}); err != nil || len(page.Entries) != 1 {
			b.Fatal(len(page.Entries), err)
		}
		must(b, h.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(len(facts)*b.N)/indexed.Seconds(), "records/s")
	b.ReportMetric(indexed.Seconds()/float64(b.N), "s-index")
	b.ReportMetric(float64(indexed)/float64(synced), "index/sync")
}
