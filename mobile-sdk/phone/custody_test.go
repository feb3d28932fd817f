package phone_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// keystore is the phone's.
type keystore struct {
	mu   sync.Mutex
	keys map[string][]byte
}

var _ phone.ScopeKeys = (*keystore)(nil)

func (k *keystore) Load(name string) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return bytes.Clone(k.keys[name]), nil
}

func (k *keystore) Create(name string) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := make([]byte, 32)
	_, err := rand.Read(key)
	k.keys[name] = bytes.Clone(key)
	return key, err
}

func (k *keystore) Destroy(name string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.keys, name)
	return nil
}

func (k *keystore) copy() *keystore {
	k.mu.Lock()
	defer k.mu.Unlock()
	return &keystore{keys: maps.Clone(k.keys)}
}

// TestTheEndOfALeaseDestroysTheKeys: what was copied from the memory chip before shows nothing afterwards, and the next sync brings the card back
// under new keys. The edit that waited is not lost.
func TestTheEndOfALeaseDestroysTheKeys(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	visits := w.publish(id, visit("Кашель", 1))
	h := w.handset("one")
	keys := &keystore{keys: map[string][]byte{}}
	h.cfg.ScopeKeys = keys
	h.restart()
	mine := h.enter(claimCode)
	_, err := mine.Comment(visits[0], "waits")
	must(t, err)
	must(t, h.Close())
	copied, err := os.ReadFile(h.cfg.File)
	must(t, err)
	before := keys.copy()
	if len(before.keys) != 2 {
		t.Errorf("there are %d keys: one of the visits and one of the edits are wanted", len(before.keys))
	}
	h.network.down.Store(true)
	w.pass(91 * day)
	h.open()
	mine = h.Card(id)
	if _, err := mine.Visits(phone.Paging{}); !errors.Is(err, phone.ErrLeaseEnded) {
		t.Errorf("after the lease: %v", err)
	}
	if edits, err := mine.Outbox(); err != nil || len(edits) != 1 || edits[0].State != phone.Waiting || edits[0].Fact.(card.Comment).Text != "waits" {
		t.Errorf("the outbox: %+v, %v", edits, err)
	}
	// A thief with the old content, the file's key, the clock set back and the keystore as it is now.
	for name, now := range map[string]*keystore{"as it was": before, "as it is": keys.copy()} {
		thief := w.handset("thief " + name)
		must(t, thief.Close())
		must(t, os.WriteFile(thief.cfg.File, copied, 0o600))
		thief.cfg.ScopeKeys, thief.cfg.Clock = now, func() time.Time { return w.clock().Add(-91 * day) }
		thief.open()
		page, err := thief.Card(id).Visits(phone.Paging{})
		if shown := err == nil && len(page.Entries) == 1; shown != (name == "as it was") {
			t.Errorf("the thief with the keystore %s: %+v, %v", name, page, err)
		}
	}
	h.network.down.Store(false)
	h.signIn()
	if r := h.sync(); r.Sent != 1 {
		t.Errorf("the sync: %+v", r)
	}
	if page, err := mine.Visits(phone.Paging{}); err != nil || len(page.Entries) != 1 {
		t.Errorf("after it: %+v, %v", page, err)
	}
	must(t, h.Wipe())
	if len(keys.keys) != 0 {
		t.Errorf("a wipe leaves %d keys", len(keys.keys))
	}
}

