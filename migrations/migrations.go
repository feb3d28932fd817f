// Package migrations holds the schema: one set of SQL files for SQLite and PostgreSQL, applied in order by goose.
//
// The two databases differ only in the names of three types, which the files write as ${UUID}, ${BYTES} and ${TIME};
// Up fills them in. Every table of patient data has the card first in its primary and unique keys, so
// that the schema spreads over a sharded PostgreSQL by card. Tables that cannot (they lead from something else to a card)
// are called directory tables; each says so above its CREATE.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"os"
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
	SQLite:   {"UUID": "text", "BYTES": "blob", "TIME": "timestamp"},
	Postgres: {"UUID": "uuid", "BYTES": "bytea", "TIME": "timestamptz"},
}

// goose substitutes from the environment of the process, which two databases in one process (the tests) would share.
var substituting sync.Mutex

// Up brings the database to the newest version and returns how many files it applied. Several processes may call it at
// once: on PostgreSQL a session lock lets one work, on SQLite the write lock does.
func Up(ctx context.Context, db *sql.DB, dialect Dialect) (applied int, err error) {
	err = with(db, dialect, func(p *goose.Provider) error {
		results, err := p.Up(ctx)
		applied = len(results)
		return err
	})
	return applied, err
}

// Down takes every migration back. It is for tests: production goes forward only.
func Down(ctx context.Context, db *sql.DB, dialect Dialect) error {
	return with(db, dialect, func(p *goose.Provider) error {
		_, err := p.DownTo(ctx, 0)
		return err
	})
}

// Version tells the version the database is at and the newest one that this binary knows.
func Version(ctx context.Context, db *sql.DB, dialect Dialect) (current, newest int64, err error) {
	err = with(db, dialect, func(p *goose.Provider) error {
		current, newest, err = p.GetVersions(ctx)
		return err
	})
	return current, newest, err
}

func with(db *sql.DB, dialect Dialect, do func(*goose.Provider) error) error {
	substituting.Lock()
	defer substituting.Unlock()
	for name, value := range types[dialect] {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
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
