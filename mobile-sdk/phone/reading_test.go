package phone_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
)

func TestEveryKindHasItsGetter(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	facts := []card.Fact{
		card.Person{Sex: "female"}, card.Visit{Status: "finished"}, card.Condition{Clinical: "active"}, card.Allergy{Type: "allergy"},
		card.Observation{Status: "final"}, card.Report{Status: "final"}, card.Medication{Status: "active"}, card.Immunization{Lot: "A1"},
		card.Procedure{Status: "completed"}, card.Plan{Status: "active"}, card.Measurement{Systolic: 120, Diastolic: 80}, card.Comment{Text: "c", About: "r"},
		card.Document{Status: "current"},
	}
	if len(facts) != len(card.Facts()) {
		t.Fatal("a kind is missing here")
	}
	w.publish(id, facts...)
	mine := w.handset("one").enter(claimCode)
	first := func(name string, want card.Fact, n int, got card.Fact, err error) {
		t.Helper()
		if err != nil || n != 1 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d entries, %#v, %v", name, n, got, err)
		}
		page, err := mine.Records(want.Kind(), phone.Paging{})
		if err != nil || len(page.Entries) != 1 || !reflect.DeepEqual(page.Entries[0].Fact, want) || page.Entries[0].Kind != want.Kind() {
			t.Errorf("Records(%s): %+v, %v", want.Kind(), page, err)
		}
		one, err := mine.Record(page.Entries[0].ID)
		if err != nil || !reflect.DeepEqual(one, page.Entries[0]) {
			t.Errorf("Record(%s): %+v, %v", want.Kind(), one, err)
		}
	}
	check := func(name string, want card.Fact) {
		t.Helper()
		switch want := want.(type) {
		case card.Person:
			e, err := mine.Patient()
			first(name, want, 1, e.Fact, err)
		case card.Visit:
			p, err := mine.Visits(phone.Paging{})
			first(name, want, len(p.Entries), p.Entries[0].Fact, err)
		case card.Condition:
			p, err := mine.Conditions(phone.Paging{})
			first(name, want, len(p.Entries), p.Entries[0].Fact, err)
		case card.Allergy:
			p, err := mine.Allergies(phone.Paging{})
			first(name, want, len(p.Entries), p.Entries[0].Fact, err)
		case card.Observation:
			p, err := mine.Observations(phone.Paging{})
			first(name, want, len(p.Entries), p.Entries[0].Fact, err)
		case card.Report:
			p, err := mine.Reports(phone.Paging{})
			first(name, want, len(p.Entries), p.Entries[0].Fact, err)
		case card.Document:
			p, err := mine.Documents(phone.Paging{})
			first(name, want, len(p.Entries), p.Entries[0].Fact, err)
		case card.Medication:
			p, err := mine.Medications(phone.Paging{})
			first(name, want, len(p.Entries), p.Entries[0].Fact, err)
		case card.Immunization:
			p, err := mine.Immunizations(phone.Paging{})
			first(name, want, len(p.Entries), p.Entries[0].Fact, err)
		case card.Procedure:
			p, err := mine.Procedures(phone.Paging{})
			first(name, want, len(p.Entries), p.Entries[0].Fact, err)
		case card.Plan:
			p, err := mine.Plans(phone.Paging{})
			first(name, want, len(p.Entries), p.Entries[0].Fact, err)
		case card.Measurement:
			p, err := mine.Measurements(phone.Paging{})
			first(name, want, len(p.Entries), p.Entries[0].Fact, err)
		case card.Comment:
			list, err := mine.Comments("r")
			first(name, want, len(list), list[0].Fact, err)
		}
	}
	for _, f := range facts {
		check(string(f.Kind()), f)
	}
	if _, err := mine.Record(card.RecordID(uuid.NewString())); !errors.Is(err, phone.ErrNoRecord) {
		t.Errorf("an unknown record: %v", err)
	}
}

