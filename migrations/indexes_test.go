package migrations

import (
	"database/sql"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/ncruces/go-sqlite3/driver"
	"github.com/pressly/goose/v3"
)

var (
	created = regexp.MustCompile(`(?m)^CREATE TABLE (\w+)`)
	indexed = regexp.MustCompile(`(?m)^CREATE (?:UNIQUE )?INDEX (\$\{CONCURRENTLY\} )?(?:IF NOT EXISTS )?(\w+)\s+ON (\w+)`)
)

// inPlace are indexes on tables of earlier migrations that are built in place all the same, each with the reason.
var inPlace = map[string]string{
	"prescription_by_supply": "no version that had prescriptions before was released",
}

// blocking lists the indexes of a migration that would keep everybody from writing to a table that is large already.
func blocking(migration string) (found []string) {
	up, _, _ := strings.Cut(migration, "-- +goose Down")
	own := map[string]bool{}
	for _, t := range created.FindAllStringSubmatch(up, -1) {
		own[t[1]] = true
	}
	for _, i := range indexed.FindAllStringSubmatch(up, -1) {
		concurrently, name, table := i[1] != "", i[2], i[3]
		if own[table] || inPlace[name] != "" {
			continue
		}
		if !concurrently || !strings.Contains(migration, "-- +goose NO TRANSACTION") {
			found = append(found, name)
		}
	}
	return found
}

func TestIndexesOnLargeTablesAreBuiltBesideTheWork(t *testing.T) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name <= "00014" {
			continue
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, index := range blocking(string(text)) {
			t.Errorf("%s: %s: build it CONCURRENTLY, see the package's page, or list it as in place, with the reason", name, index)
		}
	}
}

const beside = "-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose ENVSUB ON\nCREATE INDEX ${CONCURRENTLY} IF NOT EXISTS note_by_age ON note (age);\n"

func TestBlockingIndexesAreCaught(t *testing.T) {
	for name, c := range map[string]struct {
		migration string
		want      int
	}{
		"in place":               {"-- +goose Up\nCREATE INDEX note_by_age ON note (age);\n", 1},
		"a unique one":           {"-- +goose Up\nCREATE UNIQUE INDEX note_by_age\n  ON note (age);\n", 1},
		"in a transaction":       {strings.ReplaceAll(beside, "-- +goose NO TRANSACTION\n", ""), 1},
		"beside the work":        {beside, 0},
		"of a table of its own":  {"-- +goose Up\nCREATE TABLE note (\n age bigint\n);\nCREATE INDEX note_by_age ON note (age);\n", 0},
		"when it is taken back":  {"-- +goose Up\nDROP INDEX a;\n-- +goose Down\nCREATE INDEX note_by_age ON note (age);\n", 0},
		"on two, one is its own": {"-- +goose Up\nCREATE TABLE note (\n age bigint\n);\nCREATE INDEX a ON note (age);\nCREATE INDEX b ON card (age);\n", 1},
	} {
		if got := blocking(c.migration); len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The form that the package's page asks for works on both databases.
func TestAnIndexIsBuiltBesideTheWork(t *testing.T) {
	work := func(t *testing.T, db *sql.DB, dialect Dialect) {
		defer db.Close()
		db.SetMaxOpenConns(2)
		source := fstest.MapFS{
			"00001_note.sql":  {Data: []byte("-- +goose Up\nCREATE TABLE note (\n age bigint\n);\n")},
			"00002_index.sql": {Data: []byte(beside)},
		}
		if err := with(db, dialect, source, func(p *goose.Provider) error {
			_, err := p.Up(t.Context())
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "DROP INDEX note_by_age"); err != nil {
			t.Error("it is not there: ", err)
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		db, err := sql.Open("sqlite3", "file:"+t.TempDir()+"/notes.db")
		if err != nil {
			t.Fatal(err)
		}
		work(t, db, SQLite)
	})
	t.Run("postgres", func(t *testing.T) { onPostgres(t, "medcard_indexes", work) })
}
