package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/sync/replica"
)

func TestOtherKeysAreNoticedAtTheStart(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		newCard(t, OpenStore(t, cfg), "ada")
		cfg.Keys = folder(t, t.TempDir())
		db, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Migrate(t.Context()); !errors.Is(err, store.ErrKeyFolder) {
			t.Errorf("other keys: %v", err)
		}
		if err := db.Ready(t.Context()); err == nil {
			t.Error("ready with other keys")
		}
	})
}

// After a start no card's key is known yet, and the first thing that is asked for may be a list of records: the key must be
// there before the rows are. It was not, and on PostgreSQL the transaction waited for itself for ever.
func TestACardIsReadAsTheFirstThingAfterAStart(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		before := OpenStore(t, cfg)
		id := newCard(t, before, "ada")
		onCard(t, before, id, func(l replica.Ledger) error {
			return l.SaveRecords([]replica.Record{aRecord(1, "note.general", 1), aRecord(2, "note.general", 2)})
		})
		for what, read := range map[string]func(*store.Tx, consent.Permit) (int, error){
			"scan": func(tx *store.Tx, p consent.Permit) (int, error) {
				l, err := tx.Ledger(p)
				if err != nil {
					return 0, err
				}
				list, err := l.Scan(replica.Scopes{"*"}, 0, 10)
				return len(list), err
			},
			"records": func(tx *store.Tx, p consent.Permit) (int, error) {
				l, err := tx.Ledger(p)
				if err != nil {
					return 0, err
				}
				found, err := l.Records([]string{aRecord(1, "", 1).ID, aRecord(2, "", 2).ID})
				return len(found), err
			},
			"entries": func(tx *store.Tx, p consent.Permit) (int, error) {
				list, err := tx.EntriesBehind(p, nil, noon, "", 10)
				return len(list), err
			},
			"bearer": func(tx *store.Tx, p consent.Permit) (int, error) {
				_, _, err := tx.Bearer(p) // there is no patient record, but it looks
				return 2, err
			},
		} {
			t.Run(what, func(t *testing.T) {
				db := OpenStore(t, cfg) // a process of its own, as far as keys go
				err := db.View(context.Background(), func(tx *store.Tx) error {
					p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
					if err != nil {
						return err
					}
					n, err := read(tx, p)
					if err == nil && n != 2 {
						t.Errorf("%d records, want 2", n)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	})
}