// TestPagesAreTheList: whatever the size of the page, the pages together are the list, newest first, pending records where they
// belong, each once.
func TestPagesAreTheList(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	days := []int{1, 5, 9, 9, 12, 30, 2, 7}
	for _, day := range days {
		w.publish(id, card.Measurement{Systolic: 120, Diastolic: 80, Unit: card.MillimetresOfMercury, At: card.DateOf(w.now.AddDate(0, 0, -day))})
	}
	w.publish(id, card.Measurement{Systolic: 99, Diastolic: 80}) // nobody knows when
	h := w.handset("one")
	mine := h.enter(claimCode)
	for _, day := range []int{0, 8, 8, 40} {
		_, err := mine.AddMeasurement(card.Measurement{Systolic: 130, Diastolic: 80, At: card.DateOf(w.now.AddDate(0, 0, -day))})
		must(t, err)
	}
	doomed, err := mine.AddMeasurement(card.Measurement{Systolic: 131, Diastolic: 80})
	must(t, err)
	e, err := mine.Edit(doomed.Record)
	must(t, err)
	_, err = e.Delete()
	must(t, err)

	whole, err := mine.Measurements(phone.Paging{Limit: 100})
	must(t, err)
	if len(whole.Entries) != 13 || whole.Next != "" {
		t.Fatalf("%d entries, next %q", len(whole.Entries), whole.Next)
	}
	for i, e := range whole.Entries[1:] {
		if e.When.After(whole.Entries[i].When) {
			t.Errorf("%v comes after %v", e.When, whole.Entries[i].When)
		}
	}
	if last := whole.Entries[12]; last.Fact.Systolic != 99 {
		t.Errorf("what has no date comes last: %+v", last)
	}
	rapid.Check(t, func(r *rapid.T) {
		var parts []phone.Entry[card.Measurement]
		for p := (phone.Paging{}); ; {
			p.Limit = rapid.IntRange(1, 6).Draw(r, "limit")
			part, err := mine.Measurements(p)
			if err != nil || len(part.Entries) > p.Limit || len(part.Entries) == 0 {
				r.Fatalf("%d entries of %d: %v", len(part.Entries), p.Limit, err)
			}
			parts = append(parts, part.Entries...)
			if p.After = part.Next; p.After == "" {
				break
			}
		}
		if !reflect.DeepEqual(parts, whole.Entries) {
			r.Fatalf("got %v", parts)
		}
	})
	for _, after := range []string{"x", "_", "1", "a_b"} {
		if _, err := mine.Measurements(phone.Paging{After: after}); !errors.Is(err, phone.ErrPaging) {
			t.Errorf("After %q: %v", after, err)
		}
	}
}

func TestPapersCarryTheirCodes(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	issued := w.now.Truncate(time.Second)
	rx := prescription.Prescription{
		ID: prescription.ID(uuid.NewString()), IssuedAt: issued, ValidUntil: issued.AddDate(0, 0, 60),
		Sheet:  prescription.Sheet{Bearer: identity.Bearer{Initials: "И. А. П.", BirthYear: 1980}, Clinic: "Поликлиника № 1", Items: []prescription.Item{{Name: "Амоксициллин", Quantity: 20}}},
		Course: prescription.Course{ValidUntil: issued.AddDate(0, 0, 60), Items: []prescription.Progress{{Prescribed: 20}}},
	}
	ref := referral.Referral{ID: referral.ID(uuid.NewString()), IssuedAt: issued, ValidUntil: issued.AddDate(0, 0, 30), Sheet: referral.Sheet{Purpose: "МРТ"}}
	for _, r := range []cardsync.Record{cardsync.FromPrescription(rx, "EMC1:RX"), cardsync.FromReferral(ref, "EMC1:REF")} {
		w.publishAll(id, replica.Fact{ID: string(r.ID), Kind: string(r.Kind), Scope: string(r.Scope), Date: r.Dated, Atoms: r.Atoms})
	}
	h := w.handset("one")
	mine := h.enter(claimCode)
	h.network.down.Store(true)
	ps, err := mine.Prescriptions(phone.Paging{})
	if err != nil || len(ps.Entries) != 1 || ps.Entries[0].Fact.Code != "EMC1:RX" || ps.Entries[0].Fact.Sheet.Items[0].Name != "Амоксициллин" || ps.Entries[0].Fact.Card != id {
		t.Errorf("prescriptions: %+v, %v", ps, err)
	}
	rs, err := mine.Referrals(phone.Paging{})
	if err != nil || len(rs.Entries) != 1 || rs.Entries[0].Fact.Code != "EMC1:REF" || rs.Entries[0].Fact.Sheet.Purpose != "МРТ" {
		t.Errorf("referrals: %+v, %v", rs, err)
	}
	if _, err := mine.Edit(ps.Entries[0].ID); err == nil {
		t.Error("a prescription can be edited")
	}
}

