package server

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/app/auditing"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/proof"
)

// The audit log over a real store, on both databases.

var errBoom = errors.New("taken back")

// registry is one database with its log, as one server has it.
type registry struct {
	db  *store.DB
	log *auditing.Service
	cfg store.Config
}

func inRegistry(t *testing.T, test func(*testing.T, registry)) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) { test(t, openRegistry(t, cfg)) })
}

func openRegistry(t testing.TB, cfg store.Config) registry {
	t.Helper()
	db := storetest.OpenStore(t, cfg)
	log, err := Audit(db, cfg.Keys, "test", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return registry{db, log, cfg}
}

// key verifies the log's checkpoints.
func (r registry) key() string {
	keys, err := r.log.Keys()
	if err != nil {
		panic(err)
	}
	return keys.Key
}

func (r registry) update(t testing.TB, f func(*store.Tx) error) {
	t.Helper()
	if err := r.db.Update(t.Context(), f); err != nil {
		t.Error(err)
	}
}

func (r registry) card(t testing.TB) (id card.ID) {
	t.Helper()
	r.update(t, func(tx *store.Tx) (err error) {
		if id, err = tx.CreateCard(time.Now()); err != nil {
			return err
		}
		return tx.GrantOwner(id, anna.Account, time.Now())
	})
	return id
}

// read leaves an entry of a doctor who read.
func (r registry) read(t testing.TB, id card.ID) {
	t.Helper()
	r.update(t, func(tx *store.Tx) error {
		return tx.AppendAudit(audit.Entry{Card: id, At: time.Now(), Actor: doctor, Action: audit.Read, Purpose: consent.Treatment, What: "lab.general", Request: "r"})
	})
}

func (r registry) sequence(t testing.TB) {
	t.Helper()
	if err := r.log.Sequence(t.Context()); err != nil {
		t.Error(err)
	}
}

// checkpoint opens the newest one.
func (r registry) checkpoint(t testing.TB) audit.Checkpoint {
	t.Helper()
	signed, err := r.log.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := proof.Open(r.key(), []byte(signed))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// recomputed is the log as somebody sees it who reads all the hashes.
func (r registry) recomputed(t testing.TB) *proof.Tree {
	t.Helper()
	tree := new(proof.Tree)
	for {
		page, err := r.log.Leaves(t.Context(), tree.Size())
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return tree
		}
		for _, h := range page {
			tree.Add(h)
		}
	}
}

func TestTheLogTakesInWhatWasWritten(t *testing.T) {
	inRegistry(t, func(t *testing.T, r registry) {
		if _, err := r.log.Checkpoint(t.Context()); err == nil {
			t.Error("a checkpoint before the first run")
		}
		r.sequence(t)
		before := r.checkpoint(t)
		if before.Size != 0 || before.Origin != "test/audit" {
			t.Errorf("the empty log is %+v", before)
		}
		mine, other := r.card(t), r.card(t)
		for i := 1; i <= 23; i++ {
			for range i % 4 {
				r.read(t, mine)
				r.read(t, other)
			}
			r.sequence(t)
			now := r.checkpoint(t)
			if tree := r.recomputed(t); tree.Size() != now.Size || tree.Root() != now.Root {
				t.Errorf("the checkpoint of %d is not that of the %d hashes", now.Size, tree.Size())
			}
			if before.Size > 0 {
				path, err := r.log.Consistency(t.Context(), before.Size, now.Size)
				if err != nil {
					t.Fatal(err)
				}
				if err := proof.Consistent(before, now, path); err != nil {
					t.Errorf("%d after %d: %v", now.Size, before.Size, err)
				}
			}
			before = now
		}
		signed, page, err := r.log.Evidence(t.Context(), anna, mine, 0)
		if err != nil {
			t.Fatal(err)
		}
		now, err := proof.Open(r.key(), []byte(signed))
		if err != nil || len(page) != 36 {
			t.Errorf("%d entries, %v", len(page), err)
		}
		for _, p := range page {
			if err := proof.Included(now, p.Place, p.Hash(), p.Proof); err != nil || !p.Logged {
				t.Errorf("entry %d: %v", p.Number, err)
			}
		}
	})
}

// A batch is smaller than what may wait, and nothing is lost at its edge.
func TestMoreThanABatchWaits(t *testing.T) {
	inRegistry(t, func(t *testing.T, r registry) {
		id := r.card(t)
		for range 3 {
			r.update(t, func(tx *store.Tx) error {
				for range 777 {
					if err := tx.AppendAudit(audit.Entry{Card: id, At: time.Now(), Actor: doctor, Action: audit.Read, Purpose: consent.Treatment}); err != nil {
						return err
					}
				}
				return nil
			})
		}
		r.sequence(t)
		if now, tree := r.checkpoint(t), r.recomputed(t); now.Size != 3*777 || tree.Root() != now.Root || tree.Size() != now.Size {
			t.Errorf("%d entries in the log, %d hashes", now.Size, tree.Size())
		}
	})
}

// Servers on one database, all of which run the sequencer while all write, keep one log.
func TestServersShareOneLog(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		const servers, entries = 3, 40
		first := openRegistry(t, cfg)
		ids := []card.ID{first.card(t), first.card(t)}
		var work sync.WaitGroup
		for range servers {
			r := openRegistry(t, cfg)
			work.Go(func() {
				for i := range entries {
					r.read(t, ids[i%2])
					if i%3 == 0 {
						r.sequence(t)
					}
				}
			})
		}
		work.Wait()
		first.sequence(t)
		now, tree := first.checkpoint(t), first.recomputed(t)
		if now.Size != servers*entries || tree.Size() != now.Size || tree.Root() != now.Root {
			t.Errorf("%d entries were written, %d stand in the log, %d hashes", servers*entries, now.Size, tree.Size())
		}
		for _, id := range ids {
			_, page, err := first.log.Evidence(t.Context(), anna, id, 0)
			if err != nil || len(page) != servers*entries/2 {
				t.Errorf("%d entries of the card: %v", len(page), err)
			}
			for _, p := range page {
				if err := proof.Included(now, p.Place, p.Hash(), p.Proof); err != nil {
					t.Errorf("entry %d: %v", p.Number, err)
				}
			}
		}
	})
}

