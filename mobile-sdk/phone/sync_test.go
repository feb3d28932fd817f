package phone_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

func manyVisits(n int) []card.Fact {
	facts := make([]card.Fact, n)
	for i := range facts {
		facts[i] = visit(fmt.Sprint("visit ", i), i)
	}
	return facts
}

func TestFirstSyncBringsEverythingAndCountsExactly(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	w.publish(id, manyVisits(130)...)
	w.publish(id, card.Person{Name: card.Name{Family: "Иванова", Given: []string{"Анна", "Петровна"}}}, card.Condition{Recorded: "2020", Clinical: "active"})
	h := w.handset("one")
	mine := h.enter(claimCode)

	counts, err := mine.Counts()
	if want := map[card.Kind]int{card.KindEncounter: 130, card.KindPatient: 1, card.KindCondition: 1}; err != nil || !reflect.DeepEqual(counts, want) {
		t.Fatalf("got %v, %v; want %v", counts, err, want)
	}
	last := h.seen[len(h.seen)-1]
	if len(h.seen) < 4 || last.Done != 132 || last.Total != 132 || last.Card != id {
		t.Errorf("progress: %+v", h.seen)
	}
	for i, p := range h.seen[1:] {
		if p.Done < h.seen[i].Done || p.Total != 132 {
			t.Errorf("progress goes from %+v to %+v", h.seen[i], p)
		}
	}
	for range 2 {
		before := w.count("/v1/sync")
		if r := h.sync(); !r.Unchanged || w.count("/v1/sync") != before+1 || w.status("/v1/sync") != http.StatusNoContent {
			t.Errorf("nothing new: %+v, %d rounds, status %d", r, w.count("/v1/sync")-before, w.status("/v1/sync"))
		}
	}
	w.publish(id, visit("new", 500))
	if r := h.sync(); r.Received != 1 || r.Unchanged {
		t.Errorf("one new visit: %+v", r)
	}
	page, err := mine.Visits(phone.Paging{Limit: 1})
	if err != nil || reasonOf(page.Entries[0].Fact) != "new" {
		t.Errorf("the newest: %+v, %v", page, err)
	}
}

// TestAStreamCutAnywhereGoesOn cuts the answer after every so many bytes, restarts the app in between, and ends with the same card.
func TestAStreamCutAnywhereGoesOn(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	w.publish(id, manyVisits(130)...)
	for _, cut := range []int{1, 100, 5_000, 12_000, 17_777, 30_000} {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			h := w.handset("one")
			h.t = t
			h.signIn()
			_, err := h.Claim(t.Context(), claimCode)
			must(t, err)
			cuts := 0
			h.network.fault = func(r *http.Request) fault {
				if r.URL.Path == "/v1/sync" && cuts < 5 {
					cuts++
					return fault{cut: cut}
				}
				return fault{}
			}
			var before int
			for range 10 {
				_, err := h.Sync(t.Context())
				counts, _ := h.Card(id).Counts()
				if counts[card.KindEncounter] < before {
					t.Fatalf("went back from %d to %d", before, counts[card.KindEncounter])
				}
				if before = counts[card.KindEncounter]; before%40 != 0 && before != 130 {
					t.Fatalf("%d records: a page was applied in part", before)
				}
				if err == nil {
					break
				}
				if !errors.Is(err, phone.ErrOffline) {
					t.Fatal(err)
				}
				h.restart()
			}
			if before != 130 || cuts == 0 {
				t.Errorf("%d records after %d cuts", before, cuts)
			}
			if last := h.seen[len(h.seen)-1]; last.Done != 130 || last.Total != 130 {
				t.Errorf("progress after restarts: %+v", last)
			}
		})
	}
}

func TestALargeAnswerComesInPortions(t *testing.T) {
	w := newWorld(t)
	w.maxBytes = 1 // one page a round
	id := w.newCard(claimCode)
	w.publish(id, manyVisits(130)...)
	h := w.handset("one")
	counts, err := h.enter(claimCode).Counts()
	if err != nil || counts[card.KindEncounter] != 130 || w.count("/v1/sync") != 4 {
		t.Errorf("%v, %v after %d rounds", counts, err, w.count("/v1/sync"))
	}
}

