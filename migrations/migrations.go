// Package migrations holds the schema: one set of SQL files for SQLite and PostgreSQL, applied in order by goose.
//
// The two databases differ only in the names of three types, which the files write as ${UUID}, ${BYTES} and ${TIME}, and in the word
// ${CONCURRENTLY}; Up fills them in. A file whose name ends with .postgres.sql is for PostgreSQL alone. Every table of patient data has the card first in its primary and unique keys, so
// that the schema spreads over a sharded PostgreSQL by card. Tables that cannot (they lead from something else to a card)
// are called directory tables; each says so above its CREATE.
//
// # Indexes on tables that are large already
//
// On PostgreSQL a plain CREATE INDEX lets nobody write to its table until it is done: on a country's records, for hours. So a migration that
// adds an index to a table of an earlier one has a file of its own, with nothing else in it, that runs outside of a transaction:
//
//	-- +goose NO TRANSACTION
//	-- +goose Up
//	-- +goose ENVSUB ON
//	CREATE INDEX ${CONCURRENTLY} IF NOT EXISTS record_by_kind ON record (card, kind);
//
// What was interrupted leaves an invalid index behind, which is to be dropped by hand before the next start (\d record names it). Such an
// index may be built days before a new version is rolled out, by the same statement: IF NOT EXISTS then finds it there. A test asks for
// this of every file after 00013. Those up to it build in place: they were written before anybody had a large database.
//
// # Row security
//
// On PostgreSQL a table with a column "card" shows the rows of the card that its transaction named (00030 says why). A migration that makes
// such a table gives it the same policy, in a file with the same number plus one that ends with .postgres.sql:
//
//	ALTER TABLE note ENABLE ROW LEVEL SECURITY;
//	ALTER TABLE note FORCE ROW LEVEL SECURITY;
//	CREATE POLICY card_rows ON note USING (card = nullif(current_setting('medcard.card', true), '')::uuid);
//
// or is named as a directory in the test of app/store/storetest that asks for it.
//
// Migrations are bound by it too: an UPDATE or DELETE of a policed table would find no row, in silence. One that has to change rows does so in
// a .postgres.sql of its own, between ALTER TABLE note NO FORCE ROW LEVEL SECURITY and ALTER TABLE note FORCE ROW LEVEL SECURITY: goose runs a
// file in one transaction, and nobody else sees the table in between.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed *.sql
var files embed.FS

// Dialect is one of the two databases.
type Dialect string

// The dialects.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

var types = map[Dialect]map[string]string{
	SQLite:   {"UUID": "text", "BYTES": "blob", "TIME": "timestamp", "CONCURRENTLY": ""},
	Postgres: {"UUID": "uuid", "BYTES": "bytea", "TIME": "timestamptz", "CONCURRENTLY": "CONCURRENTLY"},
}

// goose substitutes from the environment of the process, which two databases in one process (the tests) would share.
var substituting sync.Mutex

// Up brings the database to the newest version and returns how many files it applied. Several processes may call it at
// once: on PostgreSQL a session lock lets one work, on SQLite the write lock does.
func Up(ctx context.Context, db *sql.DB, dialect Dialect) (applied int, err error) {
	err = with(db, dialect, files, func(p *goose.Provider) error {
		results, err := p.Up(ctx)
		applied = len(results)
		return err
	})
	return applied, err
}

// Down takes every migration back. It is for tests: production goes forward only.
func Down(ctx context.Context, db *sql.DB, dialect Dialect) error {
	return with(db, dialect, files, func(p *goose.Provider) error {
		_, err := p.DownTo(ctx, 0)
		return err
	})
}

// Version tells the version the database is at and the newest one that this binary knows.
func Version(ctx context.Context, db *sql.DB, dialect Dialect) (current, newest int64, err error) {
	err = with(db, dialect, files, func(p *goose.Provider) error {
		current, newest, err = p.GetVersions(ctx)
		return err
	})
	return current, newest, err
}

func with(db *sql.DB, dialect Dialect, files fs.FS, do func(*goose.Provider) error) error {
	substituting.Lock()
	defer substituting.Unlock()
	for name, value := range types[dialect] {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	files = filesFor{files, dialect}
	kind, options := goose.DialectSQLite3, []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if dialect == Postgres {
		kind = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(kind, db, files, options...)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	return do(provider)
}

// filesFor leaves out the files that are for the other database.
type filesFor struct {
	fs.FS
	dialect Dialect
}

func (f filesFor) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(f.FS, name)
	if f.dialect == SQLite {
		entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return strings.HasSuffix(e.Name(), ".postgres.sql") })
	}
	return entries, err
}
