// Package storetest is the contract of the store: one suite, run on SQLite and, where MEDCARD_TEST_POSTGRES holds a DSN, on
// PostgreSQL as well. Other packages' tests use Each to run on the same databases.
package storetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/store"
)

// PostgresVariable names the environment variable with the DSN of a PostgreSQL database in which tests may make schemas.
const PostgresVariable = "MEDCARD_TEST_POSTGRES"

// SQLiteVariable is "no" where the tests on SQLite have a run of their own.
const SQLiteVariable = "MEDCARD_TEST_SQLITE"

// Each runs the test on every database that is at hand, each time on a fresh migrated store.
func Each(t *testing.T, test func(*testing.T, *store.DB)) {
	t.Helper()
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		test(t, OpenStore(t, cfg))
	})
}

// EachConfig is Each for tests that open the store themselves, several times or through a server.
func EachConfig(t *testing.T, test func(*testing.T, store.Config)) {
	t.Helper()
	eachOf(t, Postgres, test)
}

// EachEmpty is EachConfig for tests that migrate themselves.
func EachEmpty(t *testing.T, test func(*testing.T, store.Config)) {
	t.Helper()
	eachOf(t, EmptyPostgres, test)
}

func eachOf(t *testing.T, postgres func(testing.TB) store.Config, test func(*testing.T, store.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		if os.Getenv(SQLiteVariable) == "no" {
			t.Skip(SQLiteVariable + " says no")
		}
		test(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) { test(t, postgres(t)) })
}

// SQLite gives the configuration of a fresh SQLite file.
func SQLite(t testing.TB) store.Config {
	t.Helper()
	dir := t.TempDir()
	return store.Config{SQLite: filepath.Join(dir, "medcard.db"), Keys: folder(t, dir)}
}

// Postgres gives the configuration of a fresh schema, which is dropped after the test. It skips where there is no DSN. The schema is migrated
// by a role that owns it and opened by one that may use it, as the product's two roles: see roles.go.
func Postgres(t testing.TB) store.Config {
	t.Helper()
	cfg := EmptyPostgres(t)
	if !strings.Contains(cfg.Postgres, ownerRole) {
		return cfg
	}
	owner, err := store.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = owner.Migrate(context.Background())
	if err = errors.Join(err, owner.Close()); err != nil {
		t.Fatal(err)
	}
	cfg.Postgres = as(cfg.Postgres, appRole)
	return cfg
}

// EmptyPostgres is Postgres for a test that migrates itself: it opens as the schema's owner.
func EmptyPostgres(t testing.TB) store.Config {
	t.Helper()
	dsn := os.Getenv(PostgresVariable)
	if dsn == "" {
		t.Skip("set " + PostgresVariable + " to a DSN to run this on PostgreSQL")
	}
	inside, drop, err := store.NewSchema(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Errorf("drop the schema: %v", err)
		}
	})
	if inside, err = lowly(context.Background(), inside); err != nil {
		t.Fatal(err)
	}
	return store.Config{Postgres: inside, Keys: folder(t, t.TempDir())}
}

// OpenStore opens and migrates, and closes after the test.
func OpenStore(t testing.TB, cfg store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	if _, err := db.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return db
}

func folder(t testing.TB, dir string) *keys.Custody {
	t.Helper()
	custody, err := keys.OpenFolder(filepath.Join(dir, "keys"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return custody
}
