package store

import (
	"context"
	"database/sql"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// enqueuer inserts jobs in the transaction that they follow from. One of the two is set.
type enqueuer struct {
	postgres *river.Client[pgx.Tx]
	sqlite   *river.Client[*sql.Tx]
}

func (db *DB) openJobsPostgres() (err error) {
	db.jobs.postgres, err = river.NewClient(riverpgxv5.New(db.pool), &river.Config{Logger: db.log})
	return err
}

func (db *DB) openJobsSQLite() (err error) {
	db.jobs.sqlite, err = river.NewClient(riversqlite.New(db.write), &river.Config{Logger: db.log})
	return err
}

func (db *DB) migrateJobs(ctx context.Context) error {
	if db.pool != nil {
		m, err := rivermigrate.New(riverpgxv5.New(db.pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return err
	}
	m, err := rivermigrate.New(riversqlite.New(db.write), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// enqueue puts a job into the queue: it runs after this transaction commits, and never if it does not. args hold ids only.
func (tx *Tx) enqueue(args river.JobArgs, options *river.InsertOpts) error {
	var err error
	if tx.postgres != nil {
		_, err = tx.db.jobs.postgres.InsertTx(tx.ctx, tx.postgres, args, options)
	} else {
		_, err = tx.db.jobs.sqlite.InsertTx(tx.ctx, tx.sqlite, args, options)
	}
	return err
}
