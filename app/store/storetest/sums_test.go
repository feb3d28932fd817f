package storetest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// history makes one random commit after the other: records come, change, move to another scope, are deleted and come back.
type history struct {
	random  *rand.Rand
	records map[string]replica.Record
}

var sumScopes = []string{"lab.general", "lab.psychiatric", "note.general"}

func (h *history) commit(l replica.Ledger) error {
	head, err := l.Lock()
	if err != nil {
		return err
	}
	seq := head.Seq
	var changed []replica.Record
	for _, n := range h.random.Perm(12)[:1+h.random.IntN(8)] {
		seq++
		r := aRecord(n+1, sumScopes[h.random.IntN(len(sumScopes))], seq)
		if old, ok := h.records[r.ID]; ok {
			if h.random.IntN(3) > 0 {
				r.Scope = old.Scope
			}
			r.Deleted = h.random.IntN(3) == 0
			r.VV = old.VV.With(vclock.Dot{Actor: 1, N: seq})
		}
		r.Date = r.Date.Add(time.Duration(h.random.IntN(2_000)) * time.Nanosecond) // finer than databases keep
		r.Atoms["text"][0].Value = json.RawMessage(fmt.Sprintf(`"%d < %d"`, n, seq))
		h.records[r.ID] = r
		changed = append(changed, r)
	}
	if err := l.Advance(seq); err != nil {
		return err
	}
	return l.SaveRecords(changed)
}

// compare holds what the ledger keeps against what it is the sum of, and against what was written.
func (h *history) compare(t *testing.T, l replica.Ledger, step int) error {
	t.Helper()
	for _, scopes := range []replica.Scopes{{"*"}, {"lab.*"}, {"lab.general"}, {"note.general", "lab.psychiatric"}, {"rx.general"}, {}} {
		var want wire.Sum
		for _, r := range h.records {
			if !r.Deleted && scopes.Holds(r.Scope) {
				want.Add(r.Digest())
			}
		}
		kept, known, err := l.Sum(scopes)
		if err != nil {
			return err
		}
		entries, err := l.Digests(scopes, "", "", 100)
		if err != nil {
			return err
		}
		var made wire.Sum
		for i, e := range entries {
			made.Add(e.Digest)
			if i > 0 && entries[i-1].ID >= e.ID {
				t.Errorf("step %d: digests are not in the order of ids", step)
			}
		}
		if !known || kept != want || made != want {
			t.Errorf("step %d, %v: kept %v (known: %v), made of the rows %v, want %v", step, scopes, kept, known, made, want)
		}
	}
	return nil
}

// After any history the sums that are kept are those of the records.
func TestSumsFollowAnyHistory(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		h := history{random: rand.New(rand.NewPCG(14, 14)), records: map[string]replica.Record{}}
		onCard(t, db, id, func(l replica.Ledger) error { return h.compare(t, l, -1) })
		for step := range 40 {
			onCard(t, db, id, func(l replica.Ledger) error {
				for range 1 + step%3 { // several commits of one transaction, too
					if err := h.commit(l); err != nil {
						return err
					}
				}
				return nil
			})
			onCard(t, db, id, func(l replica.Ledger) error { return h.compare(t, l, step) })
		}
	})
}

func TestDigestsOfARange(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		onCard(t, db, id, func(l replica.Ledger) error {
			var all []replica.Record
			for n := range 6 {
				all = append(all, aRecord(n+1, "lab.general", uint64(n+2)))
			}
			return l.SaveRecords(all)
		})
		name := func(n int) string { return aRecord(n+1, "", 0).ID }
		onCard(t, db, id, func(l replica.Ledger) error {
			for _, c := range []struct {
				from, to    string
				limit, want int
			}{{"", "", 100, 6}, {name(2), "", 100, 4}, {"", name(2), 100, 2}, {name(1), name(4), 100, 3}, {name(9), "", 100, 0}, {"", "", 4, 4}, {name(4), "", 4, 2}} {
				entries, err := l.Digests(replica.Scopes{"lab.general"}, c.from, c.to, c.limit)
				if err != nil || len(entries) != c.want || c.want > 0 && entries[0].ID != max(c.from, name(0)) {
					t.Errorf("from %q to %q, %d at most: %v, %v; want %d", c.from, c.to, c.limit, entries, err, c.want)
				}
			}
			return nil
		})
	})
}

