package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/vclock"
)

// onCard runs f on the ledger of the card, as its owner.
func onCard(t *testing.T, db *store.DB, id card.ID, f func(replica.Ledger) error) {
	t.Helper()
	err := db.Update(context.Background(), func(tx *store.Tx) error {
		p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
		if err != nil {
			return err
		}
		l, err := tx.Ledger(p)
		if err != nil {
			return err
		}
		return f(l)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func aRecord(n int, scope string, seq uint64) replica.Record {
	dot := vclock.Dot{Actor: 1, N: uint64(n)}
	return replica.Record{
		ID: fmt.Sprintf("0191d5a0-0000-7000-8000-%012d", n), Kind: "comment", Scope: scope, Seq: seq, VV: vclock.Clock{dot}, Date: noon.Add(time.Duration(n) * time.Hour),
		Atoms: map[string][]replica.Version{"text": {{Dot: dot, Seq: seq, HLC: 7, Value: json.RawMessage(`"да"`)}}},
	}
}

func TestLedgerKeepsRecords(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		want := aRecord(1, "note.general", 1)
		onCard(t, db, id, func(l replica.Ledger) error {
			head, err := l.Lock()
			if err != nil {
				return err
			}
			if head.Seq != 1 || head.Epoch == "" { // the owner's grant is a commit
				t.Errorf("a new card stands at %+v", head)
			}
			if err := l.Advance(3); err != nil {
				return err
			}
			return l.SaveRecords([]replica.Record{want, aRecord(2, "lab.general", 2), aRecord(3, "lab.psychiatric", 3)})
		})
		onCard(t, db, id, func(l replica.Ledger) error {
			head, err := l.Head()
			if err != nil || head.Seq != 3 {
				t.Errorf("head %+v, %v", head, err)
			}
			found, err := l.Records([]string{want.ID, "0191d5a0-0000-7000-8000-00000000dead"})
			if err != nil {
				return err
			}
			if len(found) != 1 || !reflect.DeepEqual(found[want.ID], want) {
				t.Errorf("got  %+v\nwant %+v", found[want.ID], want)
			}
			for _, c := range []struct {
				scopes replica.Scopes
				after  uint64
				limit  int
				want   []uint64
			}{
				{replica.Scopes{"*"}, 0, 10, []uint64{1, 2, 3}},
				{replica.Scopes{"*"}, 1, 1, []uint64{2}},
				{replica.Scopes{"lab.*"}, 0, 10, []uint64{2, 3}},
				{replica.Scopes{"lab.general", "note.*"}, 0, 10, []uint64{1, 2}},
				{replica.Scopes{}, 0, 10, nil},
			} {
				list, err := l.Scan(c.scopes, c.after, c.limit)
				if err != nil {
					return err
				}
				var seqs []uint64
				for _, r := range list {
					seqs = append(seqs, r.Seq)
				}
				if !reflect.DeepEqual(seqs, c.want) {
					t.Errorf("scan %v after %d: %v, want %v", c.scopes, c.after, seqs, c.want)
				}
			}
			return nil
		})
		// A new version, deleted and in another scope.
		onCard(t, db, id, func(l replica.Ledger) error {
			next := want
			next.Seq, next.Scope, next.Deleted = 4, "note.hidden", true
			if err := l.Advance(4); err != nil {
				return err
			}
			if err := l.SaveRecords([]replica.Record{next}); err != nil {
				return err
			}
			found, err := l.Records([]string{want.ID})
			if !reflect.DeepEqual(found[want.ID], next) {
				t.Errorf("got %+v", found[want.ID])
			}
			return err
		})
	})
}

func TestLedgerKeepsActorsAndDecisions(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		want := replica.Actor{Ordinal: 1, Device: "d1", Key: "k", LMID: 2, Acked: 1, Low: 0, LastSeen: noon, State: replica.Live}
		decisions := []replica.Decision{{N: 1, Hash: [32]byte{1}, Outcome: "accepted"}, {N: 2, Hash: [32]byte{2}, Outcome: "refused", Code: "invalid"}}
		onCard(t, db, id, func(l replica.Ledger) error {
			if err := l.SaveActor(replica.Actor{Ordinal: 1, Device: "d1", LastSeen: noon, State: replica.Live}); err != nil {
				return err
			}
			if err := l.SaveActor(want); err != nil {
				return err
			}
			return l.SaveDecisions(1, decisions)
		})
		onCard(t, db, id, func(l replica.Ledger) error {
			actors, err := l.Actors()
			if err != nil || len(actors) != 1 || actors[0] != want {
				t.Errorf("actors %+v, %v", actors, err)
			}
			if a, ok, err := l.Actor(1); !ok || err != nil || a != want {
				t.Errorf("actor %+v, %v, %v", a, ok, err)
			}
			if _, ok, err := l.Actor(2); ok || err != nil {
				t.Errorf("an actor that was never there: %v, %v", ok, err)
			}
			kept, err := l.Decisions(1, 1, 2)
			if err != nil || !reflect.DeepEqual(kept, decisions) {
				t.Errorf("decisions %+v, %v", kept, err)
			}
			if err := l.DropDecisions(1, 1); err != nil {
				return err
			}
			kept, err = l.Decisions(1, 0, 9)
			if len(kept) != 1 || kept[0].N != 2 {
				t.Errorf("after the drop: %+v", kept)
			}
			return err
		})
	})
}

