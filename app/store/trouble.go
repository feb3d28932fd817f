package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/ncruces/go-sqlite3"

	"github.com/medcard/medcard/domain/fault"
)

// What the database complains of: some of it ends with another try, some is its own trouble, the rest is ours.

// ErrUnavailable is what every call gives while the database cannot be reached.
var ErrUnavailable = fault.New(fault.Unavailable, "database.unavailable", "The card store cannot be reached right now. Try again in a few seconds.").After(2 * time.Second)

var errTimeout = fault.New(fault.Unavailable, "timeout", "The request took too long. Try again.")

// attempts bounds how often a transaction runs when the database asks for another try.
const attempts = 5

func (db *DB) retry(ctx context.Context, run func() error) error {
	if !db.ready.Load() {
		return ErrUnavailable
	}
	var err error
	for n := range attempts {
		if err = run(); err == nil || !again(err) {
			break
		}
		select {
		case <-ctx.Done():
			return errTimeout.Because(ctx.Err())
		case <-time.After(time.Duration(1<<n) * 5 * time.Millisecond):
		}
	}
	return translate(ctx, err)
}

// again reports whether the whole transaction may go better once more: it lost against another one, or met a key that it did not know.
func again(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "40001", "40P01": // serialisation failure, deadlock
			return true
		case "23505": // a key that somebody else wrote after we had looked: now we see it
			return true
		}
		return false
	}
	var stale staleError
	return errors.As(err, &stale) || errors.Is(err, sqlite3.BUSY) || errors.Is(err, errKeysTurned)
}

// staleError is of a transaction that did not begin, because its connection broke while it lay in the pool: after a restart of the
// database most of them are. The next try takes another one.
type staleError struct{ error }

func (e staleError) Unwrap() error { return e.error }

// translate turns what is the database's trouble into ErrUnavailable. Faults of the acts and domain pass through.
func translate(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Fault
	if errors.As(err, &f) {
		return err
	}
	if ctx.Err() != nil {
		return errTimeout.Because(err)
	}
	if away(err) {
		return ErrUnavailable.Because(err)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return &databaseError{what: "PostgreSQL " + pg.Code + " " + pg.TableName + " " + pg.ConstraintName, cause: err}
	}
	var lite *sqlite3.Error
	if errors.As(err, &lite) {
		return &databaseError{what: "SQLite " + lite.ExtendedCode().Error(), cause: err}
	}
	return err
}

// away reports whether the database cannot work for anybody just now, or is too busy to work for us.
func away(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if pg.Code == "23505" {
			return false // five tries, and the key still is there: it is no race, it is a mistake of ours
		}
		switch pg.Code[:min(2, len(pg.Code))] {
		case "08", "53", "57", "58": // connection, resources, operator intervention, system
			return true
		}
		return again(err) || pg.Code == "25006" // read-only: a standby that was asked in the primary's place
	}
	for _, lost := range []error{
		sql.ErrConnDone, driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, // a connection that broke while it was asked
		sqlite3.BUSY, sqlite3.FULL, sqlite3.IOERR,
	} {
		if errors.Is(err, lost) {
			return true
		}
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err)
}

// databaseError says what a database complained about without its text, which may quote values.
type databaseError struct {
	what  string
	cause error
}

func (e *databaseError) Error() string { return "store: " + e.what }
func (e *databaseError) Unwrap() error { return e.cause }
