package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// A glance is one question about what is of no card. On PostgreSQL, where it has no transaction, whoever wants more is refused: rows of a
// card would be missing in silence, and two questions would see two moments.
func TestAGlanceIsOneQuestion(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ctx, id := t.Context(), newCard(t, db, "ada")
		s := account.Session{ID: identity.SessionID(store.NewID()), Account: identity.AccountID(store.NewID()), Device: identity.DeviceID(store.NewID()), Opened: noon, Proved: noon, Ends: noon.Add(time.Hour)}
		update(t, db, func(tx *store.Tx) error { return tx.AddSession(s) })
		ask := func(tx *store.Tx) error {
			found, is, err := tx.Session(s.ID)
			if err == nil && (!is || found.Account != s.Account) {
				t.Errorf("found %v: %+v", is, found)
			}
			return err
		}
		for range 3 {
			if err := db.Glance(ctx, ask); err != nil {
				t.Error(err)
			}
		}
		if db.Dialect() != "postgres" {
			return
		}
		for what, f := range map[string]func(*store.Tx) error{
			"a second question": func(tx *store.Tx) error { return errors.Join(ask(tx), ask(tx)) },
			"a change":          func(tx *store.Tx) error { return tx.EndSession(s.ID, noon) },
			"a card": func(tx *store.Tx) error {
				_, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
				return err
			},
			"a lock": func(tx *store.Tx) error { return tx.LockCard(id) },
		} {
			if err := db.Glance(ctx, f); err == nil {
				t.Errorf("%s passes", what)
			}
		}
		if err := db.Glance(ctx, ask); err != nil {
			t.Error("the session was ended:", err)
		}
	})
}