// Whatever runs decisions are saved, asked for and dropped in, each is itself.
func TestLedgerKeepsDecisionsInRuns(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		var all []replica.Decision
		for n := range 60 {
			d := replica.Decision{N: uint64(n + 1), Hash: sha256.Sum256([]byte{byte(n)}), Outcome: "accepted"}
			if n%17 == 5 || n%17 == 6 {
				d.Outcome, d.Code = "refused", []string{"invalid", "tooLarge"}[n%2]
			}
			all = append(all, d)
		}
		onCard(t, db, id, func(l replica.Ledger) error {
			return errors.Join(l.SaveDecisions(1, all[:20]), l.SaveDecisions(2, all[:9]), l.SaveDecisions(1, all[20:21]), l.SaveDecisions(1, all[21:]))
		})
		for _, dropped := range []int{0, 3, 5, 6, 19, 20, 21, 40, 60} {
			onCard(t, db, id, func(l replica.Ledger) error {
				if err := l.DropDecisions(1, uint64(dropped)); err != nil {
					return err
				}
				for from := 1; from <= 61; from += 4 {
					for to := from; to <= 61; to += 3 {
						want := all[min(60, max(dropped, from-1)):min(60, max(dropped, to))]
						if kept, err := l.Decisions(1, uint64(from), uint64(to)); err != nil || !slices.Equal(kept, want) {
							t.Errorf("up to %d dropped, %d to %d: %d decisions, want %d, %v", dropped, from, to, len(kept), len(want), err)
						}
					}
				}
				return nil
			})
		}
		onCard(t, db, id, func(l replica.Ledger) error {
			kept, err := l.Decisions(2, 1, 9)
			if !slices.Equal(kept, all[:9]) {
				t.Errorf("another actor has %d", len(kept))
			}
			return err
		})
	})
}

// What a set of scopes holds is said three times: by the domain, by the engine of both sides, and in SQL. They agree.
func TestWhatAScopeHoldsIsSaidAlike(t *testing.T) {
	var scopes []card.Scope
	patterns := []card.Scope{"*"}
	for _, class := range card.Classes() {
		patterns = append(patterns, card.Scope(class+".*"))
		for _, label := range card.Labels() {
			s := card.Scope(class + "." + label)
			scopes = append(scopes, s, s.Current(), s.Hide())
			patterns = append(patterns, s, s.Current())
		}
	}
	for _, label := range card.Labels() {
		patterns = append(patterns, card.Scope("*."+label))
	}
	Each(t, func(t *testing.T, db *store.DB) {
		onCard(t, db, newCard(t, db, "ada"), func(l replica.Ledger) error {
			var all []replica.Record
			for n, s := range scopes {
				all = append(all, aRecord(n+1, string(s), uint64(n+2)))
			}
			if err := l.SaveRecords(all); err != nil {
				return err
			}
			for i, pattern := range patterns {
				set := card.Scopes{pattern, patterns[(i*7+3)%len(patterns)]}
				if i%2 > 0 {
					set = set[:1]
				}
				found, err := l.Scan(set.Words(), 0, len(all))
				if err != nil {
					return err
				}
				sql := map[card.Scope]bool{}
				for _, r := range found {
					sql[card.Scope(r.Scope)] = true
				}
				for _, s := range scopes {
					if domain, engine := set.Holds(s), replica.Scopes(set.Words()).Holds(string(s)); domain != engine || domain != sql[s] {
						t.Errorf("%v holds %s: %v by the domain, %v by the engine, %v in SQL", set, s, domain, engine, sql[s])
					}
				}
			}
			return nil
		})
	})
}
