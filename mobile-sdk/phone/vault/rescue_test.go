package vault_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// sound is a file with rows, edits, settings and a journal's worth of history, to be damaged.
type sound struct {
	files files
	keys  *chest
	edits map[string]replica.Item // by their record
	large map[string]bool         // those that do not fit into a page
	spans map[string][2]int       // where the cells of the others lie in the decrypted file
}

// recordOf numbers records.
func recordOf(n int) string { return fmt.Sprintf("0195e4a5-0000-7000-8000-%012d", n) }

func makeSound(t *testing.T, keys *chest) *sound {
	t.Helper()
	s := &sound{keys: keys, edits: map[string]replica.Item{}, large: map[string]bool{}, spans: map[string][2]int{}}
	file := filepath.Join(t.TempDir(), "card.db")
	var store vault.ScopeKeys
	if keys != nil {
		store = keys
	}
	v := openWith(t, file, store)
	must(t, errors.Join(v.Save("tokens", "session"), v.Save("installation", "self"), v.Save("watch", strings.Repeat("w", 3000))))
	for _, card := range []string{cardID, "another"} {
		update(t, v.Card(card), func(tx replica.PhoneTx) (err error) {
			for i := range 300 {
				err = errors.Join(err, tx.PutRow(row(recordOf(i), []string{"visit.general", "lab.general"}[i%2], strings.Repeat("row ", 100))))
			}
			return errors.Join(err, tx.SaveMeta(replica.Meta{Actor: 5, Next: 91, Acked: 20, Epoch: "e", Cursor: "c", At: "c", Synced: noon, HLC: vclock.At(noon) + 91}))
		})
	}
	indexed(t, v.Card(cardID))
	random := rand.New(rand.NewPCG(1, 1))
	for n := 1; n <= 90; n++ {
		state := replica.Waiting
		if n <= 20 {
			state = []replica.ItemState{replica.Settled, replica.Rejected}[n%2]
		}
		i := item(5, uint64(n), recordOf(1000+n), state)
		i.Mutation.HLC = vclock.At(noon) + vclock.HLC(n)
		size := 20 + random.IntN(500)
		if n%30 == 0 {
			size, s.large[i.Mutation.ID] = 20_000, true
		}
		i.Mutation.Atoms = map[string]wire.Change{"text": {V: json.RawMessage(`"` + strings.Repeat(fmt.Sprint(n, " "), size/2) + `"`)}}
		s.edits[i.Mutation.ID] = i
		update(t, v.Card(cardID), func(tx replica.PhoneTx) error { return tx.PutItem(i) })
	}
	must(t, v.Close())
	s.files = lift(t, file)
	plain := plaintext(t, file)
	for id, i := range s.edits {
		at := bytes.Index(plain, []byte(id+string(i.State)+i.Mutation.HLC.String()))
		if at < 0 {
			t.Fatal("an edit is not seen in the file")
		}
		body, err := wire.Marshal(i)
		must(t, err)
		s.spans[id] = [2]int{at - 80, at + 200 + len(body)}
	}
	return s
}

// spoilt is the file with one block of the memory chip, or some bytes of it, gone bad.
func (s *sound) spoilt(random *rand.Rand) (files, [2]int) {
	const block = 4096 // of the encryption: one bit of it that flips makes noise of all
	content := bytes.Clone(s.files[""])
	at := random.IntN(len(content)/block) * block
	switch random.IntN(3) {
	case 0:
		content[at+random.IntN(block)] ^= 1 << random.IntN(8)
	case 1:
		clear(content[at : at+block])
	case 2:
		for i := range block {
			content[at+i] = byte(random.Uint32())
		}
	}
	return files{"": content}, [2]int{at, at + block}
}

// usable opens a damaged file as an app does, which is restarted when it is told that the file is damaged.
func usable(t *testing.T, file string, keys vault.ScopeKeys) *vault.Vault {
	t.Helper()
	for range 3 {
		v := openWith(t, file, keys)
		c := v.Card(cardID)
		err := c.Read(func(tx *vault.Tx) error {
			_, err := tx.List("encounter", nil, 1000)
			_, err2 := tx.Digests("", "")
			_, err3 := tx.Search(word("row"), nil, 10)
			return errors.Join(err, err2, err3)
		})
		if err == nil {
			return v
		}
		if !errors.Is(err, vault.ErrDamagedFile) {
			t.Fatalf("the app is told %v", err)
		}
		must(t, v.Close())
	}
	t.Fatal("the file stays damaged")
	return nil
}

