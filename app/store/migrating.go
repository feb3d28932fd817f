package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3/driver"
)

// migrating is the key of the advisory lock under which one process changes the schema. It only has to differ from those of
// other programs in the same database.
const migrating = 0x6d656463617264 // "medcard"

// askAgain is how long a process waits that found another one migrating.
const askAgain = 100 * time.Millisecond

// alone waits until no other process migrates this database. What it gives lets the next one in; so does the end of the process.
func (db *DB) alone(ctx context.Context) (leave func() error, err error) {
	if db.pool != nil {
		return db.alonePostgres(ctx)
	}
	return db.aloneSQLite(ctx)
}

func (db *DB) alonePostgres(ctx context.Context) (leave func() error, err error) {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	// Asked again and again, and not waited for in the database: a statement that waits there sees a moment, and CREATE INDEX CONCURRENTLY of
	// whoever migrates waits until nobody sees a moment from before it. The two would wait for each other for ever.
	for taken := false; ; {
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", migrating).Scan(&taken); err != nil {
			conn.Release()
			return nil, err
		}
		if taken {
			break
		}
		select {
		case <-ctx.Done():
			conn.Release()
			return nil, ctx.Err()
		case <-time.After(askAgain):
		}
	}
	return func() error {
		defer conn.Release()
		_, err := conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrating)
		return err
	}, nil
}

// aloneSQLite locks an empty database file of its own beside the real one, which the migrations must be free to write. It does
// so before anything opens the real one: to switch a new file to WAL fails at once when two do it, busy_timeout or not.
func (db *DB) aloneSQLite(ctx context.Context) (leave func() error, err error) {
	lock, err := driver.Open("file:" + db.path + "-migrating?_pragma=busy_timeout(30000)&_txlock=exclusive")
	if err != nil {
		return nil, fmt.Errorf("open the lock for migrations: %w", err)
	}
	tx, err := lock.BeginTx(ctx, &sql.TxOptions{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("wait for another process that migrates: %w", err), lock.Close())
	}
	return func() error { return errors.Join(tx.Rollback(), lock.Close()) }, nil
}
