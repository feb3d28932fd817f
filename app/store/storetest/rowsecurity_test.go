package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
)

// directories are the tables with a card in them that row security leaves alone, each with the reason. They lead to a card, so they are read
// before it is known.
var directories = map[string]string{
	"account_card":     "from an account to the cards that it sees",
	"awaited_card":     "from an account to the cards that it will see",
	"patient_key":      "from a patient's number or name, hashed, to the card",
	"claim_code":       "from a code of a clinic's desk, hashed, to the card that it opens",
	"paper":            "from the token in a code to the card",
	"proposal":         "from a code, hashed, to who asks; the card that agreed comes last",
	"prescription_end": "from an instant to the prescriptions that it ends, which the upkeep moves",
	"audit_pending":    "hashes of all cards' entries that wait for the log",
	"audit_leaf":       "the log of all cards' entries: hashes",
	"destroyed_card":   "from an account to the cards that it had, when they were destroyed",
	"shredding":        "which cards were destroyed, and why, for operators; a new wrapping key walks over it",
}

// inDirectory are the rows of policed tables that are read without their card, as a directory is: the condition, and why.
var inDirectory = map[string][2]string{
	"access_grant":          {"((ended = 0) AND (ends_at IS NOT NULL))", "the upkeep looks for grants that have run out"},
	"attachment_upload":     {"(idle IS NOT NULL)", "the upkeep looks for uploads that nobody goes on with"},
	"representation_notice": {"(sent_at IS NULL)", "a job looks for whom to tell"},
	"representation":        {"true", "from a person to those whom he represents"},
	"emergency":             {"true", "reviewers list them, and a clinic's are counted"},
	"prescription":          {"(supply_holder <> ''::text)", "from a pharmacy to what it has ordered"},
	"dispensing_case":       {"true", "from a clinic to what was wrongly handed out of its prescriptions"},
}

const byCard = "(card = (NULLIF(current_setting('medcard.card'::text, true), ''::text))::uuid)"

// A table that comes later is policed, or somebody has said why not.
func TestEveryTableWithACardIsPoliced(t *testing.T) {
	cfg := Postgres(t)
	OpenStore(t, cfg)
	db := connect(t, Mighty(cfg.Postgres))
	tables := ask[string](t, db, `SELECT c.table_name FROM information_schema.columns AS c JOIN information_schema.tables AS t USING (table_schema, table_name)
		WHERE c.table_schema = current_schema() AND c.column_name = 'card' AND t.table_type = 'BASE TABLE' ORDER BY 1`)
	if len(tables) < 30 {
		t.Fatalf("tables with a card: %v", tables)
	}
	for _, table := range tables {
		var want []string
		if directories[table] == "" {
			want = []string{"true true", "card_rows ALL " + byCard + " "}
			if d, ok := inDirectory[table]; ok {
				want = append(want, "card_directory SELECT "+d[0]+" ")
			}
		} else {
			want = []string{"false false"}
		}
		got := ask[string](t, db, "SELECT concat_ws(' ', relrowsecurity, relforcerowsecurity) FROM pg_class WHERE oid = $1::regclass", table)
		got = append(got, ask[string](t, db, `SELECT concat(policyname, ' ', cmd, ' ', qual, ' ', with_check) FROM pg_policies
			WHERE schemaname = current_schema() AND tablename = $1 AND permissive = 'PERMISSIVE' AND roles = '{public}' ORDER BY policyname DESC`, table)...)
		for i := range got {
			got[i] = strings.NewReplacer("t t", "true true", "f f", "false false").Replace(got[i])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q: give it the policy that migrations.go shows, or name it as a directory here, with the reason", table, got, want)
		}
	}
	for table := range maps.Keys(directories) {
		if !slices.Contains(tables, table) {
			t.Errorf("%s stands among the directories, and is no table with a card", table)
		}
	}
}