// TestADamagedPageLosesNoReadableEdit: whatever block of a real file is damaged, the file opens, or opens the next time after somebody met
// the damage; every edit that does not lie on the block is there; of those that are not the person is told; and what waits can be sent.
func TestADamagedPageLosesNoReadableEdit(t *testing.T) {
	if testing.Short() {
		t.Skip("one at a time: nothing for the race detector to see")
	}
	if _, err := os.Stat("/dev/shm"); err == nil {
		t.Setenv("TMPDIR", "/dev/shm")
	}
	seeds := 40
	for name, keys := range map[string]*chest{"keys in the file": nil, "keys in a keystore": newChest()} {
		t.Run(name, func(t *testing.T) {
			whole := makeSound(t, keys)
			happened := map[string]int{}
			for seed := range seeds {
				whole.damage(t, uint64(seed), happened) // a small number
			}
			t.Logf("%d blocks: %v", seeds, happened)
			for _, what := range []string{"rescued", "not noticed", "edits lost"} {
				if happened[what] == 0 {
					t.Errorf("it never came to %q", what)
				}
			}
		})
	}
}

func (s *sound) damage(t *testing.T, seed uint64, happened map[string]int) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 8))
	left, block := s.spoilt(random)
	file := filepath.Join(t.TempDir(), "card.db")
	must(t, lay(file, left))
	var keys vault.ScopeKeys
	var chest *chest
	if s.keys != nil {
		chest = s.keys.copy()
		keys = chest
	}
	v := usable(t, file, keys)
	defer v.Close()
	c := v.Card(cardID)
	kept := map[string]replica.Item{}
	view(t, c, func(tx replica.PhoneTx) {
		for _, state := range []replica.ItemState{replica.Waiting, replica.Answered, replica.Settled, replica.Rejected} {
			items, err := tx.Items(state)
			must(t, err)
			for _, i := range items {
				kept[i.Mutation.ID] = i
			}
		}
	})
	losses, err := v.Losses()
	must(t, err)
	told, missing := 0, 0
	for _, l := range losses {
		told += l.Edits
	}
	for id, want := range s.edits {
		got, found := kept[id]
		switch {
		case found && got.Code == replica.CodeUnreadable:
			happened["edits lost"]++
		case found:
			if string(got.Mutation.Atoms["text"].V) != string(want.Mutation.Atoms["text"].V) || got.State != want.State {
				t.Errorf("seed %d: an edit is another than it was", seed)
			}
			continue
		case want.State != replica.Settled:
			missing++
			happened["edits lost"]++
		}
		span := s.spans[id]
		if !s.large[id] && (span[1] <= block[0] || block[1] <= span[0]) {
			t.Errorf("seed %d, block at %d: an edit at %v is lost", seed, block[0], span)
		}
	}
	if missing > told {
		t.Errorf("seed %d: %d edits are lost, and the person is told of %d", seed, missing, told)
	}
	aside, err := os.Stat(file + "-damaged")
	if (err == nil) != (told > 0) {
		t.Errorf("seed %d: %d edits are lost, the damaged file: %v, %v", seed, told, aside, err)
	}
	if v.Rescued() {
		happened["rescued"]++
	} else {
		happened["not noticed"]++
	}
	for _, name := range []string{"tokens", "installation"} {
		var value string
		if found, err := v.Load(name, &value); err != nil || found && value != map[string]string{"tokens": "session", "installation": "self"}[name] {
			t.Errorf("seed %d: the setting %s: %q, %v", seed, name, value, err)
		}
	}
	s.sendable(t, seed, c, kept)
	must(t, v.ForgetLosses(time.Now().Add(time.Hour)))
	if _, err := os.Stat(file + "-damaged"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("seed %d: the damaged file stays after the person was told", seed)
	}
	if chest != nil && !slices.Equal(chest.names(), v.KeyNames()) {
		t.Errorf("seed %d: the keystore has %d keys, the file knows of %d", seed, len(chest.names()), len(v.KeyNames()))
	}
}

// sendable checks that what waits goes out without a gap.
func (s *sound) sendable(t *testing.T, seed uint64, c *vault.Card, kept map[string]replica.Item) {
	t.Helper()
	phone := replica.NewPhone(cardID, c, func() time.Time { return noon })
	ask, needed, err := phone.Enrolment()
	must(t, err)
	first := uint64(21)
	if needed {
		actor := uint32(9)
		if first = 1; !ask.Fresh {
			actor, first = 5, 21
		}
		must(t, phone.Enrolled(wire.Enrolment{Card: cardID, Actor: actor, Epoch: "e", LMID: first - 1, Own: true}))
	}
	x, err := phone.Exchange(1000)
	must(t, err)
	defer x.Close()
	waits := 0
	for _, i := range kept {
		if i.State == replica.Waiting {
			waits++
		}
	}
	if len(x.Request().Mutations) != waits || waits == 0 {
		t.Errorf("seed %d: %d edits wait, %d would be sent", seed, waits, len(x.Request().Mutations))
	}
	for n, m := range x.Request().Mutations {
		if m.N != first+uint64(n) { // a count
			t.Errorf("seed %d: mutation %d has the number %d", seed, n, m.N)
			break
		}
	}
}

