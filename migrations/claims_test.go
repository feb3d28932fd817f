package migrations

import (
	"database/sql"
	"os"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"
)

// The table of documents is made anew for claims, and none is lost on the way up or down.
func TestDocumentsStayWhenClaimsCome(t *testing.T) {
	const account, id, other = "0191d5a0-0000-7000-8000-0000000000a1", "0191d5a0-0000-7000-8000-0000000000b1", "0191d5a0-0000-7000-8000-0000000000b2"
	work := func(t *testing.T, db *sql.DB, dialect Dialect) {
		defer db.Close()
		db.SetMaxOpenConns(2)
		do := func(statement string) {
			t.Helper()
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		left := func(want int) {
			t.Helper()
			var documents, pages int
			if err := db.QueryRowContext(t.Context(), "SELECT (SELECT count(*) FROM document), (SELECT count(*) FROM document_file)").Scan(&documents, &pages); err != nil {
				t.Fatal(err)
			}
			if documents != want || pages != want {
				t.Errorf("%d documents and %d pages are left of %d", documents, pages, want)
			}
		}
		to := func(version int64, up bool) {
			t.Helper()
			if err := with(db, dialect, files, func(p *goose.Provider) (err error) {
				if up {
					_, err = p.UpTo(t.Context(), version)
				} else {
					_, err = p.DownTo(t.Context(), version)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		const page = "INSERT INTO document_file (account, document, number, format, size, pages, sealed) VALUES ('" + account + "', '%', 1, 'jpeg', 1, 1, 'x')"
		to(25, true)
		do("INSERT INTO document (account, id, slot, settled, status, changed_at, reason, key, sealed) VALUES ('" + account + "', '" + id + "', 'passport', false, 'checking', '2026-11-30', '', 'k', 's')")
		do(strings.ReplaceAll(page, "%", id))
		to(26, true)
		left(1)
		do("INSERT INTO document (account, id, slot, claim, settled, status, changed_at, reason, key, sealed) VALUES ('" + account + "', '" + other + "', 'passport', '" + other + "', false, 'checking', '2026-11-30', '', 'k', 's')")
		do(strings.ReplaceAll(page, "%", other))
		left(2)
		to(25, false)
		left(1)
		to(26, true)
		left(1)
	}
	t.Run("sqlite", func(t *testing.T) {
		db, err := sql.Open("sqlite3", "file:"+t.TempDir()+"/documents.db")
		if err != nil {
			t.Fatal(err)
		}
		work(t, db, SQLite)
	})
	t.Run("postgres", func(t *testing.T) { onPostgres(t, "medcard_claims", work) })
}

// onPostgres works in a schema of its own, where a PostgreSQL is named.
func onPostgres(t *testing.T, schema string, work func(*testing.T, *sql.DB, Dialect)) {
	t.Helper()
	dsn := os.Getenv("MEDCARD_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("set MEDCARD_TEST_POSTGRES to a DSN to run this on PostgreSQL")
	}
	owner, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	if _, err := owner.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := owner.ExecContext(t.Context(), "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			t.Error(err)
		}
	}()
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	db, err := sql.Open("pgx", dsn+separator+"search_path="+schema)
	if err != nil {
		t.Fatal(err)
	}
	work(t, db, Postgres)
}
