package storetest

import (
	"math"
	"reflect"
	"testing"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/sync/replica"
)

// What a pull needs to tell that a record went out of sight: its moves since a commit, and the news of each scope.
func TestLedgerTellsMoves(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		var first replica.Record
		var head replica.Head
		save := func(scopes ...string) {
			t.Helper()
			onCard(t, db, id, func(l replica.Ledger) (err error) {
				for _, scope := range scopes {
					if head, err = l.Lock(); err != nil {
						return err
					}
					first = aRecord(1, scope, head.Seq+1)
					if err := l.Advance(first.Seq); err != nil {
						return err
					}
					if err := l.SaveRecords([]replica.Record{first}); err != nil {
						return err
					}
				}
				return nil
			})
		}
		save("lab.general")
		born := first.Seq
		save("lab.general", "lab.psychiatric", "rx.general")
		at := first.Seq
		onCard(t, db, id, func(l replica.Ledger) error {
			want := []replica.Move{
				{ID: first.ID, Seq: at - 1, From: "lab.general", To: "lab.psychiatric"},
				{ID: first.ID, Seq: at, From: "lab.psychiatric", To: "rx.general"},
			}
			for _, c := range []struct {
				after uint64
				limit int
				want  []replica.Move
			}{
				{born, math.MaxInt, want}, {born, 1, want[:1]}, {at - 1, 9, want[1:]}, {at, 9, nil},
				{born - 1, 9, nil}, // it was not there yet
			} {
				got, err := l.Moves(c.after, c.limit)
				if err != nil {
					return err
				}
				if !reflect.DeepEqual(got, c.want) {
					t.Errorf("moves after %d: %+v, want %+v", c.after, got, c.want)
				}
			}
			for scopes, want := range map[string]uint64{"lab.general": at - 1, "lab.psychiatric": at, "lab.*": at, "rx.general": at, "note.*": 0} {
				if got, err := l.Newest(replica.Scopes{scopes}); err != nil || got != want {
					t.Errorf("the news of %s: %d, %v, want %d", scopes, got, err, want)
				}
			}
			return nil
		})
	})
}