// TestAShapeOfTomorrowBreaksNoList: one record that this version cannot read is counted, and the others are shown.
func TestAShapeOfTomorrowBreaksNoList(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	w.publish(id, visit("x", 1))
	w.publishAll(id, replica.Fact{ID: uuid.NewString(), Kind: string(card.KindEncounter), Scope: "visit.general", Date: w.now, Atoms: map[string]json.RawMessage{cardsync.AtomFact: json.RawMessage(`[1]`)}})
	page, err := w.handset("one").enter(claimCode).Visits(phone.Paging{})
	if err != nil || len(page.Entries) != 1 || page.Unreadable != 1 {
		t.Errorf("got %+v, %v", page, err)
	}
}

func TestLeasesEndAndSettingTheClockBackGainsNothing(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	visits := w.publish(id, visit("x", 1))
	h := w.handset("one")
	h.enter(claimCode)
	drift := time.Duration(0)
	h.cfg.Clock = func() time.Time { return w.clock().Add(drift) }
	h.restart()
	mine := h.Card(id)
	h.network.down.Store(true)

	w.pass(89 * 24 * time.Hour)
	if page, err := mine.Visits(phone.Paging{}); err != nil || len(page.Entries) != 1 {
		t.Fatalf("within the lease: %+v, %v", page, err)
	}
	w.pass(2 * 24 * time.Hour)
	locked := func(when string) {
		t.Helper()
		var lease *phone.LeaseError
		if _, err := mine.Visits(phone.Paging{}); !errors.Is(err, phone.ErrLeaseEnded) || !errors.As(err, &lease) || !slices.Equal(lease.Scopes, []card.Scope{"visit.general"}) {
			t.Errorf("%s: Visits: %v", when, err)
		}
		if _, err := mine.Record(visits[0]); !errors.Is(err, phone.ErrLeaseEnded) {
			t.Errorf("%s: Record: %v", when, err)
		}
		if _, err := mine.Counts(); !errors.Is(err, phone.ErrLeaseEnded) {
			t.Errorf("%s: Counts: %v", when, err)
		}
		if _, err := mine.Comment(visits[0], "x"); !errors.Is(err, phone.ErrLeaseEnded) {
			t.Errorf("%s: Comment: %v", when, err)
		}
	}
	locked("after the end")
	drift = -30 * 24 * time.Hour
	locked("clock set back")
	h.restart()
	mine = h.Card(id)
	locked("clock set back, and restarted")
	drift = 0
	h.network.down.Store(false)
	h.sync()
	if page, err := mine.Visits(phone.Paging{}); err != nil || len(page.Entries) != 1 {
		t.Errorf("after a sync: %+v, %v", page, err)
	}
}

