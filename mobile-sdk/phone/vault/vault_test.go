package vault_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

func TestAnotherKeyOpensNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "folder with spaces & 100%", "card.db")
	v := open(t, file)
	must(t, v.Save("who", "me"))
	must(t, v.Close())
	before, err := os.ReadFile(file)
	must(t, err)
	for name, wrong := range map[string][]byte{
		"another key": bytes.Repeat([]byte{8}, vault.KeySize),
		"all zeros":   make([]byte, vault.KeySize),
	} {
		if _, err := vault.Open(file, wrong, spelled, vault.Custody{}); !errors.Is(err, vault.ErrKey) {
			t.Errorf("%s: got %v, want ErrKey", name, err)
		}
	}
	for _, size := range []int{0, 16, 31, 33, 64} {
		if _, err := vault.Open(file, make([]byte, size), spelled, vault.Custody{}); !errors.Is(err, vault.ErrKeySize) {
			t.Errorf("%d bytes: got %v, want ErrKeySize", size, err)
		}
	}
	after, err := os.ReadFile(file)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("a refused opening changed the file")
	}
	var who string
	if found, err := open(t, file).Load("who", &who); err != nil || !found || who != "me" {
		t.Errorf("under the right key: %q, %v, %v", who, found, err)
	}
}

func TestAPlainDatabaseIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "card.db")
	must(t, os.WriteFile(file, append([]byte("SQLite format 3\x00"), make([]byte, 8192)...), 0o600))
	if _, err := vault.Open(file, key, spelled, vault.Custody{}); !errors.Is(err, vault.ErrKey) {
		t.Errorf("got %v, want ErrKey", err)
	}
}

// TestNothingIsWrittenInTheClear looks for words in every file that the vault leaves, while it is open and after.
func TestNothingIsWrittenInTheClear(t *testing.T) {
	dir := t.TempDir()
	v := open(t, filepath.Join(dir, "card.db"))
	const canary = "Канарейка-диагноз-canary-7391"
	must(t, v.Save("session", canary))
	c := v.Card(cardID)
	must(t, c.Update(func(tx replica.PhoneTx) error {
		for range 200 { // more than fits into the cache of one page
			if err := tx.PutRow(row(one, "visit.general", strings.Repeat(canary, 50))); err != nil {
				return err
			}
		}
		return tx.PutItem(item(1, 1, one, replica.Waiting))
	}))
	search := func(when string) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		must(t, err)
		if len(files) == 0 {
			t.Fatal("there are no files")
		}
		for _, name := range files {
			content, err := os.ReadFile(name)
			must(t, err)
			for _, word := range []string{canary, "canary-7391", "SQLite format", "encounter", "visit.general", cardID, "CREATE TABLE"} {
				if bytes.Contains(content, []byte(word)) {
					t.Errorf("%s: %s holds %q", when, filepath.Base(name), word)
				}
			}
		}
	}
	search("open")
	must(t, v.Close())
	search("closed")
}

func TestSettings(t *testing.T) {
	v := open(t, filepath.Join(t.TempDir(), "card.db"))
	var n int
	if found, err := v.Load("n", &n); found || err != nil {
		t.Errorf("nothing saved: %v, %v", found, err)
	}
	must(t, v.Save("n", 1))
	must(t, v.Save("n", 2))
	if found, err := v.Load("n", &n); !found || err != nil || n != 2 {
		t.Errorf("saved twice: %d, %v, %v", n, found, err)
	}
	var text string
	if _, err := v.Load("n", &text); err == nil || strings.Contains(err.Error(), "2") {
		t.Errorf("another type: %v", err)
	}
	must(t, v.Drop("n", "never"))
	if found, err := v.Load("n", &n); found || err != nil {
		t.Errorf("dropped: %v, %v", found, err)
	}
}

func TestCardsAreKnownOnceToldOf(t *testing.T) {
	v := open(t, filepath.Join(t.TempDir(), "card.db"))
	must(t, v.Card(two).Know())
	must(t, v.Card(one).Know())
	must(t, v.Card(one).Update(func(tx replica.PhoneTx) error { return tx.SaveMeta(replica.Meta{Actor: 4}) }))
	must(t, v.Card(one).Know()) // changes nothing
	cards, err := v.Cards()
	if err != nil || len(cards) != 2 || cards[0] != one || cards[1] != two {
		t.Errorf("got %v, %v", cards, err)
	}
	view(t, v.Card(one), func(tx replica.PhoneTx) {
		if meta, err := tx.Meta(); err != nil || meta.Actor != 4 {
			t.Errorf("got %+v, %v", meta, err)
		}
	})
	must(t, v.Card(one).Update(replica.PhoneTx.Wipe))
	if cards, err := v.Cards(); err != nil || len(cards) != 1 {
		t.Errorf("after a wipe: %v, %v", cards, err)
	}
}

