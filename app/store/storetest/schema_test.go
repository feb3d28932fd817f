package storetest

import (
	"context"
	"database/sql"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/migrations"
)

// The way back is written with the way there; a table that Down forgets stops the next Up.
func TestMigrationsGoUpDownAndUp(t *testing.T) {
	if testing.Short() {
		t.Skip("one at a time: nothing for the race detector to see")
	}
	EachEmpty(t, func(t *testing.T, cfg store.Config) {
		db, dialect := bare(t, cfg)
		for round := range 2 {
			applied, err := migrations.Up(t.Context(), db, dialect)
			if err != nil || applied == 0 {
				t.Fatalf("up, round %d: %d applied, %v", round, applied, err)
			}
			if applied, err = migrations.Up(t.Context(), db, dialect); err != nil || applied != 0 {
				t.Fatalf("up again, round %d: %d applied, %v", round, applied, err)
			}
			if err := migrations.Down(t.Context(), db, dialect); err != nil {
				t.Fatalf("down, round %d: %v", round, err)
			}
		}
	})
}

// bare opens the database without a store.
func bare(t *testing.T, cfg store.Config) (*sql.DB, migrations.Dialect) {
	t.Helper()
	if cfg.Postgres == "" {
		db, err := driver.Open("file:" + cfg.SQLite + "?_txlock=immediate")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db, migrations.SQLite
	}
	conn, err := pgx.ParseConfig(Mighty(cfg.Postgres))
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*conn)
	t.Cleanup(func() { _ = db.Close() })
	return db, migrations.Postgres
}

// Somebody starts the server and imports a file at the same moment, or three instances start at once: each finds the
// schema whole. They are processes, because within one the migrations wait for each other anyway.
func TestProcessesMigrateAtOnce(t *testing.T) {
	EachEmpty(t, func(t *testing.T, cfg store.Config) {
		const processes = 4
		done := make(chan string, processes)
		for range processes {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMigrateAsAProcess$")
			child.Env = append(os.Environ(), migrateSQLite+"="+cfg.SQLite, migratePostgres+"="+cfg.Postgres, migrateKeys+"="+t.TempDir())
			go func() {
				said, err := child.CombinedOutput()
				if err != nil {
					done <- string(said)
					return
				}
				done <- ""
			}()
		}
		for range processes {
			if said := <-done; said != "" {
				t.Error(strings.TrimSpace(said))
			}
		}
	})
}

const (
	migrateSQLite   = "STORETEST_MIGRATE_SQLITE"
	migratePostgres = "STORETEST_MIGRATE_POSTGRES"
	migrateKeys     = "STORETEST_MIGRATE_KEYS"
)

// TestMigrateAsAProcess is the child of TestProcessesMigrateAtOnce.
func TestMigrateAsAProcess(t *testing.T) {
	cfg := store.Config{SQLite: os.Getenv(migrateSQLite), Postgres: os.Getenv(migratePostgres)}
	if cfg.SQLite == "" && cfg.Postgres == "" {
		t.Skip("runs as the child of TestProcessesMigrateAtOnce")
	}
	var err error
	if cfg.Keys, err = keys.OpenFolder(os.Getenv(migrateKeys), time.Now); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Of two servers that start with a new version one migrates and the other waits. That one is not to hold up an index that is built
// concurrently: it is built when nobody sees a moment from before it any more, and whoever waits within a statement sees one.
func TestWhoWaitsToMigrateHoldsUpNoIndex(t *testing.T) {
	cfg := EmptyPostgres(t)
	first := connect(t, cfg.Postgres)
	const migrating = 0x6d656463617264 // of app/store/migrating.go
	if _, err := first.Exec(t.Context(), "SELECT pg_advisory_lock($1)", migrating); err != nil {
		t.Fatal(err)
	}
	second, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	done := make(chan error, 1)
	go func() {
		_, err := second.Migrate(t.Context())
		done <- err
	}()
	time.Sleep(300 * time.Millisecond) // it waits by now
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	builder := connect(t, cfg.Postgres)
	if _, err := builder.Exec(ctx, "CREATE TABLE note (age bigint)"); err != nil {
		t.Fatal(err)
	}
	if _, err := builder.Exec(ctx, "CREATE INDEX CONCURRENTLY note_by_age ON note (age)"); err != nil {
		t.Error(err)
	}
	select {
	case err := <-done:
		t.Error("the second did not wait:", err)
	default:
	}
	if _, err := first.Exec(t.Context(), "SELECT pg_advisory_unlock($1)", migrating); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