// TestAClockFromTheFutureHeals: once the phone has believed to be in 2040 only the server can tell it otherwise.
func TestAClockFromTheFutureHeals(t *testing.T) {
	w := newWorld(t)
	w.now = time.Now().UTC() // the Date of the test server's answers is the real one
	id := w.newCard(claimCode)
	w.publish(id, visit("x", 1))
	h := w.handset("one")
	h.enter(claimCode)
	drift := 14 * 365 * 24 * time.Hour
	must(t, h.Close())
	h.cfg.Clock = func() time.Time { return w.clock().Add(drift) }
	h.open()
	mine := h.Card(id)
	if _, err := mine.Visits(phone.Paging{}); !errors.Is(err, phone.ErrLeaseEnded) {
		t.Errorf("in 2040: %v", err)
	}
	drift = 0
	h.restart()
	mine = h.Card(id)
	if _, err := mine.Visits(phone.Paging{}); !errors.Is(err, phone.ErrLeaseEnded) {
		t.Errorf("back from 2040: %v", err)
	}
	h.sync()
	if page, err := mine.Visits(phone.Paging{}); err != nil || len(page.Entries) != 1 {
		t.Errorf("after a sync: %+v, %v", page, err)
	}
}

// TestNothingReadableIsLeft is the canary test of the whole client: after a life with sign-in, sync and edits no file holds a word.
func TestNothingReadableIsLeft(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	const canary = "Канарейка-7391"
	visits := w.publish(id, visit(canary, 1))
	h := w.handset("one")
	mine := h.enter(claimCode)
	_, err := mine.Comment(visits[0], canary)
	must(t, err)
	h.sync()
	secrets := []string{canary, string(id), string(visits[0]), w.refresh, "mcr_", account, "visit.general"}
	dir := filepath.Dir(h.cfg.File)
	search := func(when string) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if must(t, err); len(files) == 0 {
			t.Fatal("no files")
		}
		for _, name := range files {
			content, err := os.ReadFile(name)
			must(t, err)
			for _, word := range secrets {
				if bytes.Contains(content, []byte(word)) {
					t.Errorf("%s: %s holds %q", when, filepath.Base(name), word)
				}
			}
		}
	}
	search("open")
	must(t, h.Close())
	search("closed")
	cfg := h.cfg
	cfg.Key = bytes.Repeat([]byte{9}, 32)
	if _, err := phone.Open(t.Context(), cfg); !errors.Is(err, phone.ErrKey) {
		t.Errorf("another key: %v", err)
	}
	h.open()
	must(t, h.Wipe())
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("after Wipe: %v, %v", left, err)
	}
	if _, err := h.Card(id).Visits(phone.Paging{}); !errors.Is(err, phone.ErrClosed) {
		t.Errorf("after Wipe: %v", err)
	}
	if _, ok := h.SignedIn(); ok {
		t.Error("still signed in")
	}
}

// TestACrashBetweenPages copies the file after each page, as a phone that dies there would leave it, and goes on from each copy.
func TestACrashBetweenPages(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	w.publish(id, manyVisits(130)...)
	h := w.handset("one")
	var crashes []string
	must(t, h.Close())
	dir := t.TempDir()
	h.cfg.Progress = func(p phone.Progress) {
		to := filepath.Join(dir, fmt.Sprint("crash-", p.Done, ".db"))
		for _, suffix := range []string{"", "-wal"} {
			content, err := os.ReadFile(h.cfg.File + suffix)
			must(t, err)
			must(t, os.WriteFile(to+suffix, content, 0o600))
		}
		crashes = append(crashes, to)
	}
	h.open()
	h.enter(claimCode)
	if len(crashes) < 4 {
		t.Fatalf("%d pages", len(crashes))
	}
	for i, file := range crashes {
		survivor := &handset{t: t, network: h.network, cfg: h.cfg}
		survivor.cfg.File, survivor.cfg.Progress = file, nil
		survivor.open()
		counts, err := survivor.Card(id).Counts()
		if want := min(40*(i+1), 130); err != nil || counts[card.KindEncounter] != want {
			t.Errorf("crash %d: %v, %v; want %d", i, counts, err, want)
		}
		survivor.sync()
		if counts, err = survivor.Card(id).Counts(); err != nil || counts[card.KindEncounter] != 130 {
			t.Errorf("crash %d, then a sync: %v, %v", i, counts, err)
		}
		must(t, survivor.Close())
	}
}