// Whoever forgets to enter a card reads nothing, whoever entered one reaches no other: the app and the owner of the tables alike.
func TestRowsOfOtherCardsAreOutOfReach(t *testing.T) {
	dsn := Postgres(t).Postgres
	if !strings.Contains(dsn, appRole) {
		t.Skip("needs a superuser, who makes the roles and puts rows under two cards")
	}
	mighty := connect(t, Mighty(dsn))
	here, there := store.NewID(), store.NewID()
	tables := ask[string](t, mighty, "SELECT tablename FROM pg_policies WHERE schemaname = current_schema() AND policyname = 'card_rows' ORDER BY 1")
	inserts := map[string]string{}
	for _, table := range tables {
		inserts[table] = insertInto(t, mighty, table)
		for _, id := range []string{here, there} {
			if _, err := mighty.Exec(t.Context(), inserts[table], id); err != nil {
				t.Fatalf("%s: %v", inserts[table], err)
			}
		}
	}
	for _, role := range []string{appRole, ownerRole} {
		db := connect(t, as(dsn, role))
		if powers := ask[bool](t, db, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"); powers[0] {
			t.Fatalf("%s is bound by no policy", role)
		}
		for _, table := range tables {
			seen := "SELECT count(*) FROM " + table
			open := inDirectory[table][0] == "true"
			if n := ask[int](t, db, seen)[0]; n != 0 && !open {
				t.Errorf("%s: %s sees %d rows without a card", table, role, n)
			}
			within(t, db, here, func(tx pgx.Tx) {
				if n := ask[int](t, tx, seen)[0]; n != 1 && !open {
					t.Errorf("%s: %s sees %d rows, want the card's one", table, role, n)
				}
				if n := ask[int](t, tx, seen+" WHERE card = $1", there)[0]; n != 0 && !open {
					t.Errorf("%s: %s sees %d rows of another card", table, role, n)
				}
				for _, change := range []string{"UPDATE " + table + " SET card = card WHERE card = $1", "DELETE FROM " + table + " WHERE card = $1"} {
					if done, err := tx.Exec(t.Context(), change, there); err != nil || done.RowsAffected() != 0 {
						t.Errorf("%s: %s: %d rows, %v", role, change, done.RowsAffected(), err)
					}
				}
			})
			for _, change := range []string{inserts[table], "UPDATE " + table + " SET card = $1"} {
				within(t, db, here, func(tx pgx.Tx) {
					_, err := tx.Exec(t.Context(), change, there)
					if p := new(pgconn.PgError); !errors.As(err, &p) || p.Code != "42501" {
						t.Errorf("%s: %s: %v", role, change, err)
					}
				})
			}
			within(t, db, here, func(tx pgx.Tx) {
				if done, err := tx.Exec(t.Context(), "DELETE FROM "+table); err != nil || done.RowsAffected() != 1 {
					t.Errorf("%s: %s deletes %d rows, want the card's one, %v", table, role, done.RowsAffected(), err)
				}
			})
			if n := ask[int](t, db, seen)[0]; n != 0 && !open { // the setting is '' by now, not unset
				t.Errorf("%s: %s sees %d rows after a transaction that had a card", table, role, n)
			}
		}
	}
}

// A transaction that goes from card to card, as those of parents and jobs do, sees each when it asks for it.
func TestATransactionOfSeveralCards(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		mine, others := newCard(t, db, "ada"), newCard(t, db, "ada")
		err := db.View(t.Context(), func(tx *store.Tx) error {
			var permits []consent.Permit
			for _, id := range []card.ID{mine, others} {
				p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
				if err != nil {
					return err
				}
				permits = append(permits, p)
			}
			for _, p := range append(permits, permits...) {
				grants, err := tx.Grants(p)
				if err != nil || len(grants) != 1 || grants[0].Card != p.Card() {
					t.Errorf("%d grants, %v", len(grants), err)
				}
				if owned, err := tx.HasOwner(p.Card()); err != nil || !owned {
					t.Errorf("owned %v, %v", owned, err)
				}
			}
			// A card without any row of its own, then one that has some.
			if owners, err := tx.OwnersOf(card.ID(store.NewID()), noon); err != nil || len(owners) != 0 {
				t.Errorf("owners of no card: %v, %v", owners, err)
			}
			owners, err := tx.OwnersOf(mine, noon)
			if err != nil || len(owners) != 1 {
				t.Errorf("owners: %v, %v", owners, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// insertInto makes the statement that puts a row of the card $1 into a table, in which stands whatever its columns take.
func insertInto(t *testing.T, db *pgx.Conn, table string) string {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT column_name, data_type FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name = $1 AND column_name <> 'card' AND (is_nullable = 'NO' AND column_default IS NULL OR column_name = 'sent_at')`, table)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{
		"uuid": "gen_random_uuid()", "text": "'issued'", "bigint": "1", "bytea": `'\x00'`, "boolean": "false", "timestamp with time zone": "now()",
	}
	names, values := []string{"card"}, []string{"$1"}
	var name, kind string
	if _, err := pgx.ForEachRow(rows, []any{&name, &kind}, func() error {
		if kinds[kind] == "" {
			return fmt.Errorf("%s.%s: a %s", table, name, kind)
		}
		names, values = append(names, name), append(values, kinds[kind])
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")"
}

// within runs f in a transaction that has entered the card, and takes back what it did.
func within(t *testing.T, db *pgx.Conn, id string, f func(pgx.Tx)) {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT set_config('medcard.card', $1, true)", id); err != nil {
		t.Fatal(err)
	}
	f(tx)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	db, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.Background()) })
	return db
}

func ask[T any](t *testing.T, db interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
}, query string, args ...any) []T {
	t.Helper()
	rows, err := db.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return list
}
