package phone_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

func named(text string, codes ...string) card.Concept {
	c := card.Concept{Text: text}
	for _, code := range codes {
		c.Codings = append(c.Codings, card.Coding{Code: code})
	}
	return c
}

func search(t *testing.T, k *phone.Card, query string) []phone.Entry[phone.Hit] {
	t.Helper()
	page, err := k.Search(t.Context(), query, phone.Paging{})
	if err != nil {
		t.Fatalf("%q: %v", query, err)
	}
	return page.Entries
}

// finds says whether a search finds exactly these records, in this order.
func finds(t *testing.T, k *phone.Card, query string, want ...card.RecordID) {
	t.Helper()
	var got []card.RecordID
	for _, e := range search(t, k, query) {
		got = append(got, e.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q finds %v, want %v", query, got, want)
	}
}

func TestSearchFindsEveryKind(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	on := func(day int) card.Date { return card.DateOf(w.now.AddDate(0, 0, -day)) }
	facts := []struct {
		fact    card.Fact
		queries []string
	}{
		{visit("Острый бронхит", 1), []string{"бронхита", "острым бронхитом", "бронх"}},
		{card.Condition{Code: named("Гипертоническая болезнь", "I10"), Recorded: on(2), Notes: []string{"Впервые выявлена ещё весной"}}, []string{"I10", "i10 ", "гипертоническую болезнь", "еще выявлено"}},
		{card.Allergy{Code: named("Пенициллины"), Recorded: on(3), Reactions: []card.Reaction{{Manifestations: []card.Concept{named("Крапивница")}}}}, []string{"пенициллин", "крапивницей"}},
		{card.Observation{Code: named("Hemoglobin in Blood", "718-7"), Issued: on(4)}, []string{"718-7", "hemoglobin", "HEMOGLOBINS "}},
		{card.Report{Code: named("УЗИ почек"), Conclusion: "Камни не обнаружены", Issued: on(5)}, []string{"камнями", "почек узи"}},
		{card.Medication{Drug: named("Амоксициллин 500 мг"), Written: on(6)}, []string{"амоксициллина", "амокс"}},
		{card.Immunization{Vaccine: named("Вакцина против COVID-19", "U07.1"), At: on(7), Lot: "AB-12/7"}, []string{"covid", "вакцины covid-19", "U07.1", "вакцинами против"}},
		{card.Procedure{Code: named("Appendectomy"), At: card.Period{Start: on(8)}}, []string{"appendectomies "}},
		{card.Plan{Title: "Реабилитация после травмы", Created: on(9)}, []string{"реабилитации", "травма"}},
		{card.Measurement{Systolic: 141, Diastolic: 92, At: on(10)}, []string{"141/92"}},
	}
	h := w.handset("one")
	ids := make([]card.RecordID, len(facts))
	for i, f := range facts {
		ids[i] = w.publish(id, f.fact)[0]
	}
	rx := prescription.Prescription{ID: prescription.ID(uuid.NewString()), IssuedAt: w.now, Sheet: prescription.Sheet{Items: []prescription.Item{{Name: "Эналаприл"}}}}
	ref := referral.Referral{ID: referral.ID(uuid.NewString()), IssuedAt: w.now, Sheet: referral.Sheet{Purpose: "Консультация кардиолога"}}
	for _, r := range []cardsync.Record{cardsync.FromPrescription(rx, "EMC1:RX"), cardsync.FromReferral(ref, "EMC1:REF")} {
		w.publishAll(id, replica.Fact{ID: string(r.ID), Kind: string(r.Kind), Scope: string(r.Scope), Date: r.Dated, Atoms: r.Atoms})
	}
	mine := h.enter(claimCode)
	h.network.down.Store(true)
	for i, f := range facts {
		for _, q := range f.queries {
			finds(t, mine, q, ids[i])
		}
		hits := search(t, mine, f.queries[0])
		if len(hits) == 1 && (hits[0].Kind != f.fact.Kind() || hits[0].Fact.Title == "" || hits[0].Fact.Snippet == "" || hits[0].When.IsZero() || hits[0].Pending) {
			t.Errorf("%q: %+v", f.queries[0], hits[0])
		}
	}
	finds(t, mine, "эналаприла", card.RecordID(rx.ID))
	finds(t, mine, "кардиолог", card.RecordID(ref.ID))
	for _, nothing := range []string{"", " ", "*", "астма", "бронхит AND I10", `"`, "EMC1"} {
		finds(t, mine, nothing)
	}
	if hits := search(t, mine, "выявлена"); len(hits) != 1 || hits[0].Fact.Title != "Гипертоническая болезнь" || hits[0].Fact.Snippet != "Впервые выявлена ещё весной" {
		t.Errorf("%+v", hits)
	}
}

// TestSearchShowsWhatIsShown: what was written here is found at once and under its newest text alone; what was deleted is not.
func TestSearchShowsWhatIsShown(t *testing.T) {
	_, one, two, a, b, _, comment := twoPhones(t)
	one.network.down.Store(true)
	finds(t, a, "first words", comment)
	rewrite(t, a, comment, "Болит голова")
	finds(t, a, "first")
	finds(t, a, "головы", comment)
	if hits := search(t, a, "голова"); !hits[0].Pending || hits[0].Fact.Snippet != "Болит голова" {
		t.Errorf("%+v", hits[0])
	}
	visits, err := a.Visits(phone.Paging{})
	must(t, err)
	fresh, err := a.Comment(visits.Entries[0].ID, "Прошла тошнота")
	must(t, err)
	finds(t, a, "тошноту", fresh.Record)

	rewrite(t, b, comment, "Кружилась голова")
	two.sync()
	one.network.down.Store(false)
	one.sync()
	two.sync()
	for name, k := range map[string]*phone.Card{"one": a, "two": b} {
		hits := search(t, k, "болит")
		if len(hits) != 1 || hits[0].Fact.Snippet != "Болит голова" || hits[0].Pending {
			t.Errorf("%s: one side of a conflict: %+v", name, hits)
		}
		if hits := search(t, k, "кружилась"); len(hits) != 1 || hits[0].Fact.Snippet != "Кружилась голова" {
			t.Errorf("%s: the other side: %+v", name, hits)
		}
		finds(t, k, "first")
		finds(t, k, "тошнота", fresh.Record)
	}

	e, err := a.Edit(fresh.Record)
	must(t, err)
	_, err = e.Delete()
	must(t, err)
	finds(t, a, "тошнота")
	one.sync()
	two.sync()
	finds(t, a, "тошнота")
	finds(t, b, "тошнота")
}

// TestSearchPages: pages of any size together are the list; and what comes in between does not shift what was not yet shown.
func TestSearchPages(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	for day := range 23 {
		w.publish(id, visit("Кашель", day), visit("Насморк", day))
	}
	h := w.handset("one")
	mine := h.enter(claimCode)
	for range 3 {
		visits, err := mine.Visits(phone.Paging{Limit: 1})
		must(t, err)
		_, err = mine.Comment(visits.Entries[0].ID, "Ночью кашель")
		must(t, err)
		w.pass(time.Minute)
	}
	whole, err := mine.Search(t.Context(), "кашель", phone.Paging{Limit: 100})
	must(t, err)
	if len(whole.Entries) != 26 || whole.Next != "" {
		t.Fatalf("%d hits, next %q", len(whole.Entries), whole.Next)
	}
	for i, e := range whole.Entries[1:] {
		if e.When.After(whole.Entries[i].When) {
			t.Errorf("%v comes after %v", e.When, whole.Entries[i].When)
		}
	}
	for limit := 1; limit <= 27; limit++ {
		var parts []phone.Entry[phone.Hit]
		for p := (phone.Paging{Limit: limit}); ; {
			part, err := mine.Search(t.Context(), "кашель", p)
			if err != nil || len(part.Entries) == 0 || len(part.Entries) > limit {
				t.Fatalf("limit %d: %d entries, %v", limit, len(part.Entries), err)
			}
			parts = append(parts, part.Entries...)
			if p.After = part.Next; p.After == "" {
				break
			}
		}
		if !reflect.DeepEqual(parts, whole.Entries) {
			t.Errorf("limit %d gives %d entries that are not the list", limit, len(parts))
		}
	}
	first, err := mine.Search(t.Context(), "кашель", phone.Paging{Limit: 10})
	must(t, err)
	w.publish(id, visit("Кашель", 200)) // 2027: newer than all
	h.sync()
	second, err := mine.Search(t.Context(), "кашель", phone.Paging{Limit: 10, After: first.Next})
	if err != nil || !slices.EqualFunc(second.Entries, whole.Entries[10:20], func(a, b phone.Entry[phone.Hit]) bool { return a.ID == b.ID }) {
		t.Errorf("%+v, %v", second, err)
	}
	if _, err := mine.Search(t.Context(), "кашель", phone.Paging{After: "x"}); !errors.Is(err, phone.ErrPaging) {
		t.Errorf("got %v", err)
	}
	for _, long := range []string{strings.Repeat("а", 201), strings.Repeat("кашель ", 13)} {
		if _, err := mine.Search(t.Context(), long, phone.Paging{}); !errors.Is(err, phone.ErrQuery) {
			t.Errorf("got %v", err)
		}
	}
}

// TestSearchMissesNothing: a sync leaves the index for later; a search makes up for it, whatever happened in between.
func TestSearchMissesNothing(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	w.publish(id, manyVisits(1200)...)
	last := w.publish(id, visit("Кашель", 1))[0]
	h := w.handset("one")
	var told []phone.Indexing
	h.cfg.Indexing = func(i phone.Indexing) { told = append(told, i) }
	h.restart()
	h.enter(claimCode)
	if told != nil {
		t.Errorf("a sync indexed: %v", told)
	}
	given, giveUp := context.WithCancel(t.Context())
	giveUp()
	if _, err := h.Card(id).Search(given, "кашель", phone.Paging{}); !errors.Is(err, context.Canceled) || told != nil {
		t.Errorf("who gave up got %v, %v", err, told)
	}
	h.restart() // or was stopped by the system
	finds(t, h.Card(id), "кашель", last)
	if len(told) < 3 || told[0].Card != id || told[0].Left == 0 || told[len(told)-1].Left != 0 || !slices.IsSortedFunc(told, func(a, b phone.Indexing) int { return b.Left - a.Left }) {
		t.Errorf("told %v", told)
	}
	told = nil
	finds(t, h.Card(id), "кашель", last)
	must(t, h.Index(t.Context()))
	if told != nil {
		t.Errorf("nothing was left, and %v", told)
	}
	more := w.publish(id, visit("Кашель", 2))[0]
	h.sync()
	must(t, h.Index(t.Context()))
	if len(told) != 1 || told[0].Left != 0 {
		t.Errorf("told %v", told)
	}
	finds(t, h.Card(id), "кашель", more, last)
}

// TestSearchDuringASync: neither waits for the other to end, and what is found is a whole state of the file.
func TestSearchDuringASync(t *testing.T) {
	w := newWorld(t)
	w.engine.PageRows = 20
	id := w.newCard(claimCode)
	w.publish(id, visit("Кашель", 1))
	h := w.handset("one")
	h.cfg.Progress = nil
	h.restart()
	mine := h.enter(claimCode)
	for range 300 {
		w.publish(id, visit("Кашель", 1))
	}
	done := make(chan error)
	go func() { _, err := h.Sync(t.Context()); done <- err }()
	for before, running := 1, true; running; {
		select {
		case err := <-done:
			must(t, err)
			running = false
		default:
		}
		page, err := mine.Search(t.Context(), "кашель", phone.Paging{Limit: 1000})
		must(t, err)
		if len(page.Entries) < before || !running && len(page.Entries) != 301 {
			t.Fatalf("%d found, %d before, running: %v", len(page.Entries), before, running)
		}
		before = len(page.Entries)
	}
}

// TestSearchRespectsLeases: what is locked gives no hit, no page and no sign that it is there.
func TestSearchRespectsLeases(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	open := w.publish(id, visit("Шум в ушах", 1))[0]
	for day := range 70 {
		w.publish(id, card.Condition{Code: named("Шум в сердце"), Recorded: card.DateOf(w.now.AddDate(0, 0, -day))})
	}
	w.lent = []wire.Lease{{Scope: "visit.*", Until: w.now.AddDate(0, 0, 90)}, {Scope: "note.*", Until: w.now.AddDate(0, 0, 90)}, {Scope: "dx.*", Until: w.now.Add(time.Hour)}}
	h := w.handset("one")
	mine := h.enter(claimCode)
	if page, err := mine.Search(t.Context(), "шум", phone.Paging{Limit: 10}); err != nil || len(page.Entries) != 10 || page.Next == "" || page.Locked != nil {
		t.Errorf("%d, %q, %v, %v", len(page.Entries), page.Next, page.Locked, err)
	}
	w.pass(2 * time.Hour)
	for query, want := range map[string]int{"шум": 1, "сердце": 0, "астма": 0} {
		page, err := mine.Search(t.Context(), query, phone.Paging{Limit: 10})
		if err != nil || len(page.Entries) != want || page.Next != "" || page.Unreadable != 0 || !slices.Equal(page.Locked, []card.Scope{"dx.*"}) {
			t.Errorf("%q: %+v, %v", query, page, err)
		}
		if want == 1 && page.Entries[0].ID != open {
			t.Errorf("%q finds %+v", query, page.Entries[0])
		}
	}
	w.pass(100 * 24 * time.Hour)
	for _, query := range []string{"шум", "астма"} {
		if page, err := mine.Search(t.Context(), query, phone.Paging{}); !errors.Is(err, phone.ErrLeaseEnded) || len(page.Entries) != 0 {
			t.Errorf("%q: %+v, %v", query, page, err)
		}
	}
}

// TestWhatWentIsNotFound: a card to which access ended is found under nothing, and comes back whole when it is given again.
func TestWhatWentIsNotFound(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	found := w.publish(id, visit("Кашель", 1))[0]
	h := w.handset("one")
	mine := h.enter(claimCode)
	finds(t, mine, "кашель", found)
	w.owned = nil
	w.publish(id, visit("Насморк", 1))
	if r := h.sync(); len(r.Gone) != 1 {
		t.Fatalf("%+v", r)
	}
	finds(t, mine, "кашель")
	h.restart()
	finds(t, h.Card(id), "кашель")
}

func TestSnippetsAreShort(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	long := strings.Repeat("Очень длинный рассказ о том, что было. ", 20) + "Потом поднялась температура, и вызвали врача. " + strings.Repeat("Что было дальше, неважно. ", 20)
	w.publish(id, card.Condition{Code: named("Грипп"), Notes: []string{long}}, card.Condition{Code: named("Ангина\n\tлакунарная"), Notes: []string{"Температура " + strings.Repeat("не падала ", 30)}})
	mine := w.handset("one").enter(claimCode)
	hits := search(t, mine, "температуру")
	if len(hits) != 2 {
		t.Fatalf("%d hits", len(hits))
	}
	for _, e := range hits {
		s := e.Fact.Snippet
		if !strings.Contains(strings.ToLower(s), "температура") || utf8.RuneCountInString(s) > 100 || !strings.HasSuffix(s, "…") || strings.ContainsAny(s+e.Fact.Title, "\n\t") {
			t.Errorf("%q", s)
		}
	}
}

// FuzzSearch: whatever is typed, a search answers; it never fails but for a query that is too long.
func FuzzSearch(f *testing.F) {
	w := newWorld(f)
	id := w.newCard(claimCode)
	w.publish(id, visit("Кашель, насморк; 37,2 и I10", 1))
	mine := w.handset("one").enter(claimCode)
	visits, err := mine.Visits(phone.Paging{})
	must(f, err)
	_, err = mine.Comment(visits.Entries[0].ID, "NEAR(болит) \"голова\" * ^")
	must(f, err)
	for _, s := range []string{"кашель", "\"", "a OR", "NEAR(a b, 3)", "words:x", "-x", "х*", "'; DROP TABLE record", "37,2", "\x00", "\xff", "а\u0306", "()", "I10 AND NOT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		page, err := mine.Search(t.Context(), query, phone.Paging{})
		if err != nil && !errors.Is(err, phone.ErrQuery) {
			t.Fatalf("%q: %v", query, err)
		}
		if len(page.Entries) > 2 {
			t.Fatalf("%q finds %d", query, len(page.Entries))
		}
	})
}

// TestASearchLeavesNoFile: neither the index nor a search writes anything beside the encrypted file.
func TestASearchLeavesNoFile(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	w.publish(id, visit("Кашель", 1))
	h := w.handset("one")
	finds(t, h.enter(claimCode), "насморк")
	must(t, h.Close())
	left, err := os.ReadDir(filepath.Dir(h.cfg.File))
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}
