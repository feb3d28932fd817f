package phone_test

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/ext/fts5"

	"github.com/medcard/medcard/mobile-sdk/phone"
)

// spoil changes the phone's file behind its back, as a bad memory chip would.
func (h *handset) spoil(statement string, args ...any) {
	h.t.Helper()
	db, err := driver.Open("file:"+h.cfg.File+"?vfs=adiantum&_txlock=immediate", func(c *sqlite3.Conn) error {
		return errors.Join(c.Exec("PRAGMA hexkey='"+hex.EncodeToString(h.cfg.Key)+"'"), fts5.Register(c), c.Exec("PRAGMA busy_timeout=5000"))
	})
	must(h.t, err)
	defer db.Close()
	result, err := db.ExecContext(context.Background(), statement, args...)
	must(h.t, err)
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		h.t.Fatalf("nothing was damaged: %v", err)
	}
}

func (h *handset) reasons(k *phone.Card) (all []string) {
	h.t.Helper()
	for after := ""; ; {
		page, err := k.Visits(phone.Paging{Limit: 20, After: after})
		must(h.t, err)
		for _, e := range page.Entries {
			all = append(all, reasonOf(e.Fact))
		}
		if after = page.Next; after == "" {
			slices.Sort(all)
			return all
		}
	}
}

// A check finds whatever is damaged in the file, and fetches that alone.
func TestACheckMendsTheFile(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	visits := w.publish(id, manyVisits(130)...)
	h := w.handset("one")
	mine := h.enter(claimCode)
	want := h.reasons(mine)
	if r, err := mine.Check(t.Context()); err != nil || r != (phone.CheckReport{}) {
		t.Fatalf("a sound card: %+v, %v", r, err)
	}
	page, err := mine.Visits(phone.Paging{Limit: 1})
	must(t, err)
	_, err = mine.Comment(page.Entries[0].ID, "waits")
	must(t, err)

	h.spoil("UPDATE record SET body = x'7b' WHERE id IN (SELECT id FROM record ORDER BY id LIMIT 2)")
	if got := h.reasons(mine); len(got) != len(want)-2 {
		t.Errorf("a list with two damaged records has %d of %d", len(got), len(want))
	}
	h.spoil("UPDATE record SET body = CAST(substr(body, 1, 99) || CASE substr(body, 100, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(body, 101) AS BLOB) WHERE id = ?", visits[99])
	h.spoil("DELETE FROM record WHERE id = ?", visits[50])
	h.spoil("UPDATE record SET id = replace(id, '-7', '-6') WHERE id = ?", visits[51])
	h.spoil("UPDATE record SET id = 'x' || substr(id, 2) WHERE id = ?", visits[52])
	r, err := mine.Check(t.Context())
	if err != nil || r.Damaged != 5 || r.Repaired != 6 || r.Dropped != 1 {
		t.Errorf("the check: %+v, %v", r, err)
	}
	if got := h.reasons(mine); !slices.Equal(got, want) {
		t.Errorf("after the check there are %d visits, before the damage %d", len(got), len(want))
	}
	if r, err := mine.Check(t.Context()); err != nil || r != (phone.CheckReport{}) {
		t.Errorf("a second check: %+v, %v", r, err)
	}
	if edits, err := mine.Outbox(); err != nil || len(edits) != 1 {
		t.Errorf("of one edit that waited %d are left, %v", len(edits), err)
	}
}

// Sync compares sums, and mends by itself what it finds: the person only sees the record come right.
func TestASyncMendsWhatItsSumFinds(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	visits := w.publish(id, manyVisits(130)...)
	h := w.handset("one")
	mine := h.enter(claimCode)
	want := h.reasons(mine)
	h.spoil("UPDATE record SET digest = digest + 1, body = CAST(substr(body, 1, 99) || CASE substr(body, 100, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(body, 101) AS BLOB) WHERE id = ?", visits[7])
	h.spoil("UPDATE tally SET sum = sum + 1")
	w.publish(id, visit("new", 500))
	h.sync()
	if got := h.reasons(mine); len(got) != len(want)+1 {
		t.Errorf("%d visits", len(got))
	}
	asked := w.count("/v1/sync/check")
	if asked == 0 || !slices.Contains(h.reasons(mine), "visit 7") {
		t.Fatalf("%d questions, and the visits are %q", asked, h.reasons(mine))
	}
	w.publish(id, visit("newer", 501))
	if h.sync(); w.count("/v1/sync/check") != asked {
		t.Error("the mended card is checked again")
	}
}

