package simnet_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/simnet"
	"github.com/medcard/medcard/sync/wire"
)

// A world on real stores takes the way of the world in memory. Here the "real" ones are in memory as well; app/store/storetest
// and the phone's vault run the same on databases and files.
func TestRealStoresChangeNothing(t *testing.T) {
	searched := 0
	for i := range uint64(6) {
		alone := simnet.World{Seed: *seed + i}
		beside := simnet.World{Seed: *seed + i, CardStore: cardBeside(nil), PhoneFile: fileBeside(nil, false)}
		a, b := alone.Run(), beside.Run()
		if a.Failure != nil || b.Failure != nil || a.Trace != b.Trace {
			t.Errorf("seed %d: trace %x, %v; beside a real store %x, %v", a.Seed, a.Trace, a.Failure, b.Trace, b.Failure)
		}
		searched += b.Coverage["a phone's file searched for traces"]
	}
	if searched == 0 {
		t.Error("no phone's file was ever searched")
	}
}

// What a real store does differently is noticed, and named.
func TestDifferencesAreNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		world simnet.World
		want  string
	}{
		"moves forgotten":      {simnet.World{CardStore: cardBeside(func(l replica.Ledger) replica.Ledger { return unmoved{l} })}, "Moves"},
		"a scan without order": {simnet.World{CardStore: cardBeside(func(l replica.Ledger) replica.Ledger { return unsorted{l} })}, "Scan"},
		"results forgotten":    {simnet.World{CardStore: cardBeside(func(l replica.Ledger) replica.Ledger { return undecided{l} })}, "Decisions"},
		"a failing write":      {simnet.World{CardStore: cardBeside(func(l replica.Ledger) replica.Ledger { return full{l} })}, "SaveActor"},
		"scopes kept":          {simnet.World{PhoneFile: fileBeside(func(tx replica.PhoneTx) replica.PhoneTx { return hoarding{tx} }, false)}, "differs"},
		"edits kept":           {simnet.World{PhoneFile: fileBeside(func(tx replica.PhoneTx) replica.PhoneTx { return stubborn{tx} }, false)}, "differs"},
		"traces left":          {simnet.World{PhoneFile: fileBeside(nil, true)}, "invariant 4: the file of a phone still holds"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			for i := range uint64(30) {
				w := c.world
				w.Seed = *seed + i
				if r := w.Run(); r.Failure != nil {
					if !strings.Contains(r.Failure.Error(), c.want) {
						t.Errorf("seed %d: %v; want something of %s", r.Seed, r.Failure, c.want)
					}
					return
				}
			}
			t.Error("30 worlds, and nobody noticed")
		})
	}
}

// cardBeside makes a second Book stand for a real store, with a mistake.
func cardBeside(mistake func(replica.Ledger) replica.Ledger) func(card, epoch string) (simnet.CardStore, error) {
	if mistake == nil {
		mistake = func(l replica.Ledger) replica.Ledger { return l }
	}
	return func(_, epoch string) (simnet.CardStore, error) {
		return &cardStore{simnet.NewBook(epoch), mistake}, nil
	}
}

type cardStore struct {
	book    *simnet.Book
	mistake func(replica.Ledger) replica.Ledger
}

func (c *cardStore) Update(f func(replica.Ledger) error) error {
	return c.book.Update(func(l replica.Ledger) error { return f(c.mistake(l)) })
}

func (c *cardStore) View(f func(replica.Ledger) error) error {
	return c.book.View(func(l replica.Ledger) error { return f(c.mistake(l)) })
}

func (c *cardStore) Backup() (func(string) error, error) {
	kept := c.book.Copy()
	return func(epoch string) error { c.book.Restored(kept, epoch); return nil }, nil
}

type unmoved struct{ replica.Ledger }

func (unmoved) Moves(uint64, int) ([]replica.Move, error) { return nil, nil }

type unsorted struct{ replica.Ledger }

func (u unsorted) Scan(scopes replica.Scopes, after uint64, limit int) ([]replica.Record, error) {
	list, err := u.Ledger.Scan(scopes, after, limit)
	if len(list) > 1 {
		list[0], list[1] = list[1], list[0]
	}
	return list, err
}

type undecided struct{ replica.Ledger }

func (undecided) SaveDecisions(uint32, []replica.Decision) error { return nil }

type full struct{ replica.Ledger }

func (full) SaveActor(replica.Actor) error { return errors.New("disk full") }

// fileBeside makes a second Shelf stand for a real file, with a mistake, or with rows that stay on it for ever.
func fileBeside(mistake func(replica.PhoneTx) replica.PhoneTx, hoard bool) func(card string) (simnet.PhoneFile, error) {
	if mistake == nil {
		mistake = func(tx replica.PhoneTx) replica.PhoneTx { return tx }
	}
	return func(string) (simnet.PhoneFile, error) {
		return &phoneFile{Shelf: simnet.NewShelf(), mistake: mistake, hoard: hoard}, nil
	}
}

type phoneFile struct {
	*simnet.Shelf
	mistake func(replica.PhoneTx) replica.PhoneTx
	hoard   bool
	plain   []byte
}

func (p *phoneFile) Update(f func(replica.PhoneTx) error) error {
	return p.Shelf.Update(func(tx replica.PhoneTx) error {
		if p.hoard {
			tx = noting{tx, p}
		}
		return f(p.mistake(tx))
	})
}

func (p *phoneFile) Crash() error { return nil }

func (p *phoneFile) Backup() (func() (simnet.PhoneFile, error), error) {
	kept, plain := p.Shelf.Copy(), p.plain
	return func() (simnet.PhoneFile, error) {
		return &phoneFile{Shelf: kept.Copy(), mistake: p.mistake, hoard: p.hoard, plain: plain}, nil
	}, nil
}

func (p *phoneFile) Plain() ([]byte, error) { return append([]byte{}, p.plain...), nil }

func (p *phoneFile) Close() error { return nil }

// noting is a transaction whose rows lie in the file ever after.
type noting struct {
	replica.PhoneTx
	file *phoneFile
}

func (n noting) PutRow(row wire.Row) error {
	n.file.plain = fmt.Appendf(n.file.plain, "%s %s\n", row.ID, row.Scope)
	return n.PhoneTx.PutRow(row)
}

type hoarding struct{ replica.PhoneTx }

func (hoarding) DropRowsOutside(replica.Scopes) error { return nil }

type stubborn struct{ replica.PhoneTx }

func (stubborn) DropItem(uint32, uint64) error { return nil }
