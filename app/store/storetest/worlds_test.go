package storetest

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/migrations"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/simnet"
)

var (
	worlds     = flag.Int("storetest.worlds", 0, "how many simulated worlds to play on each database; 0: as many as fit into some seconds")
	worldsFrom = flag.Uint64("storetest.seed", 1, "the first world's seed")
)

// Simulated worlds whose cards are rows of a database, beside those in memory: each answer of the two is the same, also after a
// backup was put back, and the world takes the very way that it takes without a database.
func TestWorldsOnDatabases(t *testing.T) {
	swift(t)
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		shop := newCabinet(t, cfg)
		start, played := time.Now(), 0
		for seed := *worldsFrom; played < *worlds || *worlds == 0 && time.Since(start) < 2*time.Second; seed++ {
			memory := simnet.World{Seed: seed}
			rows := simnet.World{Seed: seed, CardStore: shop.card}
			want, got := memory.Run(), rows.Run()
			if got.Failure != nil || want.Trace != got.Trace {
				t.Errorf("seed %d: trace %x, %v; in memory %x, %v", seed, got.Trace, got.Failure, want.Trace, want.Failure)
			}
			played++
		}
		t.Logf("%d worlds from seed %d in %s, cards restored %d times", played, *worldsFrom, time.Since(start).Round(time.Millisecond), shop.restored)
	})
}

// swift has temporary files in memory, where there is such a thing: nothing here cuts the power of the machine.
func swift(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/dev/shm"); err == nil {
		t.Setenv("TMPDIR", "/dev/shm")
	}
}

// cabinet makes cards in a database.
type cabinet struct {
	t        *testing.T
	db       *store.DB
	raw      *sql.DB
	columns  map[string]string // of each table with rows of cards
	kept     int               // backups made
	restored int
}

func newCabinet(t *testing.T, cfg store.Config) *cabinet {
	t.Helper()
	c := &cabinet{t: t, db: OpenStore(t, cfg), columns: map[string]string{}}
	raw, dialect := bare(t, cfg)
	c.raw = raw
	list := "SELECT m.name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' AND c.name = 'card' ORDER BY m.name"
	if dialect == migrations.Postgres {
		list = "SELECT table_name FROM information_schema.columns WHERE table_schema = current_schema() AND column_name = 'card' ORDER BY table_name"
	}
	tables := c.ask(list, func(rows *sql.Rows) (names []string, err error) {
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return nil, err
			}
			names = append(names, name)
		}
		return names, rows.Err()
	})
	if len(tables) < 6 {
		t.Fatalf("tables with rows of a card: %v", tables)
	}
	for _, table := range append(tables, "card") {
		columns := c.ask("SELECT * FROM "+table+" LIMIT 0", (*sql.Rows).Columns)
		c.columns[table] = `"` + strings.Join(columns, `", "`) + `"`
		if err := c.run(fmt.Sprintf("CREATE TABLE kept_%s AS SELECT 0 AS kept, %s FROM %s LIMIT 0", table, c.columns[table], table)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *cabinet) ask(query string, read func(*sql.Rows) ([]string, error)) []string {
	c.t.Helper()
	rows, err := c.raw.QueryContext(c.t.Context(), query)
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()
	list, err := read(rows)
	if err = errors.Join(err, rows.Err()); err != nil {
		c.t.Fatal(err)
	}
	return list
}

// card makes one that stands where a card in memory starts: its owner's grant is a commit that worlds know nothing of.
func (c *cabinet) card(_, epoch string) (simnet.CardStore, error) {
	drawer := &drawer{cabinet: c, id: newCard(c.t, c.db, "ada")}
	return drawer, c.run(fmt.Sprintf("UPDATE card SET seq = 0, epoch = '%s' WHERE id = '%s'", epoch, drawer.id))
}

// run runs statements with nothing in them but names and ids that were made here.
func (c *cabinet) run(statements ...string) error {
	tx, err := c.raw.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(context.Background(), s); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", s, err), tx.Rollback())
		}
	}
	return tx.Commit()
}

// drawer is one card in a database.
type drawer struct {
	*cabinet
	id card.ID
}

var _ simnet.CardStore = (*drawer)(nil)

func (d *drawer) Update(f func(replica.Ledger) error) error {
	return d.db.Update(context.Background(), d.as(f))
}

func (d *drawer) View(f func(replica.Ledger) error) error {
	return d.db.View(context.Background(), d.as(f))
}

// as runs f as the card's owner.
func (d *drawer) as(f func(replica.Ledger) error) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		p, err := tx.Decide(patient("ada"), d.id, consent.PatientRequest, noon)
		if err != nil {
			return err
		}
		l, err := tx.Ledger(p)
		if err != nil {
			return err
		}
		return f(l)
	}
}

// Backup keeps the card's rows, of all tables that have any.
func (d *drawer) Backup() (func(epoch string) error, error) {
	d.kept++
	var keep, back []string
	for table, columns := range d.columns {
		of := fmt.Sprintf("%s WHERE card = '%s'", table, d.id)
		if table == "card" {
			of = fmt.Sprintf("card WHERE id = '%s'", d.id)
		}
		keep = append(keep, fmt.Sprintf("INSERT INTO kept_%s SELECT %d, %s FROM %s", table, d.kept, columns, of))
		back = append(back, "DELETE FROM "+of, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM kept_%s WHERE kept = %d", table, columns, columns, table, d.kept))
	}
	return func(epoch string) error {
		d.restored++
		return d.run(append(back, fmt.Sprintf("UPDATE card SET epoch = '%s' WHERE id = '%s'", epoch, d.id))...)
	}, d.run(keep...)
}
