package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/gormlite"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/migrations"
)

// Config says which database to open.
type Config struct {
	Postgres string // DSN or URL of a PostgreSQL database; "" = SQLite
	SQLite   string // path of the SQLite file; its folder is made
	Keys     *keys.Custody
	Log      *slog.Logger
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	dialect migrations.Dialect
	path    string // of the SQLite file
	keys    *keys.Custody
	log     *slog.Logger

	write *sql.DB       // SQLite: one connection; PostgreSQL: the pool
	read  *sql.DB       // SQLite: a pool that cannot write; PostgreSQL: the same pool
	pool  *pgxpool.Pool // PostgreSQL only

	writer, reader *gorm.DB
	jobs           enqueuer
	ready          *atomic.Bool
	cardKeys       sync.Map // card.ID -> keySet; a few hundred bytes each, see seal.go
	cachedKeys     atomic.Int64
	rowsRead       atomic.Int64
}

// Open prepares the database but needs no connection yet: a server must start while PostgreSQL is down. Call Migrate before
// the first transaction.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	db := &DB{keys: cfg.Keys, log: cfg.Log, dialect: migrations.SQLite, ready: new(atomic.Bool)}
	var err error
	if cfg.Postgres != "" {
		db.dialect = migrations.Postgres
		err = db.openPostgres(ctx, cfg.Postgres)
	} else {
		err = db.openSQLite(cfg.SQLite)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (db *DB) openPostgres(ctx context.Context, dsn string) error {
	pc, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return errors.New("the PostgreSQL address cannot be read; expected postgres://user@host:port/database") // never err: it may quote a password
	}
	if !strings.Contains(dsn, "pool_max_conns") { // what the operator says stands
		pc.MaxConns = max(pc.MaxConns, 16)
	}
	if db.pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
		return fmt.Errorf("prepare the PostgreSQL pool: %w", err)
	}
	db.write = stdlib.OpenDBFromPool(db.pool)
	db.read = db.write
	if db.writer, err = gorm.Open(postgres.New(postgres.Config{Conn: db.write}), gormConfig()); err != nil {
		return err
	}
	db.reader = db.writer
	return db.openJobsPostgres()
}

func (db *DB) openSQLite(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	db.path = path
	// Of the 2 MB that are usual one push of a thousand edits to a larger file uses up all, and reads and writes pages twice. In KiB, each connection its own.
	const common = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(on)&_pragma=temp_store(memory)"
	var err error
	if db.write, err = driver.Open("file:" + path + common + "&_txlock=immediate&_pragma=cache_size(-32768)"); err != nil {
		return fmt.Errorf("open the database file: %w", err)
	}
	db.write.SetMaxOpenConns(1)
	if db.read, err = driver.Open("file:" + path + common + "&_txlock=deferred&_pragma=query_only(on)&_pragma=cache_size(-8192)"); err != nil {
		return fmt.Errorf("open the database file for reading: %w", err)
	}
	db.read.SetMaxOpenConns(8)
	if db.writer, err = gorm.Open(gormlite.OpenDB(db.write), gormConfig()); err != nil {
		return err
	}
	if db.reader, err = gorm.Open(gormlite.OpenDB(db.read), gormConfig()); err != nil {
		return err
	}
	return db.openJobsSQLite()
}

func gormConfig() *gorm.Config {
	return &gorm.Config{
		Logger:                 quiet{},
		SkipDefaultTransaction: true, // every statement runs in a transaction of View or Update
		DisableAutomaticPing:   true, // the database may be down at the start
	}
}

// Migrate brings the schema and the job tables to the newest version and marks the store ready.
func (db *DB) Migrate(ctx context.Context) (applied int, err error) {
	leave, err := db.alone(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, leave()) }()
	if applied, err = migrations.Up(ctx, db.write, db.dialect); err != nil {
		return applied, err
	}
	if err := db.migrateJobs(ctx); err != nil {
		return applied, err
	}
	if err := db.checkKeys(ctx); err != nil {
		return applied, err
	}
	db.ready.Store(true)
	return applied, nil
}