func TestOfflineEverythingReadsAndEditsWait(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	visits := w.publish(id, visit("Кашель", 1))
	h := w.handset("one")
	h.enter(claimCode)
	h.network.down.Store(true)

	if _, err := h.Sync(t.Context()); !errors.Is(err, phone.ErrOffline) {
		t.Errorf("Sync: %v", err)
	}
	if _, err := h.Me(t.Context()); !errors.Is(err, phone.ErrOffline) {
		t.Errorf("Me: %v", err)
	}
	if h.waited != 0 {
		t.Errorf("kept the person waiting for %v", h.waited)
	}
	h.restart() // opening needs no network either
	mine := h.Card(id)
	page, err := mine.Visits(phone.Paging{})
	if err != nil || len(page.Entries) != 1 || reasonOf(page.Entries[0].Fact) != "Кашель" || page.Entries[0].Pending {
		t.Fatalf("visits: %+v, %v", page, err)
	}
	reading := card.Measurement{Systolic: 132, Diastolic: 84, Pulse: 70}
	edit, err := mine.AddMeasurement(reading)
	if err != nil || edit.State != phone.Waiting || edit.Kind != card.KindMeasurement {
		t.Fatalf("edit: %+v, %v", edit, err)
	}
	if _, err := mine.Comment(visits[0], "<b>Спросить</b> о кашле & горле"); err != nil {
		t.Fatal(err)
	}
	h.restart() // the outbox survives
	mine = h.Card(id)
	if box, err := mine.Outbox(); err != nil || len(box) != 2 || box[0].State != phone.Waiting || box[0].Fact.(card.Comment).Text != "<b>Спросить</b> о кашле & горле" {
		t.Fatalf("outbox: %+v, %v", box, err)
	}
	shown, err := mine.Measurements(phone.Paging{})
	if err != nil || len(shown.Entries) != 1 || !shown.Entries[0].Pending || shown.Entries[0].Fact.Systolic != 132 || shown.Entries[0].Fact.Unit != card.MillimetresOfMercury {
		t.Fatalf("measurements: %+v, %v", shown, err)
	}
	h.network.down.Store(false)
	if r := h.sync(); r.Sent != 2 {
		t.Errorf("sent %+v", r)
	}
	box, err := mine.Outbox()
	if err != nil || len(box) != 2 || box[0].State != phone.Accepted || box[1].State != phone.Accepted {
		t.Errorf("outbox: %+v, %v", box, err)
	}
	comments, err := mine.Comments(visits[0])
	if err != nil || len(comments) != 1 || comments[0].Pending || comments[0].Scope != "note.general" || comments[0].Fact.About != visits[0] {
		t.Errorf("comments: %+v, %v", comments, err)
	}
	if shown, err = mine.Measurements(phone.Paging{}); err != nil || len(shown.Entries) != 1 || shown.Entries[0].Pending || shown.Entries[0].ID != edit.Record {
		t.Errorf("measurements: %+v, %v", shown, err)
	}
}

// TestALostAnswerIsNoSecondEdit loses the answer of the very request that carried the edit.
func TestALostAnswerIsNoSecondEdit(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	visits := w.publish(id, visit("x", 1))
	h := w.handset("one")
	mine := h.enter(claimCode)
	_, err := mine.Comment(visits[0], "once")
	must(t, err)
	lost := 0
	h.network.fault = func(r *http.Request) fault {
		if r.URL.Path == "/v1/sync" && lost < 2 {
			lost++
			return fault{after: errNoSignal}
		}
		return fault{}
	}
	h.sync()
	comments, err := mine.Comments(visits[0])
	if err != nil || len(comments) != 1 || comments[0].Conflicted() || comments[0].Pending || lost != 2 {
		t.Errorf("%+v, %v after %d losses", comments, err, lost)
	}
}