// What is taken back leaves nothing that waits for the log, and a run that is cut off leaves the log as it was.
func TestNothingUncommittedEntersTheLog(t *testing.T) {
	inRegistry(t, func(t *testing.T, r registry) {
		id := r.card(t)
		r.read(t, id)
		_ = r.db.Update(t.Context(), func(tx *store.Tx) error {
			if err := tx.AppendAudit(audit.Entry{Card: id, At: time.Now(), Actor: doctor, Action: audit.Read, Purpose: consent.Treatment}); err != nil {
				t.Error(err)
			}
			return errBoom
		})
		_ = r.db.Update(t.Context(), func(tx *store.Tx) error {
			if _, _, err := tx.LockLog(); err != nil {
				t.Error(err)
			}
			if taken, err := tx.TakePending(10); err != nil || len(taken) != 1 {
				t.Errorf("%d wait, %v", len(taken), err)
			}
			return errBoom
		})
		r.sequence(t)
		if now := r.checkpoint(t); now.Size != 1 {
			t.Errorf("%d entries in the log", now.Size)
		}
	})
}

func TestAnOwnerAloneIsShownTheEvidence(t *testing.T) {
	inRegistry(t, func(t *testing.T, r registry) {
		id := r.card(t)
		r.read(t, id)
		r.sequence(t)
		stranger := anna
		stranger.Account = "bob"
		for name, a := range map[string]identity.Actor{"a stranger": stranger, "a doctor": doctor, "nobody": {}} {
			if _, page, err := r.log.Evidence(t.Context(), a, id, 0); err == nil || len(page) > 0 {
				t.Errorf("%s is shown %d entries", name, len(page))
			}
		}
		for _, c := range [][2]int64{{0, 1}, {2, 1}, {1, 2}, {-1, 1}} {
			if _, err := r.log.Consistency(t.Context(), c[0], c[1]); err == nil {
				t.Errorf("consistency of %v", c)
			}
		}
		for _, from := range []int64{-1, 2} {
			if _, err := r.log.Leaves(t.Context(), from); err == nil {
				t.Errorf("leaves from %d", from)
			}
		}
	})
}
