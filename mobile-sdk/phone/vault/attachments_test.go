package vault_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

const trace = "picture-of-a-mole-4711 "

// picture is a file of several pieces, full of traces.
var picture = []byte(strings.Repeat(trace, 12_000))

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func naming(hashes ...string) json.RawMessage {
	list := []map[string]string{}
	for _, h := range hashes {
		list = append(list, map[string]string{"hash": h})
	}
	value, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	return value
}

// with is a row that names files.
func with(r wire.Row, hashes ...string) wire.Row {
	r.Atoms = map[string][]wire.Version{"files": {{Dot: vclock.Dot{Actor: 1, N: 1}, Value: naming(hashes...)}}}
	return r
}

// editing is an edit that names files.
func editing(i replica.Item, hashes ...string) replica.Item {
	i.Mutation.Atoms = map[string]wire.Change{"files": {V: naming(hashes...)}}
	return i
}

// download puts the picture on the phone.
func download(t *testing.T, c *vault.Card) {
	t.Helper()
	for at := 0; at < len(picture); at += 100_000 {
		must(t, c.Change(func(tx *vault.Tx) error {
			return tx.AddDownloaded(hashOf(picture), int64(len(picture)), picture[at:min(at+100_000, len(picture))], noon)
		}))
	}
	must(t, c.Change(func(tx *vault.Tx) error { return tx.Complete(hashOf(picture)) }))
}

func attach(t *testing.T, c *vault.Card, at time.Time) {
	t.Helper()
	must(t, c.Change(func(tx *vault.Tx) error {
		return errors.Join(tx.AddOwn("new", picture[:70_000], at), tx.AddOwn("new", picture[70_000:], at), tx.NameOwn("new", hashOf(picture), at))
	}))
}

func content(t *testing.T, c *vault.Card) (all []byte) {
	t.Helper()
	must(t, c.Read(func(tx *vault.Tx) error {
		for len(all) < len(picture) {
			part, err := tx.AttachmentBytes(hashOf(picture), int64(len(all)))
			if err != nil {
				return err
			}
			all = append(all, part...)
		}
		return nil
	}))
	return all
}

func held(t *testing.T, c *vault.Card) (a vault.Attachment, found bool) {
	t.Helper()
	must(t, c.Read(func(tx *vault.Tx) (err error) {
		a, found, err = tx.Attachment(hashOf(picture))
		return err
	}))
	return a, found
}

func TestAFileStaysWithWhatNamesIt(t *testing.T) {
	hash := hashOf(picture)
	del := func(f func(tx replica.PhoneTx) error) func(replica.PhoneTx) error { return f }
	for name, c := range map[string]struct {
		before, after func(replica.PhoneTx) error
		stays         bool
	}{
		"deleted":                  {nil, del(func(tx replica.PhoneTx) error { return tx.DropRow(one) }), false},
		"purged with its scope":    {nil, del(func(tx replica.PhoneTx) error { return tx.DropRowsOutside(replica.Scopes{"rx.*"}) }), false},
		"another scope is purged":  {nil, del(func(tx replica.PhoneTx) error { return tx.DropRowsOutside(replica.Scopes{"lab.*"}) }), true},
		"the card is gone":         {nil, del(func(tx replica.PhoneTx) error { return tx.Wipe() }), false},
		"named no more":            {nil, del(func(tx replica.PhoneTx) error { return tx.PutRow(row(one, "lab.general", "x")) }), false},
		"another is named":         {nil, del(func(tx replica.PhoneTx) error { return tx.PutRow(with(row(one, "lab.general", ""), hashOf(nil))) }), false},
		"another is named besides": {nil, del(func(tx replica.PhoneTx) error { return tx.PutRow(with(row(one, "lab.general", ""), hashOf(nil), hash)) }), true},
		"another record names it":  {func(tx replica.PhoneTx) error { return tx.PutRow(with(row(two, "lab.general", ""), hash)) }, del(func(tx replica.PhoneTx) error { return tx.DropRow(one) }), true},
		"an edit names it":         {func(tx replica.PhoneTx) error { return tx.PutItem(editing(item(1, 1, two, replica.Waiting), hash)) }, del(func(tx replica.PhoneTx) error { return tx.DropRow(one) }), true},
		"deleted and put again": {nil, del(func(tx replica.PhoneTx) error {
			return errors.Join(tx.DropRow(one), tx.PutRow(with(row(one, "lab.general", ""), hash)))
		}), true},
		"a resync that brings it": {nil, del(func(tx replica.PhoneTx) error {
			return errors.Join(tx.PutShadowRow(with(row(one, "lab.general", ""), hash)), tx.SwapShadow())
		}), true},
		"a resync without it": {nil, del(func(tx replica.PhoneTx) error {
			return errors.Join(tx.PutShadowRow(row(two, "lab.general", "x")), tx.SwapShadow())
		}), false},
		"a resync that is given up": {func(tx replica.PhoneTx) error { return tx.PutShadowRow(with(row(one, "lab.general", ""), hash)) }, del(func(tx replica.PhoneTx) error { return tx.ClearShadow() }), true},
	} {
		file := filepath.Join(t.TempDir(), "card.db")
		v := open(t, file)
		k, other := v.Card(cardID), v.Card("0195e4a5-0000-7000-8000-0000000000c2")
		must(t, k.Update(func(tx replica.PhoneTx) error { return tx.PutRow(with(row(one, "lab.general", ""), hash)) }))
		must(t, other.Update(func(tx replica.PhoneTx) error { return tx.PutRow(with(row(one, "lab.general", ""), hash)) }))
		download(t, k)
		if got := content(t, k); !bytes.Equal(got, picture) {
			t.Fatalf("%s: the file comes back changed", name)
		}
		if _, found := held(t, other); found {
			t.Errorf("%s: the other card has the file, too", name)
		}
		if c.before != nil {
			must(t, k.Update(c.before))
		}
		must(t, k.Update(c.after))
		if _, found := held(t, k); found != c.stays {
			t.Errorf("%s: the file is there: %v", name, found)
		}
		if c.stays {
			if got := content(t, k); !bytes.Equal(got, picture) {
				t.Errorf("%s: the file lost some of its pieces", name)
			}
			continue
		}
		must(t, v.Close())
		if bytes.Contains(plaintext(t, file), []byte(trace)) {
			t.Errorf("%s: the decrypted pages still hold the file", name)
		}
	}
}