// TestARescueThatIsStoppedGoesOn stops the phone after each of its steps.
func TestARescueThatIsStoppedGoesOn(t *testing.T) {
	keys := newChest()
	whole := makeSound(t, keys)
	damaged := maps.Clone(whole.files)
	damaged[""] = bytes.Clone(damaged[""])
	clear(damaged[""][:4096]) // SQLite's own header, and what tables there are
	dir := t.TempDir()
	file := filepath.Join(dir, "card.db")
	must(t, lay(file, damaged))
	type moment struct {
		files map[string][]byte
		keys  *chest
	}
	var moments []moment
	folder := func() map[string][]byte {
		all := map[string][]byte{}
		entries, err := os.ReadDir(dir)
		must(t, err)
		for _, e := range entries {
			if content, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil {
				all[e.Name()] = content
			}
		}
		return all
	}
	take := func() { moments = append(moments, moment{folder(), &chest{keys: maps.Clone(keys.keys)}}) }
	take()
	keys.after = take
	v := openWith(t, file, keys)
	take()
	must(t, v.Close())
	if !v.Rescued() || len(moments) < 5 {
		t.Fatalf("%d steps", len(moments))
	}
	// The renamings themselves, one by one.
	fresh := moments[len(moments)-1].files
	without := func(all map[string][]byte, names ...string) map[string][]byte {
		all = maps.Clone(all)
		for _, n := range names {
			delete(all, n)
		}
		return all
	}
	halfway := without(fresh, "card.db", "card.db-wal", "card.db-shm")
	halfway["card.db-new"], halfway["card.db-damaged"], halfway["card.db-wal"] = folder()["card.db"], damaged[""], []byte("an old journal")
	moments = append(moments, moment{halfway, keys.copy()})
	for i, m := range moments {
		again := filepath.Join(t.TempDir(), "card.db")
		for name, content := range m.files {
			must(t, os.WriteFile(filepath.Join(filepath.Dir(again), name), content, 0o600))
		}
		v := openWith(t, again, m.keys)
		if _, edits := readable(t, v.Card(cardID)); edits != len(whole.edits) {
			t.Errorf("step %d: %d of %d edits are there", i, edits, len(whole.edits))
		}
		if known := v.KeyNames(); !slices.Equal(known, m.keys.names()) {
			t.Errorf("step %d: the keystore has %d keys, the file knows of %d", i, len(m.keys.names()), len(known))
		}
		must(t, v.Close())
		if left, err := filepath.Glob(again + "-*"); err != nil || len(left) > 0 {
			t.Errorf("step %d: left are %v", i, left)
		}
	}
}

// TestAWrongKeyRescuesNothing: under another key a sound file looks like one that is damaged all over.
func TestAWrongKeyRescuesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "card.db")
	whole := makeSound(t, nil)
	must(t, lay(file, whole.files))
	if _, err := vault.Open(file, bytes.Repeat([]byte{9}, vault.KeySize), spelled, vault.Custody{}); !errors.Is(err, vault.ErrKey) {
		t.Errorf("got %v", err)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, whole.files[""]) {
		t.Errorf("the file is another, %v", err)
	}
}

// TestAFileOfThisPersonIsRescued: a photo that was attached here and that the server does not have comes along.
func TestAFileOfThisPersonIsRescued(t *testing.T) {
	photo := bytes.Repeat([]byte("photo of a scar "), 20_000)
	file := filepath.Join(t.TempDir(), "card.db")
	v := openWith(t, file, nil)
	must(t, v.Card(cardID).Change(func(tx *vault.Tx) error {
		return errors.Join(tx.AddOwn("x", photo, noon), tx.NameOwn("x", hashOf(photo), noon), tx.PutItem(editing(item(1, 1, one, replica.Waiting), hashOf(photo))),
			tx.SaveMeta(replica.Meta{Actor: 1, Next: 2}))
	}))
	must(t, v.Close())
	left := lift(t, file)
	clear(left[""][:4096])
	must(t, lay(file, left))
	v = openWith(t, file, nil)
	must(t, v.Card(cardID).Read(func(tx *vault.Tx) error {
		own, err := tx.Own()
		if len(own) != 1 || own[0].Hash != hashOf(photo) || !v.Rescued() {
			t.Errorf("attached here are %+v", own)
		}
		return err
	}))
}
