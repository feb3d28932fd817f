package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

func TestWhoAlwaysLosesIsToldToComeBack(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		tries := 0
		err := db.Update(t.Context(), func(*store.Tx) error {
			tries++
			return &pgconn.PgError{Code: "40001"}
		})
		if f := fault.From(err); f.Kind != fault.Unavailable || f.RetryAfter == 0 || tries < 2 {
			t.Errorf("after %d tries: %v", tries, err)
		}
	})
}

// Two devices tell the same push token at once: the later one has it, and none hears of a mistake of ours.
func TestAKeyThatAppearsMeanwhileIsSeenInTheNextTry(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		put := func(tx *store.Tx, device string) error {
			return tx.PutContact(notice.Contact{
				Device: identity.DeviceID(device), Account: identity.AccountID(store.NewID()), Carrier: "fcm", Token: "the same", Seen: noon,
			})
		}
		first, second := store.NewID(), store.NewID()
		done := make(chan error, 1)
		started := false
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			if err := put(tx, first); err != nil || started {
				return err
			}
			started = true
			go func() { done <- db.Update(context.Background(), func(tx *store.Tx) error { return put(tx, second) }) }()
			time.Sleep(200 * time.Millisecond) // it looks, sees nothing, and waits for us with its row
			return nil
		})
		if err := errors.Join(err, <-done); err != nil {
			t.Error(err)
		}
	})
}

func TestALostConnectionIsNoMistakeOfOurs(t *testing.T) {
	cfg := Postgres(t)
	name := "medcard-test-" + store.NewID()
	cfg.Postgres += "&application_name=" + name
	db := OpenStore(t, cfg)
	id := newCard(t, db, "ada")
	killed := false
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.LockCard(id); err != nil {
			return err
		}
		if !killed {
			killed = true
			kill(t, cfg.Postgres, name)
		}
		return tx.LockCard(id)
	})
	if f := fault.From(err); f.Kind != fault.Unavailable {
		t.Errorf("in the middle of a transaction: %v (%T)", err, errors.Unwrap(err))
	}
	for until := time.Now().Add(3 * time.Second); ; { // the other connections end when their processes get to it
		if err = db.Update(t.Context(), func(tx *store.Tx) error { return tx.LockCard(id) }); err == nil {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("afterwards: %v", err)
		}
	}
}

// kill ends all connections of that name.
func kill(t *testing.T, dsn, name string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), store.WithSetting(Mighty(dsn), "application_name", "medcard-killer"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", name); err != nil {
		t.Fatal(err)
	}
}