// The traces must be found where they are, or the test above proves nothing.
func TestTheSearchForTracesFindsThem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "card.db")
	v := open(t, file)
	k := v.Card(cardID)
	must(t, k.Update(func(tx replica.PhoneTx) error { return tx.PutRow(with(row(one, "lab.general", ""), hashOf(picture))) }))
	download(t, k)
	must(t, v.Close())
	if !bytes.Contains(plaintext(t, file), []byte(trace)) {
		t.Error("the decrypted pages do not hold the file")
	}
	if raw := lift(t, file)[""]; bytes.Contains(raw, []byte(trace)) {
		t.Error("the file lies in the clear")
	}
}

func TestNothingOfAnUnnamedFileIsKept(t *testing.T) {
	v := open(t, filepath.Join(t.TempDir(), "card.db"))
	k := v.Card(cardID)
	add := func() error {
		return k.Change(func(tx *vault.Tx) error {
			return tx.AddDownloaded(hashOf(picture), int64(len(picture)), picture[:10], noon)
		})
	}
	if err := add(); !errors.Is(err, vault.ErrUnnamed) {
		t.Errorf("a file that nothing names: %v", err)
	}
	must(t, k.Update(func(tx replica.PhoneTx) error { return tx.PutRow(with(row(one, "lab.general", ""), hashOf(picture))) }))
	must(t, add())
	must(t, k.Update(func(tx replica.PhoneTx) error { return tx.DropRow(one) })) // in the middle of the download
	if err := add(); !errors.Is(err, vault.ErrUnnamed) {
		t.Errorf("one whose record went: %v", err)
	}
	if _, found := held(t, k); found {
		t.Error("something of it is kept")
	}
	if err := k.Change(func(tx *vault.Tx) error { return tx.AddDownloaded(hashOf(picture), 5, picture[:10], noon) }); err == nil {
		t.Error("more bytes than the file has are kept")
	}
}

