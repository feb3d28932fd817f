package vault_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// spelled finds a record under the words of its text, as they stand.
var spelled = vault.Words{Version: 1, Of: func(row wire.Row) []string {
	var all []string
	for _, versions := range row.Atoms {
		for _, v := range versions {
			var text string
			_ = json.Unmarshal(v.Value, &text)
			all = append(all, strings.Fields(text)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}}

func word(w string) []vault.Term { return []vault.Term{{Words: []string{w}}} }

func found(t *testing.T, c *vault.Card, terms []vault.Term) (ids []string) {
	t.Helper()
	indexed(t, c)
	must(t, c.Read(func(tx *vault.Tx) error {
		rows, err := tx.Search(terms, nil, 1000)
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return err
	}))
	return ids
}

// indexed works off what waits for the index.
func indexed(t *testing.T, c *vault.Card) {
	t.Helper()
	for left := 1; left > 0; {
		var err error
		left, err = c.Index()
		must(t, err)
	}
}

func sought(t *testing.T, c *vault.Card, w string, want ...string) {
	t.Helper()
	if got := found(t, c, word(w)); !slices.Equal(got, want) {
		t.Errorf("%q finds %v, want %v", w, got, want)
	}
}

// TestTheIndexFollowsTheRows through every change that the engine makes to a base.
func TestTheIndexFollowsTheRows(t *testing.T) {
	v := open(t, filepath.Join(t.TempDir(), "card.db"))
	c, other := v.Card(cardID), v.Card("0195e4a5-0000-7000-8000-0000000000c2")
	update(t, other, func(tx replica.PhoneTx) error { return tx.PutRow(row(one, "visit.general", "стенокардия")) })
	update(t, c, func(tx replica.PhoneTx) error {
		return errors.Join(tx.PutRow(row(one, "visit.general", "кашель 718-7 120/80")), tx.PutRow(row(two, "lab.general", "кашель стенокардия")))
	})
	sought(t, c, "кашель", two, one)
	sought(t, c, "718-7", one)
	sought(t, c, "120/80", one)
	sought(t, c, "718")
	sought(t, c, "стенокардия", two)

	update(t, c, func(tx replica.PhoneTx) error { return tx.PutRow(row(one, "visit.general", "насморк")) })
	sought(t, c, "кашель", two)
	sought(t, c, "насморк", one)

	update(t, c, func(tx replica.PhoneTx) error { return tx.PutShadowRow(row(one, "visit.general", "бронхит")) })
	sought(t, c, "бронхит")
	update(t, c, replica.PhoneTx.SwapShadow)
	sought(t, c, "бронхит", one)
	sought(t, c, "кашель")

	update(t, c, func(tx replica.PhoneTx) error { return tx.PutRow(row(two, "lab.general", "кашель")) })
	update(t, c, func(tx replica.PhoneTx) error { return tx.DropRowsOutside(replica.Scopes{"lab.*"}) })
	sought(t, c, "бронхит")
	sought(t, c, "кашель", two)
	update(t, c, func(tx replica.PhoneTx) error { return tx.DropRow(two) })
	sought(t, c, "кашель")

	update(t, c, func(tx replica.PhoneTx) error { return tx.PutRow(row(two, "lab.general", "кашель")) })
	failure := errors.New("no")
	if err := c.Update(func(tx replica.PhoneTx) error { return errors.Join(tx.DropRow(two), failure) }); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	sought(t, c, "кашель", two)
	update(t, c, replica.PhoneTx.Wipe)
	sought(t, c, "кашель")
	sought(t, other, "стенокардия", one)
}

// TestTermsAreWords: what looks like the language of the index is looked for as it stands.
func TestTermsAreWords(t *testing.T) {
	v := open(t, filepath.Join(t.TempDir(), "card.db"))
	c := v.Card(cardID)
	update(t, c, func(tx replica.PhoneTx) error {
		return tx.PutRow(row(one, "visit.general", "near and or not words a,b"))
	})
	for _, w := range []string{"near", "and", "or", "not", "words", "a,b"} {
		sought(t, c, w, one)
	}
	for _, terms := range [][]vault.Term{
		{{Words: []string{"none", "near"}}, {Prefixes: []string{"wo", "x"}}},
		{{Words: []string{"x"}, Prefixes: []string{"an"}}},
	} {
		if got := found(t, c, terms); !slices.Equal(got, []string{one}) {
			t.Errorf("%v finds %v", terms, got)
		}
	}
	for _, terms := range [][]vault.Term{nil, {{Words: []string{"near"}}, {Words: []string{"x"}}}, word("wor"), word(`a"b`), word(`"`), {{Prefixes: []string{`x" OR "a`}}}} {
		if got := found(t, c, terms); got != nil {
			t.Errorf("%v finds %v", terms, got)
		}
	}
}

// TestForgottenWordsAreGone fills an index of many pages, takes one scope away, and looks for its words in the decrypted file: in the
// pages in use, in the free ones, and in the index's inner nodes. Whatever the index knew of the rows by then.
func TestForgottenWordsAreGone(t *testing.T) {
	const n = 1100
	secret := func(i int) string { return fmt.Sprintf("тайна%04dкоты", i*7919%n) }
	all := func(do func(i int) error) error {
		for i := range n {
			if err := do(i); err != nil {
				return err
			}
		}
		return nil
	}
	rename := func(text func(i int) string) func(replica.PhoneTx) error {
		return func(tx replica.PhoneTx) error {
			return all(func(i int) error { return tx.PutRow(row(fmt.Sprintf("secret-%d", i), "visit.general", text(i))) })
		}
	}
	drops := map[string]struct {
		drop func(replica.PhoneTx) error
		left bool // the rows of the other scope
	}{
		"access to a scope ended": {func(tx replica.PhoneTx) error { return tx.DropRowsOutside(replica.Scopes{"lab.*"}) }, true},
		"the card is gone":        {replica.PhoneTx.Wipe, false},
		"each was deleted": {func(tx replica.PhoneTx) error {
			return all(func(i int) error { return tx.DropRow(fmt.Sprintf("secret-%d", i)) })
		}, true},
		"each became another":                {rename(func(int) string { return "кашель" }), true},
		"a resync brought a base without it": {replica.PhoneTx.SwapShadow, false},
	}
	for state, since := range map[string]func(*testing.T, *vault.Card){
		"indexed": indexed,
		"changed since": func(t *testing.T, k *vault.Card) {
			indexed(t, k)
			update(t, k, rename(func(i int) string { return fmt.Sprintf("секрет%04dкоты", i) }))
		},
		"indexed in part": func(t *testing.T, k *vault.Card) {
			if left, err := k.Index(); err != nil || left == 0 {
				t.Fatalf("%d left, %v", left, err)
			}
		},
	} {
		for name, c := range drops {
			t.Run(state+", "+name, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "card.db")
				v := seeThrough(t, file)
				k := v.Card(cardID)
				update(t, k, func(tx replica.PhoneTx) error {
					return all(func(i int) error {
						return errors.Join(tx.PutRow(row(fmt.Sprintf("secret-%d", i), "visit.general", secret(i)+" кашель")),
							tx.PutRow(row(fmt.Sprintf("other-%d", i), "lab.general", fmt.Sprintf("кашель анализ%d", i))))
					})
				})
				since(t, k)
				must(t, v.Close()) // what is in the journal goes into the file
				if plain := plaintext(t, file); !bytes.Contains(plain, []byte("коты")) {
					t.Fatal("the test does not see into the file")
				}
				v = seeThrough(t, file)
				k = v.Card(cardID)
				update(t, k, c.drop)
				if name == "each became another" { // nothing was deleted: the index and the journal may wait
					indexed(t, k)
					must(t, v.Close())
				}
				plain := plaintext(t, file)
				for _, trace := range []string{"тайна", "коты", "секрет"} {
					if at := bytes.Index(plain, []byte(trace)); at >= 0 {
						t.Errorf("the decrypted file holds %q (%d times), at %d of %d", trace, bytes.Count(plain, []byte(trace)), at, len(plain))
					}
				}
				if got := len(found(t, seeThrough(t, file).Card(cardID), word("анализ7"))); (got == 1) != c.left {
					t.Errorf("%d of the others are found", got)
				}
			})
		}
	}
}

// TestTheIndexGoesOn: it is made in portions, whoever is stopped in between goes on there, and nothing is made twice.
func TestTheIndexGoesOn(t *testing.T) {
	const n = 1300 // more than two portions
	file := filepath.Join(t.TempDir(), "card.db")
	made := 0
	counted := spelled
	counted.Of = func(r wire.Row) []string { made++; return spelled.Of(r) }
	v, err := vault.Open(file, key, counted, vault.Custody{})
	must(t, err)
	c := v.Card(cardID)
	update(t, c, func(tx replica.PhoneTx) error {
		for i := range n {
			r := row(fmt.Sprintf("r-%04d", i), "visit.general", fmt.Sprintf("кашель слово%d", i))
			r.Date = noon.Add(time.Duration(i) * time.Hour)
			if err := errors.Join(tx.PutRow(r), tx.PutShadowRow(r)); err != nil {
				return err
			}
		}
		return nil
	})
	if made != 0 {
		t.Errorf("a page of a sync waited for the words of %d records", made)
	}
	left, err := c.Index()
	must(t, err)
	if left != n-made || made == 0 || left == 0 {
		t.Errorf("of %d records %d were indexed and %d are left", n, made, left)
	}
	must(t, v.Close())

	// The next portion is stopped in the middle.
	broken, portion := spelled, made
	broken.Of = func(r wire.Row) []string {
		if made++; made > portion+portion/2 {
			panic("stopped")
		}
		return spelled.Of(r)
	}
	v, err = vault.Open(file, key, broken, vault.Custody{})
	must(t, err)
	func() {
		defer func() { _ = recover() }()
		_, _ = v.Card(cardID).Index()
		t.Error("it was not stopped")
	}()
	must(t, v.Close())

	made = 0
	v, err = vault.Open(file, key, counted, vault.Custody{})
	must(t, err)
	c = v.Card(cardID)
	if got := found(t, c, word("кашель")); len(got) != 1000 || got[0] != fmt.Sprintf("r-%04d", n-1) {
		t.Errorf("%d found, the first %q", len(got), got[0])
	}
	if made != n-portion {
		t.Errorf("%d records were indexed afterwards, not %d", made, n-portion)
	}
	sought(t, c, "слово0", "r-0000")
	must(t, v.Close())

	made = 0
	v, err = vault.Open(file, key, counted, vault.Custody{})
	must(t, err)
	indexed(t, v.Card(cardID))
	must(t, v.Close())
	if made != 0 {
		t.Errorf("an index that is whole was made anew: %d", made)
	}

	newer := vault.Words{Version: 2, Of: func(r wire.Row) []string { return append(spelled.Of(r), "новое") }}
	v, err = vault.Open(file, key, newer, vault.Custody{})
	must(t, err)
	defer v.Close()
	c = v.Card(cardID)
	must(t, c.Read(func(tx *vault.Tx) error {
		if waiting, err := tx.Unindexed(); err != nil || !waiting {
			t.Errorf("rules that changed: %v, %v", waiting, err)
		}
		return nil
	}))
	if got := found(t, c, word("новое")); len(got) != 1000 {
		t.Errorf("%d found by the new rules", len(got))
	}
	update(t, c, replica.PhoneTx.SwapShadow)
	if got := found(t, c, word("новое")); len(got) != 1000 {
		t.Errorf("%d found after a swap", len(got))
	}
}

// TestAFileWithoutAnIndexGetsOne opens a file of the schema before there was a search.
func TestAFileWithoutAnIndexGetsOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "card.db")
	old := row(one, "visit.general", "кашель")
	body, err := wire.Marshal(old)
	must(t, err)
	must(t, vault.MakeOld(file, key, 1, "INSERT INTO record (card, shadow, id, kind, scope, date, open, body) VALUES (?, 0, ?, ?, ?, ?, 0, ?)",
		cardID, old.ID, old.Kind, old.Scope, old.Date.UnixMicro(), body))
	c := open(t, file).Card(cardID)
	sought(t, c, "кашель", one)
	expect(t, c, one, &old)
	update(t, c, func(tx replica.PhoneTx) error { return tx.DropRow(one) })
	sought(t, c, "кашель")
}
