package auditing

import (
	"context"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/fault"
)

// batch is how many entries go into the log in one transaction: on SQLite nobody else writes meanwhile.
const batch = 1000

// ErrTampered means that the log's tables do not hold what the last checkpoint was signed for. Nothing is added to such a log: that would
// put a new signature under what somebody changed. Entries go on being written; they wait.
var ErrTampered = fault.New(fault.Internal, "audit.tampered", "The audit log is not what its last checkpoint says.")

// Sequence puts into the log what waits for it and signs a checkpoint over that. Any number of servers may call it at any time: the
// log's head is locked for each batch, so they take turns, and what a batch does is there wholly or not at all.
func (s *Service) Sequence(ctx context.Context) error {
	keys, err := s.Keys()
	if err != nil {
		return err
	}
	due := false
	if err := s.Store.View(ctx, func(tx Tx) error { // mostly there is nothing, and then nothing is written
		_, signed, err := tx.Log()
		if err != nil {
			return err
		}
		due, err = tx.PendingAudit()
		due = due || !keys.signed(signed)
		return err
	}); err != nil || !due {
		return err
	}
	for {
		taken := 0
		if err := s.Store.Update(ctx, func(tx Tx) (err error) {
			taken, err = s.extend(tx)
			return err
		}); err != nil || taken < batch {
			return err
		}
	}
}

// extend adds one batch to the log. It reads as many hashes as the tree is high, and computes two for each entry.
func (s *Service) extend(tx Tx) (taken int, err error) {
	size, signed, err := tx.LockLog()
	if err != nil {
		return 0, err
	}
	keys, err := s.Keys() // behind the lock, under which they change
	if err != nil {
		return 0, err
	}
	leaves, err := tx.TakePending(batch)
	if err != nil || len(leaves) == 0 && keys.signed(signed) {
		return 0, err
	}
	tree := treeOf(tx)
	root, err := tlog.TreeHash(size, tree)
	if err != nil {
		return 0, err
	}
	if err := keys.match(signed, size, root); err != nil {
		return 0, err
	}
	for i, l := range leaves {
		if err := tree.add(size+int64(i), tlog.Hash(l.Hash)); err != nil {
			return 0, err
		}
	}
	longer := size + int64(len(leaves))
	if root, err = tlog.TreeHash(longer, tree); err != nil {
		return 0, err
	}
	if signed, err = keys.sign(audit.Checkpoint{Origin: keys.Signer.Name(), Size: longer, Root: audit.Hash(root)}); err != nil {
		return 0, err
	}
	return len(leaves), tx.ExtendLog(size, leaves, tree.nodes, signed)
}

func (k Keys) sign(c audit.Checkpoint) (string, error) {
	signed, err := note.Sign(&note.Note{Text: c.Text()}, k.Signer)
	return string(signed), err
}

// signed reports whether a checkpoint is signed by the key that signs now.
func (k Keys) signed(checkpoint string) bool {
	_, err := openBy(k.Key, checkpoint)
	return err == nil
}

// match holds the tables against the last checkpoint. Before the first there must be nothing.
func (k Keys) match(signed string, size int64, root tlog.Hash) error {
	if signed == "" {
		if size != 0 {
			return ErrTampered
		}
		return nil
	}
	c, err := k.open(signed)
	if err != nil || c != (audit.Checkpoint{Origin: k.Signer.Name(), Size: size, Root: audit.Hash(root)}) {
		return ErrTampered
	}
	return nil
}

// open reads a checkpoint, believing the log's key alone, and its predecessor for the one checkpoint at which that handed over: the next run of the
// sequencer puts the new signature under it.
func (k Keys) open(signed string) (audit.Checkpoint, error) {
	if c, err := openBy(k.Key, signed); err == nil {
		return c, nil
	}
	if len(k.Former) > 0 {
		last := len(k.Former) - 1
		c, err := openBy(k.Former[last], signed)
		if at, known := handedOver(k.Handovers[last]); err == nil && known && c == at {
			return c, nil
		}
	}
	return audit.Checkpoint{}, ErrTampered
}

// openBy reads a checkpoint, believing a key.
func openBy(key, signed string) (audit.Checkpoint, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return audit.Checkpoint{}, err
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return audit.Checkpoint{}, err
	}
	return audit.ParseCheckpoint(opened.Text)
}

// tree is the tree of the tables with what is added to it, before that is written.
type tree struct {
	tx    Tx
	known map[int64]tlog.Hash
	nodes map[int64]audit.Hash // the inner hashes that are new
}

func treeOf(tx Tx) *tree {
	return &tree{tx: tx, known: map[int64]tlog.Hash{}, nodes: map[int64]audit.Hash{}}
}

func (t *tree) add(n int64, leaf tlog.Hash) error {
	hashes, err := tlog.StoredHashesForRecordHash(n, leaf, t)
	if err != nil {
		return err
	}
	first := tlog.StoredHashIndex(0, n)
	for i, h := range hashes {
		place := first + int64(i)
		t.known[place] = h
		if i > 0 { // the leaf has a table of its own
			t.nodes[place] = audit.Hash(h)
		}
	}
	return nil
}

// ReadHashes asks the tables once for each hash.
func (t *tree) ReadHashes(places []int64) ([]tlog.Hash, error) {
	var ask []int64
	for _, place := range places {
		if _, ok := t.known[place]; !ok {
			ask, t.known[place] = append(ask, place), tlog.Hash{} // once, should a place be asked for twice
		}
	}
	if len(ask) > 0 {
		found, err := t.tx.LogHashes(ask)
		if err != nil {
			return nil, err
		}
		for i, place := range ask {
			t.known[place] = tlog.Hash(found[i])
		}
	}
	hashes := make([]tlog.Hash, len(places))
	for i, place := range places {
		hashes[i] = t.known[place]
	}
	return hashes, nil
}

// forget keeps of a tree of the size what its growth needs, and nothing else.
func (t *tree) forget(size int64) error {
	edge := map[int64]tlog.Hash{}
	_, err := tlog.TreeHash(size, tlog.HashReaderFunc(func(places []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(places))
		for i, place := range places {
			hashes[i] = t.known[place]
			edge[place] = hashes[i]
		}
		return hashes, nil
	}))
	t.known, t.nodes = edge, map[int64]audit.Hash{}
	return err
}
