package storetest

import (
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/sync/replica"
)

// Within one second too, times stand in the order of time, whatever a database keeps them as.
func TestInstantsAreInOrderWithinASecond(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		var records []replica.Record
		for i, after := range []time.Duration{0, 500 * time.Millisecond, 123456 * time.Microsecond, 50 * time.Millisecond, time.Second} {
			r := aRecord(i+1, "note.general", uint64(i+1))
			r.Date = noon.Add(after)
			records = append(records, r)
		}
		onCard(t, db, id, func(l replica.Ledger) error { return l.SaveRecords(records) })
		err := db.View(t.Context(), func(tx *store.Tx) error {
			p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
			if err != nil {
				return err
			}
			list, err := tx.EntriesBehind(p, nil, time.Time{}, "", 10)
			for i := 1; i < len(list); i++ {
				if !list[i].Date.Before(list[i-1].Date) {
					t.Errorf("%v stands behind %v", list[i].Date, list[i-1].Date)
				}
			}
			// A page goes on exactly behind its last record.
			if rest, err := tx.EntriesBehind(p, nil, list[1].Date, "0191d5a0-0000-7000-8000-000000000002", 10); err != nil || len(rest) != 3 {
				t.Errorf("%d behind the second, %v", len(rest), err)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
