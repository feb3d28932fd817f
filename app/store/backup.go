package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/migrations"
)

// Manifest says what a backup holds. It stands in the file itself, so that the two cannot be parted.
type Manifest struct {
	Made   time.Time
	Schema int64  // version of the schema in it
	Cards  int    // how many
	Keys   string // fingerprint of the keys that open it; the keys themselves are not in it
}

// What can be wrong with a backup, or with the place that it is made in or restored to.
var (
	ErrNotSQLite  = errors.New("the database is PostgreSQL, which has tools of its own: pg_dump to back up, pg_restore and then `medcard epoch bump` to restore")
	ErrNoBackup   = errors.New("the file is no backup of Medcard, or not a whole one")
	ErrDamaged    = errors.New("the file is damaged: SQLite's integrity check finds mistakes in it")
	ErrOtherKeys  = errors.New("the backup was made with other keys: no card in it would open with the keys in this folder")
	ErrNewer      = errors.New("the backup was made by a newer version of Medcard: restore it with that one")
	ErrTargetUsed = errors.New("there is a database already")
	ErrServing    = errors.New("somebody has the database open: stop the server first")
)

// pagesAtATime are copied between two looks at the clock and the progress bar: 4 MB.
const pagesAtATime = 1024

const manifestTable = "medcard_backup"

// Backup copies the database into a new file while others read and write it. The copy is the database at one instant: when
// the copying began. It is checked before it gets its name, so a file of that name is a good one. step is told pages.
func (db *DB) Backup(ctx context.Context, path string, now time.Time, step func(done, total int)) (m Manifest, err error) {
	if db.dialect != migrations.SQLite {
		return m, ErrNotSQLite
	}
	if _, err := os.Lstat(path); err == nil {
		return m, fmt.Errorf("%s is there already; backups replace no file", path)
	}
	draft, err := draftOf(path)
	if err != nil {
		return m, err
	}
	defer os.Remove(draft)
	if err := db.copyTo(ctx, draft, step); err != nil {
		return m, fmt.Errorf("copy the database: %w", err)
	}
	if m, err = db.attest(ctx, draft, now); err != nil {
		return m, err
	}
	return m, publishFile(draft, path)
}

// copyTo holds one read transaction over the whole copy: writers go on, and the copy never starts anew because of them, as it
// would on a busy server if each step looked for itself.
func (db *DB) copyTo(ctx context.Context, path string, step func(done, total int)) error {
	conn, err := db.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		lite, ok := c.(driver.Conn)
		if !ok {
			return errors.New("store: not an SQLite connection")
		}
		raw := lite.Raw()
		if err := raw.Exec("BEGIN; SELECT count(*) FROM sqlite_schema"); err != nil {
			return err
		}
		defer raw.Exec("ROLLBACK") //nolint:errcheck // nothing was written
		return copyPages(ctx, raw, path, step)
	})
}

func copyPages(ctx context.Context, raw *sqlite3.Conn, path string, step func(done, total int)) (err error) {
	b, err := raw.BackupInit("main", "file:"+path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if done, err = b.Step(pagesAtATime); err != nil {
			return err
		}
		step(b.PageCount()-b.Remaining(), b.PageCount())
	}
	return nil
}

// attest checks a fresh copy and writes the manifest into it.
func (db *DB) attest(ctx context.Context, path string, now time.Time) (m Manifest, err error) {
	copied, err := openFile(path)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	if err := intact(ctx, copied); err != nil {
		return m, err
	}
	m = Manifest{Made: micros(now), Keys: db.keys.Fingerprint()}
	if m.Schema, _, err = migrations.Version(ctx, copied, migrations.SQLite); err != nil {
		return m, err
	}
	if err := copied.QueryRowContext(ctx, "SELECT count(*) FROM card").Scan(&m.Cards); err != nil {
		return m, err
	}
	if err := db.opensOne(ctx, copied); err != nil {
		return m, err
	}
	_, err = copied.ExecContext(ctx, "CREATE TABLE "+manifestTable+" (made_at text NOT NULL, schema bigint NOT NULL, cards bigint NOT NULL, keys text NOT NULL)")
	if err == nil {
		_, err = copied.ExecContext(ctx, "INSERT INTO "+manifestTable+" VALUES (?, ?, ?, ?)", m.Made.Format(time.RFC3339Nano), m.Schema, m.Cards, m.Keys)
	}
	return m, err
}

// opensOne keeps an operator from a backup whose manifest names keys that open nothing in it.
func (db *DB) opensOne(ctx context.Context, copied *sql.DB) error {
	var id string
	var wrapped []byte
	err := copied.QueryRowContext(ctx, "SELECT id, wrapped_key FROM card WHERE shredded_at IS NULL LIMIT 1").Scan(&id, &wrapped)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := db.keys.Unwrap(wrapped, keyPlace(card.ID(id))); err != nil {
		return errors.New("the keys in the key folder do not open this database; is MEDCARD_KEYS right?")
	}
	return nil
}

// readManifest reads what a backup says of itself.
func readManifest(ctx context.Context, db *sql.DB) (m Manifest, err error) {
	var made string
	err = db.QueryRowContext(ctx, "SELECT made_at, schema, cards, keys FROM "+manifestTable).Scan(&made, &m.Schema, &m.Cards, &m.Keys)
	if err != nil {
		return m, ErrNoBackup
	}
	if m.Made, err = time.Parse(time.RFC3339Nano, made); err != nil {
		return m, ErrNoBackup
	}
	return m, nil
}

// openFile opens a database file that nobody else has open, without a journal beside it that could be forgotten.
func openFile(path string) (*sql.DB, error) {
	db, err := driver.Open("file:" + path + "?mode=rw&_pragma=busy_timeout(1000)&_pragma=journal_mode(delete)&_pragma=synchronous(full)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func intact(ctx context.Context, db *sql.DB) error {
	var first string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&first); err != nil || first != "ok" {
		return ErrDamaged
	}
	return nil
}

// draftOf makes an empty file beside the path, which nobody else may read.
func draftOf(path string) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// publishFile gives a finished draft its name, durably, and never in the place of another file.
func publishFile(draft, path string) error {
	if err := flush(draft, os.O_RDWR); err != nil {
		return err
	}
	if err := os.Link(draft, path); err != nil {
		return err
	}
	if err := os.Remove(draft); err != nil || runtime.GOOS == "windows" { // which flushes no folders
		return err
	}
	return flush(filepath.Dir(path), os.O_RDONLY)
}

func flush(path string, mode int) error {
	f, err := os.OpenFile(filepath.Clean(path), mode, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
