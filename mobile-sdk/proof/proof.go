package proof

import (
	"errors"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/medcard/medcard/domain/audit"
)

// What is wrong with a log.
var (
	// ErrKey says that the text is no key that verifies checkpoints.
	ErrKey = errors.New("proof: not a key of an audit log")
	// ErrSignature says that a checkpoint is not signed by the key, or is none of this log.
	ErrSignature = errors.New("proof: the checkpoint of the audit log is not signed by its key")
	// ErrForked says that a log is not the continuation of what it was: something in it was changed or taken out.
	ErrForked = errors.New("proof: the audit log does not continue what it was")
	// ErrNotIncluded says that an entry does not stand in the log at its place.
	ErrNotIncluded = errors.New("proof: the entry does not stand in the audit log")
)

// Open reads a signed checkpoint, believing the key only.
func Open(key string, signed []byte) (audit.Checkpoint, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return audit.Checkpoint{}, ErrKey
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return audit.Checkpoint{}, ErrSignature
	}
	c, err := audit.ParseCheckpoint(opened.Text)
	if err != nil || c.Origin != verifier.Name() {
		return audit.Checkpoint{}, ErrSignature
	}
	return c, nil
}

// Consistent checks that the log of the newer checkpoint begins with all of that of the older one.
func Consistent(older, newer audit.Checkpoint, proof []audit.Hash) error {
	switch {
	case older.Origin != newer.Origin || older.Size > newer.Size:
		return ErrForked
	case older.Size == 0: // everything begins with nothing
		return nil
	}
	if tlog.CheckTree(hashes(proof), newer.Size, tlog.Hash(newer.Root), older.Size, tlog.Hash(older.Root)) != nil {
		return ErrForked
	}
	return nil
}

// Included checks that an entry with the hash stands at a place of the checkpoint's log.
func Included(c audit.Checkpoint, place int64, leaf audit.Hash, proof []audit.Hash) error {
	if place < 0 || place >= c.Size || tlog.CheckRecord(hashes(proof), c.Size, tlog.Hash(c.Root), place, tlog.Hash(leaf)) != nil {
		return ErrNotIncluded
	}
	return nil
}

func hashes(list []audit.Hash) []tlog.Hash {
	out := make([]tlog.Hash, len(list))
	for i, h := range list {
		out[i] = tlog.Hash(h)
	}
	return out
}

// Tree recomputes the root of a log from the hashes of its entries, one after the other. Its zero value is the empty log. It keeps as
// many hashes as the tree is high.
type Tree struct {
	size  int64
	whole []tlog.Hash // of the complete trees that the log consists of, the largest first
}

// Add appends an entry.
func (t *Tree) Add(leaf audit.Hash) {
	t.whole = append(t.whole, tlog.Hash(leaf))
	t.size++
	for n := t.size; n%2 == 0; n /= 2 { // two of one size are one of twice the size
		last := len(t.whole) - 1
		t.whole = append(t.whole[:last-1], tlog.NodeHash(t.whole[last-1], t.whole[last]))
	}
}

// Size is how many entries were added.
func (t *Tree) Size() int64 { return t.size }

// Root is the hash over all of them.
func (t *Tree) Root() audit.Hash {
	if len(t.whole) == 0 {
		empty, _ := tlog.TreeHash(0, nil) // needs no reader
		return audit.Hash(empty)
	}
	root := t.whole[len(t.whole)-1]
	for i := len(t.whole) - 2; i >= 0; i-- {
		root = tlog.NodeHash(t.whole[i], root)
	}
	return audit.Hash(root)
}
