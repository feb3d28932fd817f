package story

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"       // opens the database beside the server, to look at it
	_ "github.com/ncruces/go-sqlite3/driver" // the same

	"github.com/medcard/medcard/app/store/storetest"
)

// restless are the tables that a refused request may write to. Every other one must stay as it is.
var restless = map[string]string{
	"allowance":         "how often somebody tried",
	"account_event":     "the same",
	"oauth_assertion":   "that an assertion was seen",
	"sign_in":           "attempts to come in",
	"registration":      "attempts to come in",
	"password_recovery": "attempts to come in",
	"ceremony":          "attempts to come in",
	"one_time_code":     "attempts to come in",
	"goose_db_version":  "the migrations own",
	"key_set":           "what the server publishes of its own accord, once an hour, when somebody asks for it",
	"key_event":         "what became of keys with that",
	"push_news":         "what the queue has told, which may be under way",
	"audit_pending":     "what the audit log has taken in meanwhile",
	"audit_leaf":        "the same",
	"audit_node":        "the same",
	"audit_head":        "the same",
}

// upkeep are the columns that the server's own work writes at any time.
var upkeep = map[string][]string{"card": {"collected", "collect_at", "forget_seq", "gc_seq"}}

// imprint is what stands in each table: the number of rows, and a hash over all of them.
func (w *World) imprint(ctx context.Context, t testing.TB) map[string]string {
	t.Helper()
	tables := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if w.cfg.Postgres != "" {
		tables = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
	}
	db := beside(t, w.cfg.Database(), w.cfg.Postgres)
	defer db.Close()
	print := map[string]string{}
	for _, table := range column(ctx, t, db, tables) {
		if _, may := restless[table]; may || strings.HasPrefix(table, "river_") {
			continue
		}
		rows := got(db.QueryContext(ctx, "SELECT * FROM "+table))(t)
		names := got(rows.Columns())(t)
		var lines []string
		for rows.Next() {
			values, into := make([]any, len(names)), make([]any, len(names))
			for i := range values {
				into[i] = &values[i]
			}
			ok(t, rows.Scan(into...))
			for _, column := range upkeep[table] {
				values[slices.Index(names, column)] = nil
			}
			lines = append(lines, fmt.Sprint(values...))
		}
		ok(t, rows.Err())
		ok(t, rows.Close())
		slices.Sort(lines)
		sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
		print[table] = fmt.Sprint(len(lines), " rows ", hex.EncodeToString(sum[:6]))
	}
	if len(print) < 10 {
		t.Fatalf("only %d tables were looked at", len(print))
	}
	return print
}

// beside opens the server's database next to the server.
func beside(t testing.TB, file, postgres string) *sql.DB {
	t.Helper()
	if postgres != "" {
		return got(sql.Open("pgx", storetest.Mighty(postgres)))(t)
	}
	return got(sql.Open("sqlite3", "file:"+file+"?_pragma=busy_timeout(10000)"))(t)
}

func column(ctx context.Context, t testing.TB, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows := got(db.QueryContext(ctx, query))(t)
	defer rows.Close()
	for rows.Next() {
		var s string
		ok(t, rows.Scan(&s))
		all = append(all, s)
	}
	ok(t, rows.Err())
	return all
}

// untouched runs what must change nothing in the database.
func (w *World) untouched(ctx context.Context, t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	w.note(ctx, t) // what the upkeep would write meanwhile
	before := w.imprint(ctx, t)
	t.Run(name, f)
	after := w.imprint(ctx, t)
	for _, table := range slices.Sorted(maps.Keys(after)) {
		if before[table] != after[table] {
			t.Errorf("%s: the table %s was %s and is %s", name, table, before[table], after[table])
		}
	}
}
