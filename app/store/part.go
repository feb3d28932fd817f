package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// ErrNotPostgres means that a database has no roles.
var ErrNotPostgres = errors.New("the database is SQLite, which has no roles")

// ByRole opens the same database by another role, which migrates nothing: it is ready when db is. It is closed by itself.
func (db *DB) ByRole(ctx context.Context, dsn string) (*DB, error) {
	if db.pool == nil {
		return nil, ErrNotPostgres
	}
	other, err := Open(ctx, Config{Postgres: dsn, Keys: db.keys, Log: db.log})
	if err == nil {
		other.ready = db.ready
	}
	return other, err
}

// PartAudit gives the log of accesses to a role of its own, the sequencer's: it alone puts entries into the log and signs what the log is, and
// sees nothing else. The app's role goes on writing entries, and can neither change one nor take one back. The tables' owner calls it, after
// each Migrate: it may be called again.
func (db *DB) PartAudit(ctx context.Context, app, sequencer string) error {
	if db.pool == nil {
		return ErrNotPostgres
	}
	if app == sequencer {
		return errors.New("the app and the sequencer need a role each")
	}
	a, s := pgx.Identifier{app}.Sanitize(), pgx.Identifier{sequencer}.Sanitize()
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		var name string
		if err := tx.QueryRow(ctx, "SELECT current_schema()").Scan(&name); err != nil {
			return err
		}
		schema := pgx.Identifier{name}.Sanitize()
		for _, statement := range []string{
			"REVOKE UPDATE, DELETE ON audit_entry, audit_pending FROM " + a,
			"REVOKE INSERT, UPDATE, DELETE ON audit_leaf, audit_node, audit_head FROM " + a,
			"REVOKE ALL ON ALL TABLES IN SCHEMA " + schema + " FROM " + s,
			"GRANT USAGE ON SCHEMA " + schema + " TO " + s,
			"GRANT SELECT, DELETE ON audit_pending TO " + s,
			"GRANT SELECT, INSERT ON audit_leaf, audit_node TO " + s,
			"GRANT SELECT, UPDATE ON audit_head TO " + s,
		} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}
