package vault_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/simnet"
	"github.com/medcard/medcard/sync/wire"
)

var (
	worlds     = flag.Int("vault.worlds", 0, "how many simulated worlds to play on real files; 0: as many as fit into some seconds")
	worldsFrom = flag.Uint64("vault.seed", 1, "the first world's seed")
)

// TestWorldsOnFiles plays simulated worlds in which every phone keeps its card in a file of its own, beside the store in memory:
// each answer of the two is the same, also after a crash and in a phone that was restored, and the world takes the very way
// that it takes without files. Whenever something goes from a phone (out of sight, deleted, or all of it) its files hold no trace of
// that: not in free pages, not in the journal, not in the index for search.
func TestWorldsOnFiles(t *testing.T) {
	if _, err := os.Stat("/dev/shm"); err == nil { // a crash is a copy here: no disk has to keep anything
		t.Setenv("TMPDIR", "/dev/shm")
	}
	dir := t.TempDir()
	start, played, happened := time.Now(), 0, map[string]int{}
	const searched = "a phone's file searched for traces"
	enough := func() bool {
		if *worlds > 0 {
			return played == *worlds
		}
		return time.Since(start) > 6*time.Second && (happened[searched] > 0 || played > 20)
	}
	for seed := *worldsFrom; !enough(); seed++ {
		memory := simnet.World{Seed: seed}
		disk := simnet.World{Seed: seed, PhoneFile: func(card string) (simnet.PhoneFile, error) {
			return newPhoneFile(t, dir, card, nil, seed%2 == 0, newChest())
		}}
		want, got := memory.Run(), disk.Run()
		if got.Failure != nil || want.Trace != got.Trace {
			t.Errorf("seed %d: trace %x, %v; in memory %x, %v", seed, got.Trace, got.Failure, want.Trace, want.Failure)
		}
		played++
		for _, what := range []string{searched, "del", "red", "purge", "gone told", "crash", "phone restored", "phone cloned"} {
			happened[what] += got.Coverage[what]
		}
	}
	t.Logf("%d worlds from seed %d in %s: %v", played, *worldsFrom, time.Since(start).Round(time.Millisecond), happened)
	if happened[searched] == 0 {
		t.Error("no file was ever searched")
	}
}

// phoneFile is a card in a real phone's file.
type phoneFile struct {
	*vault.Card
	t     *testing.T
	vault *vault.Vault
	dir   string // of all phones
	file  string
	id    string
	words glossary
	turns int
	clear bool   // the bodies can be read in the decrypted file
	keys  *chest // of the phone, if they cannot
}

func newPhoneFile(t *testing.T, dir, card string, left files, clear bool, keys *chest) (*phoneFile, error) {
	p := &phoneFile{t: t, dir: dir, id: card, words: glossary{}, clear: clear, keys: keys}
	return p, p.start(left)
}

// start has a phone start with what lies in its memory.
func (p *phoneFile) start(left files) error {
	dir, err := os.MkdirTemp(p.dir, "")
	if err != nil {
		return err
	}
	p.file = filepath.Join(dir, "card.db")
	if err := lay(p.file, left); err != nil {
		return err
	}
	words := vault.Words{Version: 1, Of: p.words.of}
	if p.clear {
		p.vault, err = vault.OpenClear(p.file, key, words)
	} else {
		p.vault, err = vault.Open(p.file, key, words, vault.Custody{Keys: p.keys})
	}
	if err != nil {
		return err
	}
	p.Card = p.vault.Card(p.id)
	return nil
}

// Update now and then lets another card of the file change, so that rows move from page to page, and works off the index, as an
// app does when there is time.
func (p *phoneFile) Update(f func(replica.PhoneTx) error) error {
	if err := p.Card.Update(f); err != nil {
		return err
	}
	if p.turns++; p.turns%3 != 0 {
		return nil
	}
	if err := p.vault.Card("another").Update(func(tx replica.PhoneTx) error {
		return tx.PutRow(row(fmt.Sprint("beside ", p.turns%7), "beside", strings.Repeat("x", p.turns*997%3000)))
	}); err != nil {
		return err
	}
	_, err := p.Index()
	return err
}

func (p *phoneFile) Crash() error {
	left := lift(p.t, p.file)
	if err := p.Close(); err != nil {
		return err
	}
	return p.start(left)
}

func (p *phoneFile) Backup() (func() (simnet.PhoneFile, error), error) {
	kept, words, keys := lift(p.t, p.file), p.words, p.keys.copy()
	return func() (simnet.PhoneFile, error) {
		again, err := newPhoneFile(p.t, p.dir, p.id, kept, p.clear, keys.copy())
		again.words.learn(words)
		return again, err
	}, nil
}

func (p *phoneFile) Close() error {
	if kept, known := p.keys.names(), p.vault.KeyNames(); !slices.Equal(kept, known) {
		return fmt.Errorf("the keystore has the keys %v, the file knows of %v", kept, known)
	}
	if err := p.vault.Close(); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Dir(p.file))
}

// Plain reads the files as they are, and once more after the index was brought up to date and the journal emptied: then even
// what was only replaced is gone.
func (p *phoneFile) Plain() ([]byte, error) {
	first := plaintext(p.t, p.file)
	if !bytes.Contains(first, []byte("CREATE TABLE")) {
		return nil, errors.New("nothing is seen in the file")
	}
	first, err := p.words.spell(first, p.holds)
	if err != nil {
		return nil, err
	}
	for left := 1; left > 0 && err == nil; {
		left, err = p.Index()
	}
	if err != nil {
		return nil, err
	}
	if err := p.vault.Save("rinse", true); err != nil {
		return nil, err
	}
	if err := p.vault.Drop("rinse"); err != nil {
		return nil, err
	}
	second, err := p.words.spell(plaintext(p.t, p.file), func(string) (bool, error) { return false, nil })
	return append(first, second...), err
}

// holds says whether the phone has the record.
func (p *phoneFile) holds(id string) (found bool, err error) {
	err = p.View(func(tx replica.PhoneTx) error {
		_, found, err = tx.Row(id)
		return err
	})
	return found, err
}

// glossary is the words that files were told of: many of them, so that there are pages to fill and to part, each of one record. The
// index writes of a word only what it does not share with the one before it; these have hardly a beginning in common.
type glossary map[string]entry

// entry is whose word it is.
type entry struct{ value, record string }

func (g glossary) of(row wire.Row) (words []string) {
	for _, versions := range row.Atoms {
		for _, v := range versions {
			for i := range 10 {
				sum := sha256.Sum256(fmt.Append(nil, i, row.ID, v.Value))
				word := hex.EncodeToString(sum[:12])
				g[word] = entry{string(v.Value), row.ID}
				words = append(words, word)
			}
		}
	}
	return words
}

func (g glossary) learn(from glossary) {
	for word, e := range from {
		g[word] = e
	}
}

// spell adds to what lies in a file the values whose words lie there, except those of records that may have old ones.
func (g glossary) spell(plain []byte, excused func(record string) (bool, error)) ([]byte, error) {
	lies := plain
	for word, e := range g {
		if !bytes.Contains(lies, []byte(word[6:])) {
			continue
		}
		ok, err := excused(e.record)
		if err != nil {
			return nil, err
		}
		if !ok {
			plain = fmt.Append(plain, e.value, "\n")
		}
	}
	return plain, nil
}
