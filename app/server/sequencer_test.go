package server

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/audit"
)

// The log of accesses is the sequencer's alone: the app's role writes entries and can neither take one back nor extend the log, and the sequencer's
// sees nothing but hashes.
func TestTheSequencersRole(t *testing.T) {
	cfg, dsn := storetest.Parted(t)
	app := openRegistry(t, cfg)
	sequencer := app
	db, err := app.db.ByRole(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if sequencer.log, err = Audit(db, cfg.Keys, "test", time.Now); err != nil {
		t.Fatal(err)
	}
	id := app.card(t)
	for range 3 {
		app.read(t, id)
	}
	if err := app.log.Sequence(t.Context()); !refusedRight(err) {
		t.Errorf("the app extends the log: %v", err)
	}
	sequencer.sequence(t)
	app.read(t, id)
	sequencer.sequence(t)
	if c := app.checkpoint(t); c.Size != 4 {
		t.Errorf("the log holds %d entries", c.Size)
	}
	report, err := app.log.Verify(t.Context(), audit.Checkpoint{}, func(audit.Hash, int64) {})
	if err != nil || len(report.Findings) > 0 || report.Entries != 4 {
		t.Errorf("%+v, %v", report, err)
	}

	served := asRole(t, app.cfg.Postgres)
	for _, statement := range []string{
		"UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry",
		"DELETE FROM audit_pending", "UPDATE audit_pending SET number = 1",
		"INSERT INTO audit_leaf SELECT 9, card, 9, hash FROM audit_leaf LIMIT 1", "UPDATE audit_leaf SET number = 9", "DELETE FROM audit_leaf",
		"INSERT INTO audit_node SELECT 99, hash FROM audit_node LIMIT 1", "UPDATE audit_node SET position = 99", "DELETE FROM audit_node",
		"INSERT INTO audit_head VALUES (2, 0, '')", "UPDATE audit_head SET size = 0", "DELETE FROM audit_head",
		"ALTER TABLE audit_entry DISABLE ROW LEVEL SECURITY", "DROP POLICY card_rows ON audit_entry",
	} {
		if _, err := served.Exec(t.Context(), statement); !refusedRight(err) {
			t.Errorf("the app's role: %s: %v", statement, err)
		}
	}

	extends := asRole(t, dsn)
	rows, err := served.Query(t.Context(), "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 50 {
		t.Fatal(tables, err)
	}
	for _, table := range tables {
		_, err := extends.Exec(t.Context(), "SELECT 1 FROM "+table+" LIMIT 1")
		if mine := slices.Contains([]string{"audit_pending", "audit_leaf", "audit_node", "audit_head"}, table); mine && err != nil || !mine && !refusedRight(err) {
			t.Errorf("the sequencer's role reads %s: %v", table, err)
		}
	}
	for _, statement := range []string{"UPDATE audit_leaf SET number = 9", "DELETE FROM audit_leaf", "DELETE FROM audit_node", "DELETE FROM audit_head", "INSERT INTO audit_pending SELECT * FROM audit_pending"} {
		if _, err := extends.Exec(t.Context(), statement); !refusedRight(err) {
			t.Errorf("the sequencer's role: %s: %v", statement, err)
		}
	}
}

// refusedRight reports whether PostgreSQL said that the role has no right to it.
func refusedRight(err error) bool {
	var p *pgconn.PgError
	return errors.As(err, &p) && p.Code == "42501"
}

func asRole(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