// Versions tells the schema's version in the database and in this binary.
func (db *DB) Versions(ctx context.Context) (current, newest int64, err error) {
	return migrations.Version(ctx, db.write, db.dialect)
}

// Ready asks the database whether it answers.
func (db *DB) Ready(ctx context.Context) error {
	if !db.ready.Load() {
		return ErrUnavailable
	}
	if err := db.read.PingContext(ctx); err != nil { // not write: on SQLite a long import has that one connection
		return ErrUnavailable.Because(err)
	}
	return nil
}

// Dialect tells which database it is.
func (db *DB) Dialect() migrations.Dialect { return db.dialect }

// RowsRead counts the rows that the database handed to transactions since the store was opened. Work that should not grow with
// what is stored shows here if it does.
func (db *DB) RowsRead() int64 { return db.rowsRead.Load() }

// Close closes all connections.
func (db *DB) Close() error {
	var errs []error
	if db.read != nil && db.read != db.write {
		errs = append(errs, db.read.Close())
	}
	if db.write != nil {
		errs = append(errs, db.write.Close())
	}
	if db.pool != nil {
		db.pool.Close()
	}
	return errors.Join(errs...)
}

// View runs f in a read-only transaction that sees one snapshot.
func (db *DB) View(ctx context.Context, f func(*Tx) error) error {
	return db.retry(ctx, func() error {
		if db.pool != nil {
			return db.inPostgres(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, f)
		}
		return db.inSQLite(ctx, db.reader, true, f)
	})
}

// Glance is View for one question about what is of no card, such as whose a token is: on PostgreSQL it does without a transaction, which would be two
// more ways to the database and back on every request. A second question fails there, as does one about a card.
func (db *DB) Glance(ctx context.Context, f func(*Tx) error) error {
	if db.pool == nil {
		return db.View(ctx, f)
	}
	return db.retry(ctx, func() error {
		tx := newTx(ctx, db, db.writer.Session(&gorm.Session{NewDB: true, Context: ctx}))
		tx.still, tx.glance = true, glanceBegun
		return f(tx)
	})
}

// Update runs f in a read-write transaction. What f did is there wholly or not at all.
func (db *DB) Update(ctx context.Context, f func(*Tx) error) error {
	return db.retry(ctx, func() error {
		if db.pool != nil {
			return db.inPostgres(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, f)
		}
		return db.inSQLite(ctx, db.writer, false, f)
	})
}

func (db *DB) inSQLite(ctx context.Context, g *gorm.DB, still bool, f func(*Tx) error) error {
	return g.WithContext(ctx).Transaction(func(g *gorm.DB) error {
		tx := newTx(ctx, db, g)
		tx.still = still
		tx.sqlite, _ = g.Statement.ConnPool.(*sql.Tx)
		return f(tx)
	})
}

// inPostgres begins the transaction on the pgx connection below GORM's, so that GORM and the job queue share it.
func (db *DB) inPostgres(ctx context.Context, options pgx.TxOptions, f func(*Tx) error) error {
	return db.writer.WithContext(ctx).Connection(func(g *gorm.DB) error {
		conn, ok := g.Statement.ConnPool.(*sql.Conn)
		if !ok {
			return errors.New("store: GORM gave no connection of its own")
		}
		var raw *pgx.Conn
		if err := conn.Raw(func(c any) error {
			std, ok := c.(*stdlib.Conn)
			if !ok {
				return errors.New("store: not a pgx connection")
			}
			raw = std.Conn()
			return nil
		}); err != nil {
			return err
		}
		begun := false
		err := pgx.BeginTxFunc(ctx, raw, options, func(p pgx.Tx) error {
			begun = true
			// Connection hands out one statement that every call would add to; a session starts each call anew.
			tx := newTx(ctx, db, g.Session(&gorm.Session{NewDB: true, Context: ctx}))
			tx.still = options.AccessMode == pgx.ReadOnly
			tx.postgres = p
			return f(tx)
		})
		if err != nil && !begun {
			return staleError{err}
		}
		return err
	})
}