func TestASessionIsRenewedOnceForAll(t *testing.T) {
	w := newWorld(t)
	w.newCard(claimCode)
	h := w.handset("one")
	h.enter(claimCode)
	for name, provoke := range map[string]func(){
		"its end":            func() { w.pass(11 * time.Minute) },
		"the server forgets": w.expire,
	} {
		provoke()
		before := w.count("/v1/auth/refresh")
		errs := make(chan error, 8)
		for range cap(errs) {
			go func() { _, err := h.Me(t.Context()); errs <- err }()
		}
		for range cap(errs) {
			must(t, <-errs)
		}
		if n := w.count("/v1/auth/refresh") - before; n != 1 {
			t.Errorf("%s: renewed %d times", name, n)
		}
	}
	// A lost answer is asked for again and is the same.
	w.expire()
	lost := atomic.Bool{}
	h.network.fault = func(r *http.Request) fault {
		if r.URL.Path == "/v1/auth/refresh" && lost.CompareAndSwap(false, true) {
			return fault{after: errNoSignal}
		}
		return fault{}
	}
	if _, err := h.Me(t.Context()); err != nil || !lost.Load() {
		t.Errorf("after a lost answer: %v", err)
	}
	h.restart() // the tokens survive
	if _, ok := h.SignedIn(); !ok {
		t.Error("not signed in after a restart")
	}
	_, err := h.Me(t.Context())
	must(t, err)
}

func TestAnEndedSessionSaysSo(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	w.publish(id, visit("x", 1))
	h := w.handset("one")
	if _, err := h.Sync(t.Context()); !errors.Is(err, phone.ErrSignedOut) {
		t.Errorf("before signing in: %v", err)
	}
	mine := h.enter(claimCode)
	w.expire()
	w.refresh, w.before = "gone", "gone"
	_, err := h.Me(t.Context())
	if !errors.Is(err, phone.ErrSignedOut) || problem.CodeOf(err) != "refresh.reused" {
		t.Errorf("got %v", err)
	}
	if _, ok := h.SignedIn(); ok {
		t.Error("still signed in")
	}
	if page, err := mine.Visits(phone.Paging{}); err != nil || len(page.Entries) != 1 {
		t.Errorf("the card is still readable: %+v, %v", page, err)
	}
	h.signIn()
	h.sync()
}

func TestProblemsAreTyped(t *testing.T) {
	w := newWorld(t)
	h := w.handset("one")
	_, err := h.SignIn(t.Context(), "+79161234567", "wrong")
	var p *problem.Problem
	if !errors.As(err, &p) || p.Status != http.StatusUnauthorized || p.Code != "credentials.wrong" || p.RequestID != "req-1" || p.Type != "urn:medcard:problem:credentials.wrong" {
		t.Errorf("got %#v", err)
	}
	if w.count("/v1/auth/sign-in") != 1 {
		t.Error("a sign-in was repeated")
	}
	w.intercept(func(rw http.ResponseWriter, _ *http.Request) bool {
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(http.StatusBadGateway)
		_, _ = rw.Write([]byte("<html>nginx</html>"))
		return true
	})
	if _, err = h.SignIn(t.Context(), "+79161234567", password); problem.CodeOf(err) != "http" {
		t.Errorf("a proxy's answer: %v", err)
	}
	// 503 with Retry-After is waited for, and counted.
	w.intercept(nil)
	h.signIn()
	n := 0
	w.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v1/me" {
			return false
		}
		if n++; n > 2 {
			return false
		}
		rw.Header().Set("Retry-After", "7")
		refuse(rw, http.StatusServiceUnavailable, "database.unavailable")
		return true
	})
	h.waited = 0
	if _, err := h.Me(t.Context()); err != nil || h.waited < 14*time.Second {
		t.Errorf("waited %v: %v", h.waited, err)
	}
}

func TestGoneTakesEverything(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	visits := w.publish(id, visit("x", 1))
	h := w.handset("one")
	mine := h.enter(claimCode)
	_, err := mine.Comment(visits[0], "mine")
	must(t, err)
	w.owned = nil
	if r := h.sync(); len(r.Gone) != 1 || r.Gone[0] != id {
		t.Errorf("got %+v", r)
	}
	if cards, err := h.Cards(); err != nil || len(cards) != 0 {
		t.Errorf("cards: %v, %v", cards, err)
	}
	if page, err := mine.Visits(phone.Paging{}); err != nil || len(page.Entries) != 0 {
		t.Errorf("visits: %+v, %v", page, err)
	}
	if box, err := mine.Outbox(); err != nil || len(box) != 0 {
		t.Errorf("outbox: %+v, %v", box, err)
	}
	if r := h.sync(); len(r.Gone) != 0 {
		t.Errorf("once more: %+v", r)
	}
	w.owned = []card.ID{id} // access is given again: the whole card comes back
	must(t, h.Enrol(t.Context()))
	h.sync()
	if page, err := mine.Visits(phone.Paging{}); err != nil || len(page.Entries) != 1 {
		t.Errorf("given again: %+v, %v", page, err)
	}
}