// Phones whose base comes from a version without sums do not all check at the first sync after the update, but all do before long.
func TestPhonesOfAnOlderVersionCheckOneByOne(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	visits := w.publish(id, manyVisits(20)...)
	var phones []*handset
	for _, name := range []string{"one", "two", "three", "four", "five", "six"} {
		h := w.handset(name)
		h.enter(claimCode)
		h.spoil("DELETE FROM record WHERE id = ?", visits[7])
		h.spoil("UPDATE tally SET count = count - 1")
		h.spoil("UPDATE place SET meta = CAST(json_remove(CAST(meta AS TEXT), '$.checked') AS BLOB)")
		phones = append(phones, h)
	}
	whole := 0
	for round := 0; whole < len(phones); round++ {
		w.publish(id, visit("new", 500+round))
		whole = 0
		for _, h := range phones {
			if h.sync(); slices.Contains(h.reasons(h.Card(id)), "visit 7") {
				whole++
			}
		}
		if round == 0 && whole == len(phones) {
			t.Error("all of them check at once")
		}
		if round == 300 {
			t.Fatalf("%d of %d have checked", whole, len(phones))
		}
	}
}

// A check that fails is nobody's trouble, and one that is cut off goes on later.
func TestACheckIsNobodysTrouble(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	visits := w.publish(id, manyVisits(130)...)
	h := w.handset("one")
	mine := h.enter(claimCode)
	want := h.reasons(mine)
	h.spoil("DELETE FROM record WHERE id = ?", visits[7])
	h.spoil("UPDATE tally SET count = count - 1")
	h.network.fault = func(r *http.Request) fault {
		if r.URL.Path == "/v1/sync/check" {
			return fault{before: errNoSignal}
		}
		return fault{}
	}
	w.publish(id, visit("new", 500))
	if r := h.sync(); r.Received != 1 {
		t.Errorf("the sync: %+v", r)
	}
	h.network.fault = nil
	w.publish(id, visit("newer", 501))
	h.sync()
	if len(h.reasons(mine)) != len(want)+1 {
		t.Error("a check that failed is tried again at once")
	}
	w.pass(2 * time.Hour)
	w.publish(id, visit("newest", 502))
	h.sync()
	if got := h.reasons(mine); len(got) != len(want)+3 {
		t.Errorf("%d visits of %d", len(got), len(want)+3)
	}
}

// Among news, with a card that goes, in a new epoch: a check syncs first, or ends.
func TestACheckThatIsOutOfStep(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	visits := w.publish(id, manyVisits(130)...)
	h := w.handset("one")
	mine := h.enter(claimCode)
	h.spoil("DELETE FROM record WHERE id = ?", visits[7])
	w.publish(id, visit("new", 500))
	if r, err := mine.Check(t.Context()); err != nil || r.Repaired != 1 {
		t.Errorf("among news: %+v, %v", r, err)
	}
	if got := h.reasons(mine); len(got) != 131 {
		t.Errorf("%d visits", len(got))
	}
	w.mu.Lock()
	w.owned = nil
	w.mu.Unlock()
	if _, err := mine.Check(t.Context()); err != nil {
		t.Errorf("a card that went: %v", err)
	}
	if got := h.reasons(mine); len(got) != 0 {
		t.Errorf("%d visits of a card that went", len(got))
	}
}

// A card of which nobody has any doubt is looked at once a month, when there is time.
func TestRunChecksOnceAMonth(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	visits := w.publish(id, manyVisits(130)...)
	h := w.handset("one")
	mine := h.enter(claimCode)
	run := func() {
		ctx, stop := context.WithCancel(t.Context())
		h.idle = stop
		if err := h.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if run(); w.count("/v1/sync/check") != 0 {
		t.Error("checked at once")
	}
	h.spoil("DELETE FROM record WHERE id = ?", visits[7])
	w.pass(31 * 24 * time.Hour)
	if run(); !slices.Contains(h.reasons(mine), "visit 7") {
		t.Error("not checked after a month")
	}
	asked := w.count("/v1/sync/check")
	if run(); w.count("/v1/sync/check") != asked {
		t.Error("checked again")
	}
}