// A card from before there were sums is counted with its next commit.
func TestACardThatWasNeverCounted(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		db := OpenStore(t, cfg)
		id := newCard(t, db, "ada")
		h := history{random: rand.New(rand.NewPCG(1, 1)), records: map[string]replica.Record{}}
		for range 5 {
			onCard(t, db, id, h.commit)
		}
		raw, _ := bare(t, cfg)
		if _, err := raw.ExecContext(t.Context(), "UPDATE card_scope SET live = NULL, sum = NULL"); err != nil {
			t.Fatal(err)
		}
		onCard(t, db, id, func(l replica.Ledger) error {
			if _, known, err := l.Sum(replica.Scopes{"*"}); known || err != nil {
				t.Errorf("an uncounted card has a sum, %v", err)
			}
			return nil
		})
		onCard(t, db, id, h.commit)
		onCard(t, db, id, func(l replica.Ledger) error { return h.compare(t, l, 0) })
	})
}

// Whoever has the database but not the keys must not be able to try out what a record says: no sum of its digest is in the clear.
func TestSumsAreSealed(t *testing.T) {
	cfg := SQLite(t)
	db := OpenStore(t, cfg)
	id := newCard(t, db, "ada")
	r := aRecord(1, "lab.general", 2)
	onCard(t, db, id, func(l replica.Ledger) error { return l.SaveRecords([]replica.Record{r}) })
	raw, _ := bare(t, cfg)
	var sum []byte
	if err := raw.QueryRowContext(t.Context(), "SELECT sum FROM card_scope WHERE scope = 'lab.general'").Scan(&sum); err != nil {
		t.Fatal(err)
	}
	if len(sum) < 8+12+16 {
		t.Errorf("the sum is %x", sum)
	}
}

// Of each section it is known whether a record stands in it, also where the card was never counted.
func TestInWhichSectionsSomethingStands(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		db := OpenStore(t, cfg)
		id := newCard(t, db, "ada")
		h := history{random: rand.New(rand.NewPCG(2, 2)), records: map[string]replica.Record{}}
		raw, _ := bare(t, cfg)
		empty := 0
		for step := range 40 {
			onCard(t, db, id, h.commit)
			if step%2 > 0 {
				if _, err := raw.ExecContext(t.Context(), "UPDATE card_scope SET live = NULL, sum = NULL"); err != nil {
					t.Fatal(err)
				}
			}
			want := map[card.Scope]card.Section{}
			for _, r := range h.records {
				s := want[card.Scope(r.Scope)]
				s.Head, s.Live = max(s.Head, r.Seq), s.Live || !r.Deleted
				want[card.Scope(r.Scope)] = s
			}
			for _, s := range sections(t, db, id) {
				if w := want[s.Scope]; s.Live != w.Live || s.Head < w.Head {
					t.Errorf("step %d: %+v, want %+v", step, s, w)
				}
				if !s.Live {
					empty++
				}
				delete(want, s.Scope)
			}
			if len(want) > 0 {
				t.Errorf("step %d: not told of %v", step, want)
			}
		}
		if empty == 0 {
			t.Error("no section was ever empty: this proves nothing")
		}
	})
}

func sections(t *testing.T, db *store.DB, id card.ID) (list []card.Section) {
	t.Helper()
	if err := db.View(t.Context(), func(tx *store.Tx) error {
		p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
		if err == nil {
			list, err = tx.Sections(p)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return list
}
