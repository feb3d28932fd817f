package storetest

import (
	"reflect"
	"testing"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/vclock"
)

// What the engine asks of a ledger to forget, one after the other.
func TestLedgerForgets(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		deleted := aRecord(1, "note.general", 2)
		deleted.Deleted, deleted.VV = true, vclock.Clock{{Actor: 1, N: 1}, {Actor: 12, N: 3}}
		other := aRecord(2, "lab.general", 3)
		other.VV = vclock.Clock{{Actor: 2, N: 1}}
		onCard(t, db, id, func(l replica.Ledger) error {
			if _, err := l.Lock(); err != nil {
				return err
			}
			if err := l.Advance(6); err != nil {
				return err
			}
			if err := l.SaveRecords([]replica.Record{deleted, other}); err != nil {
				return err
			}
			for seq, scope := range []string{4: "lab.psychiatric", 5: "rx.general", 6: "lab.general"} {
				if scope != "" {
					other.Seq, other.Scope = uint64(seq), scope
					if err := l.SaveRecords([]replica.Record{other}); err != nil {
						return err
					}
				}
			}
			return nil
		})
		seqs := func(list []replica.Record, err error) (out []uint64) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range list {
				out = append(out, r.Seq)
			}
			return out
		}
		onCard(t, db, id, func(l replica.Ledger) error {
			for what, c := range map[string]struct{ got, want []uint64 }{
				"deleted up to 2":      {seqs(l.Deleted(0, 2, 9)), []uint64{2}},
				"deleted before it":    {seqs(l.Deleted(0, 1, 9)), nil},
				"deleted after it":     {seqs(l.Deleted(2, 9, 9)), nil},
				"written by 2":         {seqs(l.Written(2, 9, 9)), []uint64{6}}, // not by 12
				"written by 12":        {seqs(l.Written(12, 9, 9)), []uint64{2}},
				"written by 1":         {seqs(l.Written(1, 9, 9)), []uint64{2}},
				"written by 3":         {seqs(l.Written(3, 9, 9)), nil},
				"written by 2 up to 5": {seqs(l.Written(2, 5, 9)), nil},
				"one of those":         {seqs(l.Written(1, 9, 0)), nil},
			} {
				if !reflect.DeepEqual(c.got, c.want) {
					t.Errorf("%s: %v, want %v", what, c.got, c.want)
				}
			}
			return nil
		})
		stone := deleted
		stone.Atoms, stone.Collected = map[string][]replica.Version{}, true
		onCard(t, db, id, func(l replica.Ledger) error {
			if _, err := l.Lock(); err != nil {
				return err
			}
			if err := l.SaveRecords([]replica.Record{stone}); err != nil {
				return err
			}
			return l.Forget(5, map[string]uint64{"note.general": 2})
		})
		onCard(t, db, id, func(l replica.Ledger) error {
			found, err := l.Records([]string{stone.ID})
			if err != nil || !reflect.DeepEqual(found[stone.ID], stone) {
				t.Errorf("the stone: %+v, %v", found[stone.ID], err)
			}
			if got := seqs(l.Scan(replica.Scopes{"*"}, 0, 9)); !reflect.DeepEqual(got, []uint64{6}) {
				t.Errorf("scanned: %v", got)
			}
			if got := seqs(l.Deleted(0, 9, 9)); got != nil {
				t.Errorf("still to collect: %v", got)
			}
			if head, err := l.Head(); err != nil || head.GC != 5 || head.Seq != 6 {
				t.Errorf("head %+v, %v", head, err)
			}
			for scope, want := range map[string]uint64{"note.general": 2, "lab.general": 4, "lab.psychiatric": 5, "lab.*": 5, "rx.general": 0, "*": 5} {
				if got, err := l.Forgotten(replica.Scopes{scope}); err != nil || got != want {
					t.Errorf("forgotten of %s: %d, %v; want %d", scope, got, err, want)
				}
			}
			// Of the moves up to 5 the last is left: from there on the others can be told.
			for after, want := range map[uint64]int{3: 0, 4: 0, 5: 1, 6: 0} {
				if got, err := l.Moves(after, 9); err != nil || len(got) != want {
					t.Errorf("moves after %d: %+v, %v", after, got, err)
				}
			}
			return nil
		})
		// A clock that forgets: nobody wants that among the versions, and the sums stay true.
		other.VV, other.Seq = nil, 7
		onCard(t, db, id, func(l replica.Ledger) error {
			if _, err := l.Lock(); err != nil {
				return err
			}
			if err := l.Advance(7); err != nil {
				return err
			}
			if err := l.Replace([]replica.Record{other}); err != nil {
				return err
			}
			sum, known, err := l.Sum(replica.Scopes{"*"})
			if err != nil || !known || sum.Count != 1 || sum.Total != other.Digest() {
				t.Errorf("sum %+v, %v, %v", sum, known, err)
			}
			return nil
		})
	})
}