func TestAnOwnFile(t *testing.T) {
	hash := hashOf(picture)
	v := open(t, filepath.Join(t.TempDir(), "card.db"))
	k := v.Card(cardID)
	attach(t, k, noon)
	unsent := func(epoch string) (hashes []string) {
		t.Helper()
		must(t, k.Read(func(tx *vault.Tx) error {
			all, err := tx.Unsent(epoch)
			for _, a := range all {
				hashes = append(hashes, a.Hash)
			}
			return err
		}))
		return hashes
	}
	must(t, k.Update(func(tx replica.PhoneTx) error { return tx.DropItem(9, 9) }))
	if a, found := held(t, k); !found || !a.Own || !a.Whole || a.Size != int64(len(picture)) || unsent("e") != nil {
		t.Errorf("attached and not saved: %+v, %v, to be sent %v", a, found, unsent("e"))
	}
	must(t, k.Update(func(tx replica.PhoneTx) error { return tx.PutItem(editing(item(0, 1, one, replica.Waiting), hash)) }))
	if got := unsent("e"); got != nil {
		t.Errorf("%v is sent before its record", got)
	}
	// Enrolled: the edit goes under another number.
	must(t, k.Update(func(tx replica.PhoneTx) error {
		return errors.Join(tx.DropItem(0, 1), tx.PutItem(editing(item(3, 1, one, replica.Waiting), hash)))
	}))
	must(t, k.Update(func(tx replica.PhoneTx) error { return tx.PutItem(editing(item(3, 1, one, replica.Answered), hash)) }))
	if got := unsent("e"); !reflect.DeepEqual(got, []string{hash}) {
		t.Errorf("%v is to be sent", got)
	}
	must(t, k.Change(func(tx *vault.Tx) error { return tx.NoteUpload(hash, 100, "e", "") }))
	if got := unsent("e"); got != nil || len(unsent("another epoch")) != 1 {
		t.Errorf("sent, and %v is to be sent; to a restored server %v", got, unsent("another epoch"))
	}
	must(t, k.Change(func(tx *vault.Tx) error { return tx.NoteUpload(hash, 40, "e", "attachment.type") }))
	if len(unsent("e")) != 0 || len(unsent("another epoch")) != 1 {
		t.Error("refused: the same server is asked again, or a restored one is not")
	}
	must(t, k.Change(func(tx *vault.Tx) error { return tx.NoteUpload(hash, 100, "e", "") }))
	// The record comes back, the edit is settled and forgotten; what was sent may be fetched again, so it may go.
	must(t, k.Update(func(tx replica.PhoneTx) error {
		return errors.Join(tx.PutRow(with(row(one, "note.general", ""), hash)), tx.DropItem(3, 1))
	}))
	if got := content(t, k); !bytes.Equal(got, picture) {
		t.Error("the file comes back changed")
	}
	must(t, k.Change(func(tx *vault.Tx) error { return tx.Evict(0, "", "another epoch") }))
	if _, found := held(t, k); !found {
		t.Fatal("evicted, though the server that had it was restored and may lack it")
	}
	must(t, k.Change(func(tx *vault.Tx) error { return tx.Evict(0, "", "e") }))
	if _, found := held(t, k); found {
		t.Error("what was sent is not evicted")
	}
}

func TestWhatTheServerLacksIsNotEvicted(t *testing.T) {
	hash := hashOf(picture)
	v := open(t, filepath.Join(t.TempDir(), "card.db"))
	k := v.Card(cardID)
	attach(t, k, noon)
	must(t, k.Change(func(tx *vault.Tx) error { return tx.Evict(0, "", "e") }))
	must(t, k.Update(func(tx replica.PhoneTx) error { return tx.PutItem(editing(item(1, 1, one, replica.Answered), hash)) }))
	must(t, k.Change(func(tx *vault.Tx) error { return tx.Evict(0, "", "e") }))
	must(t, k.Update(func(tx replica.PhoneTx) error {
		return errors.Join(tx.PutRow(with(row(one, "note.general", ""), hash)), tx.DropItem(1, 1))
	}))
	must(t, k.Change(func(tx *vault.Tx) error { return tx.Evict(0, "", "e") }))
	if _, found := held(t, k); !found {
		t.Error("the only copy is gone")
	}
}

func TestWhatNobodySavedGoes(t *testing.T) {
	v := open(t, filepath.Join(t.TempDir(), "card.db"))
	k := v.Card(cardID)
	attach(t, k, noon)
	must(t, k.Change(func(tx *vault.Tx) error { return tx.DropHeld(noon) }))
	if _, found := held(t, k); !found {
		t.Error("it went before its time")
	}
	attach(t, k, noon.Add(time.Hour)) // the same once more: it waits from now
	must(t, k.Change(func(tx *vault.Tx) error { return tx.DropHeld(noon.Add(time.Minute)) }))
	if _, found := held(t, k); !found {
		t.Error("attached again, and it went")
	}
	must(t, k.Change(func(tx *vault.Tx) error { return tx.DropHeld(noon.Add(2 * time.Hour)) }))
	if _, found := held(t, k); found {
		t.Error("what nobody saved is kept")
	}
}
