package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/medcard/medcard/app/store"
)

// The roles of the tests, as those of compose.yaml: one owns the schemas and migrates, the other serves. Row security binds both, as
// it would not bind the superuser that makes them, so that what forgets to enter a card fails in every test. They stay in the database.
const (
	ownerRole     = "medcard_test_owner"
	appRole       = "medcard_test_app"
	sequencerRole = "medcard_test_sequencer"
)

const makeRoles = `DO $$
	DECLARE
		name text;
	BEGIN
		FOREACH name IN ARRAY ARRAY['` + ownerRole + `', '` + appRole + `', '` + sequencerRole + `'] LOOP
			IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
				BEGIN
					EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE', name);
				EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another process was faster
				END;
			END IF;
		END LOOP;
	END
	$$`

// lowly gives the DSN that leads into the schema as its owner, who is no superuser. Where the DSN's own role is none either, row security
// binds it already, and it goes on alone.
func lowly(ctx context.Context, inside string) (owner string, err error) {
	conn, err := pgx.Connect(ctx, inside)
	if err != nil {
		return "", errors.New("cannot connect to the PostgreSQL database that is named") // never err: it may quote the DSN
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	var mighty bool
	var schema string
	if err := conn.QueryRow(ctx, "SELECT rolsuper, current_schema() FROM pg_roles WHERE rolname = current_user").Scan(&mighty, &schema); err != nil || !mighty {
		return inside, err
	}
	if _, err := conn.Exec(ctx, makeRoles); err != nil {
		return "", err
	}
	for _, statement := range []string{
		"ALTER SCHEMA @ OWNER TO " + ownerRole,
		"GRANT USAGE ON SCHEMA @ TO " + appRole,
		"ALTER DEFAULT PRIVILEGES FOR ROLE " + ownerRole + " IN SCHEMA @ GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO " + appRole,
		"ALTER DEFAULT PRIVILEGES FOR ROLE " + ownerRole + " IN SCHEMA @ GRANT USAGE, SELECT ON SEQUENCES TO " + appRole,
	} {
		if _, err := conn.Exec(ctx, strings.ReplaceAll(statement, "@", schema)); err != nil {
			return "", err
		}
	}
	return as(inside, ownerRole), nil
}

// Parted gives the configuration of a fresh schema whose log of accesses is the sequencer's, and the DSN of that. It skips where Postgres does,
// and where there is nobody who could make the roles.
func Parted(t testing.TB) (cfg store.Config, sequencer string) {
	t.Helper()
	cfg = Postgres(t)
	if !strings.Contains(cfg.Postgres, appRole) {
		t.Skip("needs a superuser, who makes the roles")
	}
	owner := cfg
	owner.Postgres = as(cfg.Postgres, ownerRole)
	db := OpenStore(t, owner)
	for range 2 { // again changes nothing
		if err := db.PartAudit(context.Background(), appRole, sequencerRole); err != nil {
			t.Fatal(err)
		}
	}
	return cfg, as(cfg.Postgres, sequencerRole)
}

func as(dsn, role string) string { return store.WithSetting(dsn, "role", role) }

// Mighty gives the DSN of a schema of Postgres for what a test does behind the product's back, as the role that made the schema.
func Mighty(dsn string) string { return as(dsn, "none") }