// TestACrashKeepsWhatWasSaved copies the files under an open vault, as a phone that loses power would leave them.
func TestACrashKeepsWhatWasSaved(t *testing.T) {
	dir := t.TempDir()
	v := open(t, filepath.Join(dir, "card.db"))
	saved := row(one, "visit.general", "saved")
	update(t, v.Card(cardID), func(tx replica.PhoneTx) error { return tx.PutRow(saved) })
	crashed := filepath.Join(t.TempDir(), "card.db")
	_ = v.Card(cardID).Update(func(tx replica.PhoneTx) error {
		must(t, tx.PutRow(row(two, "visit.general", "not yet")))
		return lay(crashed, lift(t, filepath.Join(dir, "card.db")))
	})
	again := open(t, crashed).Card(cardID)
	expect(t, again, one, &saved)
	expect(t, again, two, nil)
}

// TestDeletedIsGone opens what is left under the key and finds nothing of what was dropped, not in free pages either.
func TestDeletedIsGone(t *testing.T) {
	for name, drop := range map[string]func(replica.PhoneTx) error{
		"access to its scope ended": func(tx replica.PhoneTx) error { return tx.DropRowsOutside(replica.Scopes{"lab.*"}) },
		"the card is gone":          replica.PhoneTx.Wipe,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			v := seeThrough(t, filepath.Join(dir, "card.db"))
			c := v.Card(cardID)
			const word = "canary-2846"
			update(t, c, func(tx replica.PhoneTx) error {
				return errors.Join(tx.PutRow(row(one, "visit.general", strings.Repeat(word, 1000))), tx.PutRow(row(two, "lab.general", "stays")))
			})
			update(t, c, drop)
			if wal, err := os.Stat(filepath.Join(dir, "card.db-wal")); err == nil && wal.Size() > 0 {
				t.Errorf("the journal still has %d bytes", wal.Size())
			}
			if plain := plaintext(t, filepath.Join(dir, "card.db")); bytes.Contains(plain, []byte("canary")) {
				t.Error("the decrypted file holds what was deleted")
			} else if !bytes.Contains(plain, []byte("CREATE TABLE")) {
				t.Error("the test does not see into the file")
			}
		})
	}
}

// TestDeletedIsGoneAfterACrash: the power goes after something was deleted and before the journal was emptied of it.
func TestDeletedIsGoneAfterACrash(t *testing.T) {
	file := filepath.Join(t.TempDir(), "card.db")
	c := seeThrough(t, file).Card(cardID)
	update(t, c, func(tx replica.PhoneTx) error { return tx.PutRow(row(one, "visit.general", "canary-2846")) })
	must(t, c.Unrinsed(func(tx replica.PhoneTx) error { return tx.DropRow(one) }))
	left := lift(t, file)
	crashed := filepath.Join(t.TempDir(), "card.db")
	must(t, lay(crashed, left))
	if !bytes.Contains(plaintext(t, crashed), []byte("canary")) {
		t.Fatal("the journal holds nothing to get rid of: the test shows nothing")
	}
	seeThrough(t, crashed)
	if bytes.Contains(plaintext(t, crashed), []byte("canary")) {
		t.Error("the phone has started again, and its files still hold what was deleted")
	}
}

func TestWipeLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	v := open(t, filepath.Join(dir, "card.db"))
	must(t, v.Save("a", 1))
	must(t, v.Wipe())
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := v.Save("a", 2); !errors.Is(err, vault.ErrClosed) {
		t.Errorf("after a wipe: %v", err)
	}
	must(t, v.Close())
	must(t, v.Wipe())
}

// TestManyAtOnce reads and writes from several goroutines; the race detector watches, and nobody hears "database is locked".
func TestManyAtOnce(t *testing.T) {
	v := open(t, filepath.Join(t.TempDir(), "card.db"))
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			c := v.Card(cardID)
			for n := range 15 {
				if i%2 == 0 {
					if err := c.Update(func(tx replica.PhoneTx) error {
						return errors.Join(tx.PutRow(row(one, "visit.general", "x")), tx.DropRow(two), tx.DropRow(one))
					}); err != nil {
						t.Errorf("write %d: %v", n, err)
					}
					continue
				}
				if err := c.Read(func(tx *vault.Tx) error { _, err := tx.List("encounter", nil, 10); return err }); err != nil {
					t.Errorf("read %d: %v", n, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestAnEditOfBeforeKeepsWhatBecameOfIt opens a file in which that stood in the edit's body.
func TestAnEditOfBeforeKeepsWhatBecameOfIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "card.db")
	want := item(1, 1, one, replica.Rejected)
	want.Outcome, want.Code = wire.Refused, wire.CodeInvalid
	mutation, err := wire.Marshal(want.Mutation)
	must(t, err)
	body := `{"actor":1,"mutation":` + string(mutation) + `,"gen":3,"state":"rejected","outcome":"refused","code":"invalid","saved":"` + want.Saved.Format(time.RFC3339) + `"}`
	must(t, vault.MakeOld(file, key, 2, "INSERT INTO edit (card, actor, n, record, state, hlc, saved, body) VALUES (?, 1, 1, ?, 'rejected', ?, 0, CAST(? AS BLOB))",
		cardID, one, want.Mutation.HLC.String(), body))
	view(t, open(t, file).Card(cardID), func(tx replica.PhoneTx) {
		items, err := tx.Items(replica.Rejected)
		same(t, "Rejected", items, err, want)
	})
}