// TestAForkedActorResends makes the server doubt the phone, as after a restored backup of it.
func TestServerProblemsAreOvercome(t *testing.T) {
	for _, code := range []string{wire.ProblemActorForked, wire.ProblemActorUnknown, wire.ProblemHole, wire.ProblemEpoch, wire.ProblemUnavailable} {
		t.Run(code, func(t *testing.T) {
			w := newWorld(t)
			id := w.newCard(claimCode)
			visits := w.publish(id, visit("x", 1))
			h := w.handset("one")
			mine := h.enter(claimCode)
			_, err := mine.Comment(visits[0], "first")
			must(t, err)
			h.sync()
			_, err = mine.Comment(visits[0], "second")
			must(t, err)
			said := false
			w.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
				if said || r.URL.Path != "/v1/sync" {
					return false
				}
				said = true
				must(t, wire.NewLineWriter(rw).Write(wire.Line{Err: &wire.Problem{Code: code, Card: string(id), RetryAfter: 3}}))
				return true
			})
			h.sync()
			comments, err := mine.Comments(visits[0])
			if err != nil || !said || len(comments) != 2 || comments[1].Pending || comments[1].Fact.Text != "second" {
				t.Errorf("%+v, %v", comments, err)
			}
		})
	}
}

// TestARestoredServer loses what the phone had acknowledged; the phone sends it again. So it does when nobody told it by a new
// epoch that the server was restored.
func TestARestoredServer(t *testing.T) {
	for _, epoch := range []string{"epoch-2", "epoch-1"} {
		t.Run(epoch, func(t *testing.T) {
			w := newWorld(t)
			id := w.newCard(claimCode)
			visits := w.publish(id, visit("x", 1))
			h := w.handset("one")
			mine := h.enter(claimCode)
			backup := w.books[id].Copy()
			_, err := mine.Comment(visits[0], "written after the backup")
			must(t, err)
			h.sync()
			h.sync()
			_, err = mine.Comment(visits[0], "written after the restore")
			must(t, err)
			w.books[id].Restored(backup, epoch)
			must(t, w.books[id].Update(func(l replica.Ledger) error { return replica.Server{}.Restored(l, time.Now()) }))
			w.publish(id, visit("after the restore", 2))
			h.sync() // one is enough
			comments, err := mine.Comments(visits[0])
			if err != nil || len(comments) != 2 || comments[0].Pending || comments[1].Pending {
				t.Errorf("comments: %+v, %v", comments, err)
			}
			other := w.handset("two").enter(claimCode)
			if comments, err = other.Comments(visits[0]); err != nil || len(comments) != 2 {
				t.Errorf("on another phone: %+v, %v", comments, err)
			}
			// That rows of the server's own are missing only the new epoch tells, until sums travel with the pages.
			if page, err := mine.Visits(phone.Paging{}); epoch != "epoch-1" && (err != nil || len(page.Entries) != 2) {
				t.Errorf("visits: %+v, %v", page, err)
			}
		})
	}
}

// TestAnAnswerThatRefusesTheEditsDoesNotKeepFromReading: what is new comes all the same, and the person hears of the trouble.
func TestAnAnswerThatRefusesTheEditsDoesNotKeepFromReading(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	visits := w.publish(id, visit("x", 1))
	h := w.handset("one")
	mine := h.enter(claimCode)
	_, err := mine.Comment(visits[0], "poison")
	must(t, err)
	w.publish(id, visit("news", 2))
	w.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v1/sync" {
			return false
		}
		refuse(rw, http.StatusUnprocessableEntity, "invalid_input")
		return true
	})
	if _, err := h.Sync(t.Context()); problem.CodeOf(err) != "invalid_input" {
		t.Errorf("got %v", err)
	}
	if page, err := mine.Visits(phone.Paging{}); err != nil || len(page.Entries) != 2 {
		t.Errorf("visits: %+v, %v", page, err)
	}
	if box, err := mine.Outbox(); err != nil || len(box) != 1 || box[0].State != phone.Waiting {
		t.Errorf("outbox: %+v, %v", box, err)
	}
}

