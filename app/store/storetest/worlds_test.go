package storetest

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
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
		for seed := *worldsFrom; played < *worlds || *worlds == 0 && time.Since(start) < 3*time.Second; seed++ {
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
	tables   []string // with rows of cards
	kept     int      // backups made
	restored int
}

func newCabinet(t *testing.T, cfg store.Config) *cabinet {
	t.Helper()
	c := &cabinet{t: t, db: OpenStore(t, cfg)}
	raw, dialect := bare(t, cfg)
	c.raw = raw
	list := "SELECT m.name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' AND c.name = 'card' ORDER BY m.name"
	if dialect == migrations.Postgres {
		list = "SELECT table_name FROM information_schema.columns WHERE table_schema = current_schema() AND column_name = 'card' ORDER BY table_name"
	}
	rows, err := raw.QueryContext(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		c.tables = append(c.tables, name)
	}
	if err := rows.Err(); err != nil || len(c.tables) < 6 {
		t.Fatalf("tables with rows of a card: %v, %v", c.tables, err)
	}
	return c
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
	prefix := fmt.Sprintf("kept_%d_", d.kept)
	keep := []string{fmt.Sprintf("CREATE TABLE %scard AS SELECT * FROM card WHERE id = '%s'", prefix, d.id)}
	back := []string{fmt.Sprintf("DELETE FROM card WHERE id = '%s'", d.id), fmt.Sprintf("INSERT INTO card SELECT * FROM %scard", prefix)}
	for _, table := range d.tables {
		keep = append(keep, fmt.Sprintf("CREATE TABLE %s%s AS SELECT * FROM %s WHERE card = '%s'", prefix, table, table, d.id))
		back = append(back, fmt.Sprintf("DELETE FROM %s WHERE card = '%s'", table, d.id), fmt.Sprintf("INSERT INTO %s SELECT * FROM %s%s", table, prefix, table))
	}
	return func(epoch string) error {
		d.restored++
		return d.run(append(back, fmt.Sprintf("UPDATE card SET epoch = '%s' WHERE id = '%s'", epoch, d.id))...)
	}, d.run(keep...)
}
