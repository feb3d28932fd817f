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
	must(t, c.Read(func(tx *vault.Tx) error {
		rows, err := tx.Search(terms, nil, 1000)
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return err
	}))
	return ids
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
// pages in use, in the free ones, and in the index's inner nodes.
func TestForgottenWordsAreGone(t *testing.T) {
	const n = 1500
	secret := func(i int) string { return fmt.Sprintf("тайна%04dкоты", i*7919%n) }
	for name, c := range map[string]struct {
		drop func(replica.PhoneTx) error
		left bool // the rows of the other scope
	}{
		"access to a scope ended": {func(tx replica.PhoneTx) error { return tx.DropRowsOutside(replica.Scopes{"lab.*"}) }, true},
		"the card is gone":        {replica.PhoneTx.Wipe, false},
		"each was deleted": {func(tx replica.PhoneTx) error {
			for i := range n {
				if err := tx.DropRow(fmt.Sprintf("secret-%d", i)); err != nil {
					return err
				}
			}
			return nil
		}, true},
		"each became another": {func(tx replica.PhoneTx) error {
			for i := range n {
				if err := tx.PutRow(row(fmt.Sprintf("secret-%d", i), "visit.general", "кашель")); err != nil {
					return err
				}
			}
			return nil
		}, true},
		"a resync brought a base without it": {replica.PhoneTx.SwapShadow, false},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "card.db")
			v := open(t, file)
			k := v.Card(cardID)
			for from := 0; from < n; from += 500 { // several segments, that merge
				update(t, k, func(tx replica.PhoneTx) error {
					for i := from; i < from+500; i++ {
						if err := errors.Join(tx.PutRow(row(fmt.Sprintf("secret-%d", i), "visit.general", secret(i)+" кашель")),
							tx.PutRow(row(fmt.Sprintf("other-%d", i), "lab.general", fmt.Sprintf("кашель анализ%d", i)))); err != nil {
							return err
						}
					}
					return nil
				})
			}
			must(t, v.Close()) // what is in the journal goes into the file
			if plain := plaintext(t, file); !bytes.Contains(plain, []byte("коты")) {
				t.Fatal("the test does not see into the file")
			}
			v = open(t, file)
			k = v.Card(cardID)
			update(t, k, c.drop)
			if got := len(found(t, k, word("анализ7"))); (got == 1) != c.left {
				t.Errorf("%d of the others are found", got)
			}
			if name == "each became another" { // nothing was deleted, so the journal may wait
				must(t, v.Close())
			}
			plain := plaintext(t, file)
			for _, trace := range []string{"тайна", "коты"} {
				if at := bytes.Index(plain, []byte(trace)); at >= 0 {
					t.Errorf("the decrypted file holds %q (%d times), at %d of %d", trace, bytes.Count(plain, []byte(trace)), at, len(plain))
				}
			}
		})
	}
}

// TestAFileOfBeforeIsIndexed opens a file whose rows have no words yet, and one whose words another version of the rules made.
func TestAFileOfBeforeIsIndexed(t *testing.T) {
	const n = 450 // more than two portions
	file := filepath.Join(t.TempDir(), "card.db")
	v, err := vault.Open(file, key, vault.Words{})
	must(t, err)
	update(t, v.Card(cardID), func(tx replica.PhoneTx) error {
		for i := range n {
			r := row(fmt.Sprintf("r-%03d", i), "visit.general", fmt.Sprintf("кашель слово%d", i))
			r.Date = noon.Add(time.Duration(i) * time.Hour)
			if err := errors.Join(tx.PutRow(r), tx.PutShadowRow(r)); err != nil {
				return err
			}
		}
		return nil
	})
	if got := found(t, v.Card(cardID), word("кашель")); got != nil {
		t.Fatalf("found before it was indexed: %v", got)
	}
	must(t, v.Close())

	// Its opening is stopped in the middle, as by a person who has had enough of it.
	enough := 0
	broken := spelled
	broken.Of = func(r wire.Row) []string {
		if enough++; enough > 300 {
			panic("stopped")
		}
		return spelled.Of(r)
	}
	func() {
		defer func() { _ = recover() }()
		if v, err := vault.Open(file, key, broken); err == nil {
			v.Close()
			t.Error("it was not stopped")
		}
	}()

	made := 0
	counted := spelled
	counted.Of = func(r wire.Row) []string { made++; return spelled.Of(r) }
	v, err = vault.Open(file, key, counted)
	must(t, err)
	if made < n || made >= 2*n {
		t.Errorf("%d records were indexed in the second opening: it has to go on where the first one was stopped", made)
	}
	c := v.Card(cardID)
	if got := found(t, c, word("кашель")); len(got) != n || got[0] != fmt.Sprintf("r-%03d", n-1) {
		t.Errorf("%d found, the first %q", len(got), got[0])
	}
	sought(t, c, "слово0", "r-000")
	must(t, v.Close())

	made = 0
	v, err = vault.Open(file, key, counted)
	must(t, err)
	must(t, v.Close())
	if made != 0 {
		t.Errorf("an index that is whole was made anew: %d", made)
	}

	newer := vault.Words{Version: 2, Of: func(r wire.Row) []string { return append(spelled.Of(r), "новое") }}
	v, err = vault.Open(file, key, newer)
	must(t, err)
	defer v.Close()
	if got := found(t, v.Card(cardID), word("новое")); len(got) != n {
		t.Errorf("%d found by the new rules", len(got))
	}
	update(t, v.Card(cardID), replica.PhoneTx.SwapShadow)
	if got := found(t, v.Card(cardID), word("новое")); len(got) != n {
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