func TestNonsenseIsNoAnswer(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	w.publish(id, visit("x", 1))
	h := w.handset("one")
	mine := h.enter(claimCode)
	w.publish(id, visit("y", 2))
	for name, text := range map[string]string{
		"not JSON":        "<html>\n",
		"no member":       `{"later":{}}` + "\n",
		"a page of none":  `{"end":{"cursor":"x","lmid":0}}` + "\n",
		"another card":    `{"card":{"card":"0195e4a5-0000-7000-8000-0000000000ff","epoch":"e","view":"v"}}` + "\n",
		"nothing":         "",
		"half a line":     `{"card":{"card":"`,
		"an unknown code": `{"err":{"code":"strange"}}` + "\n",
	} {
		w.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, "/v1/sync") {
				return false
			}
			_, _ = rw.Write([]byte(text))
			return true
		})
		if _, err := h.Sync(t.Context()); err == nil {
			t.Errorf("%s: taken", name)
		}
		if page, err := mine.Visits(phone.Paging{}); err != nil || len(page.Entries) != 1 {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
}

func TestACallerMayGiveUp(t *testing.T) {
	w := newWorld(t)
	w.newCard(claimCode)
	h := w.handset("one")
	h.enter(claimCode)
	ctx, cancel := context.WithCancel(t.Context())
	h.network.fault = func(*http.Request) fault { cancel(); return fault{before: context.Canceled} }
	if _, err := h.Sync(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	h.network.fault = nil
	h.sync()
}

func TestRunSyncsWhenWoken(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	h := w.handset("one")
	h.enter(claimCode)
	must(t, h.Close())
	naps, told := make(chan time.Duration, 100), make(chan phone.Indexing, 100)
	h.cfg.Indexing = func(i phone.Indexing) { told <- i }
	h.cfg.Wait = func(ctx context.Context, d time.Duration) error { naps <- d; <-ctx.Done(); return ctx.Err() }
	h.open()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()
	if d := <-naps; d < 11*time.Minute || d > 15*time.Minute {
		t.Errorf("naps %v", d)
	}
	w.publish(id, visit("news", 1))
	h.Wake()
	<-naps
	if page, err := h.Card(id).Visits(phone.Paging{}); err != nil || len(page.Entries) != 1 {
		t.Errorf("visits: %+v, %v", page, err)
	}
	if len(told) != 1 {
		t.Error("what came was not indexed")
	}
	if _, err := h.Card(id).AddMeasurement(card.Measurement{Systolic: 120, Diastolic: 80}); err != nil { // wakes by itself
		t.Fatal(err)
	}
	<-naps
	if box, err := h.Card(id).Outbox(); err != nil || len(box) != 1 || box[0].State != phone.Accepted {
		t.Errorf("outbox: %+v, %v", box, err)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ends with %v", err)
	}
}

// TestRunWaitsLongerAfterEachFailure: from ten seconds, twice as long each time, up to a quarter of an hour; half of it is drawn, so that
// phones that lost the server together do not come back together. A success begins anew.
func TestRunWaitsLongerAfterEachFailure(t *testing.T) {
	w := newWorld(t)
	w.newCard(claimCode)
	h := w.handset("one")
	h.enter(claimCode)
	must(t, h.Close())
	naps, wakes := make(chan time.Duration), make(chan struct{})
	h.cfg.Wait = func(ctx context.Context, d time.Duration) error {
		naps <- d
		select {
		case <-wakes:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	h.open()
	h.network.down.Store(true)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()
	drawn := map[time.Duration]bool{}
	for _, seconds := range []int{10, 20, 40, 80, 160, 320, 640, 900, 900} {
		d, longest := <-naps, time.Duration(seconds)*time.Second
		if d < longest/2 || d > longest {
			t.Errorf("waits %v, not %v at most and half of it at least", d, longest)
		}
		drawn[d] = true
		wakes <- struct{}{}
	}
	if len(drawn) < 5 || drawn[10*time.Second] && drawn[20*time.Second] && drawn[40*time.Second] {
		t.Errorf("nothing is drawn: %v", drawn)
	}
	<-naps // of one more failure, from which the network's return wakes it
	h.network.down.Store(false)
	h.Wake()
	if d := <-naps; d < 11*time.Minute || d > 15*time.Minute {
		t.Errorf("waits %v after a success", d)
	}
	h.network.down.Store(true)
	h.Wake()
	if d := <-naps; d > 10*time.Second {
		t.Errorf("waits %v after the first failure since", d)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ends with %v", err)
	}
}