// TestALostKeyIsFetchedAnew: a keystore that lost the key of a scope costs one sync, and not the rest of the card.
func TestALostKeyIsFetchedAnew(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	w.publish(id, manyVisits(60)...)
	w.publish(id, card.Condition{Recorded: "2020", Clinical: "active"})
	h := w.handset("one")
	keys := &keystore{keys: map[string][]byte{}}
	h.cfg.ScopeKeys = keys
	h.restart()
	mine := h.enter(claimCode)
	want, err := mine.Counts()
	must(t, err)
	if len(keys.keys) != 2 {
		t.Fatalf("%d keys", len(keys.keys))
	}
	name := slices.Sorted(maps.Keys(keys.keys))[0] // the names are drawn: whichever it is
	must(t, h.Close())
	delete(keys.keys, name)
	h.open()
	mine = h.Card(id)
	left, err := mine.Counts()
	must(t, err)
	if len(left) != len(want)-1 {
		t.Errorf("without a key there are %v of %v", left, want)
	}
	page, err1 := mine.Visits(phone.Paging{})
	other, err2 := mine.Records(card.KindCondition, phone.Paging{})
	if len(page.Entries) > 0 && len(other.Entries) > 0 || (err1 == nil) == (err2 == nil) || !errors.Is(errors.Join(err1, err2), phone.ErrLeaseEnded) {
		t.Errorf("what is not here is not said to be missing: %v, %v", err1, err2)
	}
	h.sync()
	if got, err := mine.Counts(); err != nil || !maps.Equal(got, want) {
		t.Errorf("after a sync: %v, %v; want %v", got, err, want)
	}
	if len(keys.keys) != 2 {
		t.Errorf("%d keys after it", len(keys.keys))
	}
}

// TestADamagedFileComesBack: whatever block of the file is damaged, after at most one restart the session is there or the person is told to sign
// in, the edits that wait are sent, or told to be lost, and the card is whole.
func TestADamagedFileComesBack(t *testing.T) {
	if testing.Short() {
		t.Skip("one at a time: nothing for the race detector to see")
	}
	w := newWorld(t)
	w.engine.NewActors = 1 << 10 // there is a clone for each block
	id := w.newCard(claimCode)
	visits := w.publish(id, manyVisits(60)...)
	h := w.handset("one")
	mine := h.enter(claimCode)
	for i := range 8 {
		_, err := mine.Comment(visits[i], fmt.Sprint("comment ", i))
		must(t, err)
	}
	must(t, h.Close())
	whole, err := os.ReadFile(h.cfg.File)
	must(t, err)
	const block = 4096
	told, out, sent := 0, 0, map[string]bool{}
	for at := 0; at < len(whole); at += 3 * block {
		damaged := bytes.Clone(whole)
		clear(damaged[at:min(at+block, len(damaged))])
		again := w.handset(fmt.Sprint("one", at))
		must(t, again.Close())
		must(t, os.WriteFile(again.cfg.File, damaged, 0o600))
		again.open()
		var lost int
		for range 3 {
			_, err := again.Sync(t.Context())
			if errors.Is(err, phone.ErrSignedOut) {
				out++
				again.signIn()
				_, err = again.Sync(t.Context())
			}
			if err == nil {
				_, err = again.Card(id).Search(t.Context(), "visit", phone.Paging{})
			}
			if err == nil {
				break
			}
			if !errors.Is(err, phone.ErrDamagedFile) {
				t.Fatalf("block at %d: %v", at, err)
			}
			again.restart()
		}
		losses, err := again.Losses()
		must(t, err)
		for _, l := range losses {
			if l.Why != phone.LostDamage {
				t.Errorf("block at %d: a loss of another kind: %+v", at, l)
			}
			lost += l.Edits
		}
		k := again.Card(id)
		box, err := k.Outbox()
		must(t, err)
		accepted := 0
		for _, e := range box {
			switch {
			case e.State == phone.Accepted || e.State == phone.Conflict:
				accepted++
			case e.Code == phone.CodeUnreadable:
				lost++
			default:
				t.Errorf("block at %d: an edit is %s, %s", at, e.State, e.Code)
			}
		}
		if accepted+lost < 8 {
			t.Errorf("block at %d: of 8 edits %d are sent and %d told to be lost", at, accepted, lost)
		}
		if lost > 0 {
			told++
		}
		for i := range 8 {
			comments, err := k.Comments(visits[i])
			must(t, err)
			for _, c := range comments {
				sent[c.Fact.Text] = true
			}
		}
		if counts, err := k.Counts(); err != nil || counts[card.KindEncounter] != 60 {
			t.Errorf("block at %d: %v, %v", at, counts, err)
		}
		must(t, again.Close())
	}
	t.Logf("%d blocks: %d times edits were lost, %d times the session", len(whole)/block/3, told, out)
	if len(sent) != 8 {
		t.Errorf("%d of 8 comments ever arrived", len(sent))
	}
}
