package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/medcard/medcard/domain/audit"
)

// whole is a log in memory, kept by the library alone.
type whole struct {
	size   int64
	stored []tlog.Hash
}

func (w *whole) ReadHashes(places []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, p := range places {
		out = append(out, w.stored[p])
	}
	return out, nil
}

func (w *whole) add(t *testing.T, leaf audit.Hash) {
	t.Helper()
	more, err := tlog.StoredHashesForRecordHash(w.size, tlog.Hash(leaf), w)
	if err != nil {
		t.Fatal(err)
	}
	w.stored, w.size = append(w.stored, more...), w.size+1
}

func (w *whole) at(t *testing.T, size int64) audit.Checkpoint {
	t.Helper()
	root, err := tlog.TreeHash(size, w)
	if err != nil {
		t.Fatal(err)
	}
	return audit.Checkpoint{Origin: "test/audit", Size: size, Root: audit.Hash(root)}
}

func leaf(n int64) audit.Hash { return sha256.Sum256([]byte{byte(n), byte(n >> 8)}) }

func asProof(list []tlog.Hash) []audit.Hash {
	out := make([]audit.Hash, len(list))
	for i, h := range list {
		out[i] = audit.Hash(h)
	}
	return out
}

func TestEverySizeIsRecomputedAndProven(t *testing.T) {
	const most = 70
	var w whole
	var tree Tree
	if got := tree.Root(); hex.EncodeToString(got[:]) != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Errorf("the empty log is %x", got)
	}
	for size := int64(1); size <= most; size++ {
		w.add(t, leaf(size-1))
		tree.Add(leaf(size - 1))
		now := w.at(t, size)
		if tree.Size() != size || tree.Root() != now.Root {
			t.Fatalf("%d entries: another root", size)
		}
		for place := range size {
			record, err := tlog.ProveRecord(size, place, &w)
			if err != nil {
				t.Fatal(err)
			}
			if err := Included(now, place, leaf(place), asProof(record)); err != nil {
				t.Errorf("entry %d of %d: %v", place, size, err)
			}
			if err := Included(now, place, leaf(place+1), asProof(record)); !errors.Is(err, ErrNotIncluded) {
				t.Errorf("another entry at %d of %d: %v", place, size, err)
			}
			older := w.at(t, place+1)
			path, err := tlog.ProveTree(size, place+1, &w)
			if err != nil {
				t.Fatal(err)
			}
			if err := Consistent(older, now, asProof(path)); err != nil {
				t.Errorf("%d after %d: %v", size, place+1, err)
			}
			older.Root[3] ^= 1
			if err := Consistent(older, now, asProof(path)); !errors.Is(err, ErrForked) {
				t.Errorf("%d after another %d: %v", size, place+1, err)
			}
		}
	}
	now := w.at(t, most)
	for _, place := range []int64{-1, most} {
		if err := Included(now, place, leaf(0), nil); !errors.Is(err, ErrNotIncluded) {
			t.Errorf("place %d: %v", place, err)
		}
	}
	if err := Consistent(audit.Checkpoint{Origin: "test/audit"}, now, nil); err != nil {
		t.Errorf("after nothing: %v", err)
	}
	if err := Consistent(now, w.at(t, 10), nil); !errors.Is(err, ErrForked) {
		t.Errorf("a shorter one: %v", err)
	}
	if err := Consistent(audit.Checkpoint{Origin: "other/audit"}, now, nil); !errors.Is(err, ErrForked) {
		t.Errorf("of another origin: %v", err)
	}
}

func TestOnlyTheKeyIsBelieved(t *testing.T) {
	pair := func(name string) (note.Signer, string) {
		secret, public, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte(name), 9)), name)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := note.NewSigner(secret)
		if err != nil {
			t.Fatal(err)
		}
		return signer, public
	}
	ours, key := pair("test/audit")
	theirs, _ := pair("fake/audit")
	sign := func(text string, s note.Signer) []byte {
		signed, err := note.Sign(&note.Note{Text: text}, s)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	c := audit.Checkpoint{Origin: "test/audit", Size: 3, Root: leaf(1)}
	good := sign(c.Text(), ours)
	if got, err := Open(key, good); err != nil || got != c {
		t.Errorf("%+v, %v", got, err)
	}
	elsewhere := c
	elsewhere.Origin = "other/audit"
	for name, bad := range map[string][]byte{
		"another key":      sign(c.Text(), theirs),
		"another size":     []byte(strings.Replace(string(good), "\n3\n", "\n4\n", 1)),
		"another origin":   sign(elsewhere.Text(), ours),
		"not a checkpoint": sign("test/audit\n", ours),
		"nothing":          nil,
	} {
		if _, err := Open(key, bad); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open("no key", good); !errors.Is(err, ErrKey) {
		t.Errorf("no key: %v", err)
	}
}
