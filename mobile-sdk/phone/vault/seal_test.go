package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// readable says which of the two records, and how many edits, the card's file shows.
func readable(t *testing.T, c *vault.Card) (rows []string, edits int) {
	t.Helper()
	view(t, c, func(tx replica.PhoneTx) {
		for _, id := range []string{one, two} {
			for _, get := range []func(string) (wire.Row, bool, error){tx.Row, tx.ShadowRow} {
				_, found, err := get(id)
				if must(t, err); found && !slices.Contains(rows, id) {
					rows = append(rows, id)
				}
			}
		}
		for _, state := range []replica.ItemState{replica.Waiting, replica.Answered, replica.Settled, replica.Rejected} {
			items, err := tx.Items(state)
			must(t, err)
			for _, i := range items {
				if i.Code != replica.CodeUnreadable {
					edits++
				}
			}
		}
	})
	return rows, edits
}

// TestWhatEndedIsSealedForEver: whoever has the raw content that the memory chip had before access ended, and the file's own key, and the
// keystore as it is now, reads nothing of what the access ended to, and all of the rest.
func TestWhatEndedIsSealedForEver(t *testing.T) {
	lapse := func(c *vault.Card, own bool) error {
		if err := c.Update(func(tx replica.PhoneTx) error { return tx.SaveMeta(replica.Meta{Actor: 1, Next: 2, Own: own}) }); err != nil {
			return err
		}
		_, err := replica.NewPhone(cardID, c, func() time.Time { return noon }).Lapse(func(scope string) bool { return scope == "lab.general" })
		return err
	}
	in := func(f func(replica.PhoneTx) error) func(*vault.Card) error {
		return func(c *vault.Card) error { return c.Update(f) }
	}
	for name, c := range map[string]struct {
		end   func(*vault.Card) error
		rows  []string
		edits int
	}{
		"purge":                  {in(func(tx replica.PhoneTx) error { return tx.DropRowsOutside(replica.Scopes{"lab.*"}) }), []string{two}, 1},
		"the last row went":      {in(func(tx replica.PhoneTx) error { return errors.Join(tx.DropRow(one), tx.DropShadowRow(one)) }), []string{two}, 1},
		"gone":                   {in(replica.PhoneTx.Wipe), nil, 0},
		"the lease of another":   {func(c *vault.Card) error { return lapse(c, false) }, []string{two}, 0},
		"the lease of one's own": {func(c *vault.Card) error { return lapse(c, true) }, []string{two}, 1},
		"a new base without it": {in(func(tx replica.PhoneTx) error {
			return errors.Join(tx.ClearShadow(), tx.PutShadowRow(row(two, "lab.general", "new")), tx.SwapShadow())
		}), []string{two}, 1},
		"the edit was dismissed": {in(func(tx replica.PhoneTx) error { return tx.DropItem(1, 1) }), []string{one, two}, 0},
		"another scope": {in(func(tx replica.PhoneTx) error {
			return errors.Join(tx.DropShadowRow(one), tx.PutRow(row(one, "lab.general", "relabelled")))
		}), []string{two}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			keys, file := newChest(), filepath.Join(t.TempDir(), "card.db")
			v := openWith(t, file, keys)
			k, other := v.Card(cardID), v.Card("another")
			update(t, k, func(tx replica.PhoneTx) error {
				return errors.Join(tx.PutRow(row(one, "visit.general", "secret")), tx.PutShadowRow(row(one, "visit.general", "secret")), tx.PutRow(row(two, "lab.general", "stays")),
					tx.PutItem(item(1, 1, one, replica.Waiting)))
			})
			update(t, other, func(tx replica.PhoneTx) error { return tx.PutRow(row(one, "visit.general", "of another card")) })
			before := lift(t, file)
			must(t, c.end(k))
			if got := v.KeyNames(); !slices.Equal(got, keys.names()) {
				t.Errorf("the keystore has %v, the file knows of %v", keys.names(), got)
			}
			stolen := filepath.Join(t.TempDir(), "card.db")
			must(t, lay(stolen, before))
			old := openWith(t, stolen, keys.copy())
			if rows, edits := readable(t, old.Card(cardID)); !slices.Equal(rows, c.rows) || edits != c.edits {
				t.Errorf("the old content shows %v and %d edits, want %v and %d", rows, edits, c.rows, c.edits)
			}
			if rows, _ := readable(t, old.Card("another")); len(rows) != 1 {
				t.Error("another card's row is not readable any more")
			}
			must(t, v.Close())
			k = openWith(t, file, keys).Card(cardID)
			if lost := k.LostScopes(); len(lost) > 0 {
				t.Errorf("lost %v", lost)
			}
		})
	}
}

// TestACrashLosesNoKeyAndNoRow stops the phone at every step that is durable, of the file and of the keystore: whatever stands then, the
// file opens, what is not lost is there as it was before or after, and no key stays that nothing needs.
func TestACrashLosesNoKeyAndNoRow(t *testing.T) {
	type snapshot struct {
		step  string
		files files
		keys  *chest
	}
	var taken []snapshot
	keys, file := newChest(), filepath.Join(t.TempDir(), "card.db")
	v := openWith(t, file, keys)
	step := ""
	take := func() {
		taken = append(taken, snapshot{step, lift(t, file), &chest{keys: maps.Clone(keys.keys)}})
	}
	keys.after = take
	k := v.Card(cardID)
	for _, s := range []struct {
		name string
		do   func(replica.PhoneTx) error
	}{
		{"first", func(tx replica.PhoneTx) error {
			return errors.Join(tx.PutRow(row(one, "visit.general", "a")), tx.PutRow(row(two, "lab.general", "b")), tx.PutItem(item(1, 1, one, replica.Waiting)),
				tx.PutItem(item(1, 2, two, replica.Rejected)))
		}},
		{"purge", func(tx replica.PhoneTx) error { return tx.DropRowsOutside(replica.Scopes{"lab.*"}) }},
		{"dismiss", func(tx replica.PhoneTx) error { return tx.DropItem(1, 2) }},
		{"again", func(tx replica.PhoneTx) error { return tx.PutRow(row(one, "visit.general", "c")) }},
		{"fails", func(tx replica.PhoneTx) error {
			return errors.Join(tx.PutRow(row(one, "rx.general", "never")), tx.DropRowsOutside(nil), errNo)
		}},
	} {
		step = s.name
		take()
		if err := k.Update(s.do); err != nil && !errors.Is(err, errNo) {
			t.Fatal(s.name, err)
		}
		take()
	}
	if len(taken) < 15 {
		t.Fatalf("only %d steps were seen", len(taken))
	}
	for i, s := range taken {
		crashed := filepath.Join(t.TempDir(), "card.db")
		must(t, lay(crashed, s.files))
		again := openWith(t, crashed, s.keys)
		c := again.Card(cardID)
		rows, edits := readable(t, c)
		where := fmt.Sprintf("snapshot %d, in %s: %v, %d edits", i, s.step, rows, edits)
		if lost := c.LostScopes(); len(lost) > 0 {
			t.Errorf("%s: lost %v", where, lost)
		}
		if s.step != "first" && !slices.Contains(rows, two) || s.step == "fails" && len(rows) != 2 {
			t.Errorf("%s: rows are missing", where)
		}
		if (s.step == "purge" && edits != 2) || (s.step == "dismiss" && edits == 0) || (s.step == "again" && edits != 1) || (s.step == "fails" && edits != 1) {
			t.Errorf("%s: edits are missing", where)
		}
		if known := again.KeyNames(); !slices.Equal(known, s.keys.names()) {
			t.Errorf("%s: the keystore has %v, the file knows of %v", where, s.keys.names(), known)
		}
		update(t, c, func(tx replica.PhoneTx) error { return tx.PutRow(row(one, "visit.general", "d")) })
	}
}

var errNo = errors.New("no")

// TestACommitOfWhichNobodyKnows fails at its very end. Whether the disk has it or not, no edit is lost, in a crash right then, nor later.
func TestACommitOfWhichNobodyKnows(t *testing.T) {
	for _, durable := range []bool{true, false} {
		keys, file := newChest(), filepath.Join(t.TempDir(), "card.db")
		v := openWith(t, file, keys)
		c := v.Card(cardID)
		update(t, c, func(tx replica.PhoneTx) error {
			return errors.Join(tx.PutItem(item(1, 1, one, replica.Waiting)), tx.PutItem(item(1, 2, two, replica.Rejected)), tx.PutRow(row(one, "visit.general", "x")))
		})
		if err := c.Unsure(func(tx replica.PhoneTx) error { // the edits' key changes
			return errors.Join(tx.DropItem(1, 2), tx.PutRow(row(two, "lab.general", "y")))
		}, durable); err == nil {
			t.Fatal("it did not fail")
		}
		check := func(when string, kept int) {
			t.Helper()
			crashed, left := filepath.Join(t.TempDir(), "card.db"), keys.copy()
			must(t, lay(crashed, lift(t, file)))
			again := openWith(t, crashed, left)
			if _, edits := readable(t, again.Card(cardID)); edits != kept || len(again.Card(cardID).LostScopes()) > 0 {
				t.Errorf("durable %v, %s: %d edits, lost %v", durable, when, edits, again.Card(cardID).LostScopes())
			}
			if !slices.Equal(left.names(), again.KeyNames()) {
				t.Errorf("durable %v, %s: the keystore has %v, the file knows of %v", durable, when, left.names(), again.KeyNames())
			}
		}
		check("right then", map[bool]int{true: 1, false: 2}[durable])
		if durable {
			continue // SQLite takes it back when it goes on: there is no such file any more
		}
		update(t, c, func(tx replica.PhoneTx) error {
			return errors.Join(tx.DropItem(1, 2), tx.PutRow(row(two, "rx.general", "z")))
		})
		check("later", 1)
	}
}

// TestTheNamesOfKeysSayNothing: an app may show them, log them, or keep them where others look.
func TestTheNamesOfKeysSayNothing(t *testing.T) {
	keys := newChest()
	v := openWith(t, filepath.Join(t.TempDir(), "card.db"), keys)
	update(t, v.Card(cardID), func(tx replica.PhoneTx) error {
		return errors.Join(tx.PutRow(row(one, "visit.psychiatric", "x")), tx.PutItem(item(1, 1, one, replica.Waiting)))
	})
	if len(keys.names()) != 2 {
		t.Fatal(keys.names())
	}
	for _, name := range keys.names() {
		if !regexp.MustCompile(`^[0-9a-f]{32}\.[0-9]+$`).MatchString(name) {
			t.Errorf("a key has the name %q", name)
		}
	}
}

// TestALostKeyIsNotTheCardsEnd: what it sealed is given up, everything else is there, and the next sync is asked to build the base anew.
func TestALostKeyIsNotTheCardsEnd(t *testing.T) {
	keys, file := newChest(), filepath.Join(t.TempDir(), "card.db")
	v := openWith(t, file, keys)
	update(t, v.Card(cardID), func(tx replica.PhoneTx) error {
		return errors.Join(tx.PutRow(row(one, "visit.general", "x")), tx.SaveMeta(replica.Meta{Actor: 1, Next: 2, Cursor: "c", At: "c"}))
	})
	lost := keys.names()
	update(t, v.Card(cardID), func(tx replica.PhoneTx) error {
		return errors.Join(tx.PutRow(row(two, "lab.general", "y")), tx.PutItem(item(1, 1, one, replica.Waiting)))
	})
	must(t, v.Close())
	for _, name := range lost {
		delete(keys.keys, name)
	}
	c := openWith(t, file, keys).Card(cardID)
	if rows, edits := readable(t, c); !slices.Equal(rows, []string{two}) || edits != 1 {
		t.Errorf("readable are %v and %d edits", rows, edits)
	}
	if got := c.LostScopes(); !slices.Equal(got, replica.Scopes{"visit.general"}) {
		t.Fatalf("lost are %v", got)
	}
	phone := replica.NewPhone(cardID, c, func() time.Time { return noon })
	must(t, phone.Refetch(c.LostScopes()))
	meta, err := phone.Meta()
	if must(t, err); !meta.Shadowing || !slices.Equal(meta.Lapsed, []string{"visit.general"}) || meta.Actor != 1 {
		t.Errorf("the meta is %+v", meta)
	}
	if rows, edits := readable(t, c); !slices.Equal(rows, []string{two}) || edits != 1 || len(c.LostScopes()) > 0 {
		t.Errorf("after it: %v, %d edits, lost %v", rows, edits, c.LostScopes())
	}
	// The scope can be filled again.
	update(t, c, func(tx replica.PhoneTx) error { return tx.PutRow(row(one, "visit.general", "again")) })
	if rows, _ := readable(t, c); len(rows) != 2 {
		t.Errorf("readable are %v", rows)
	}
}

// TestAKeystoreThatDoesNotAnswer is no reason to give anything up.
func TestAKeystoreThatDoesNotAnswer(t *testing.T) {
	keys, file := newChest(), filepath.Join(t.TempDir(), "card.db")
	v := openWith(t, file, keys)
	update(t, v.Card(cardID), func(tx replica.PhoneTx) error {
		return errors.Join(tx.PutRow(row(one, "visit.general", "x")), tx.PutRow(row(two, "lab.general", "y")), tx.PutItem(item(1, 1, one, replica.Waiting)))
	})
	keys.locked = true
	if err := v.Card(cardID).Update(func(tx replica.PhoneTx) error { return tx.PutRow(row(one, "rx.general", "x")) }); !errors.Is(err, vault.ErrKeystore) || !errors.Is(err, errLocked) {
		t.Errorf("a new scope: %v", err)
	}
	if rows, edits := readable(t, v.Card(cardID)); len(rows) != 2 || edits != 1 {
		t.Errorf("meanwhile %v and %d edits are readable", rows, edits)
	}
	must(t, v.Close())
	if _, err := vault.Open(file, key, spelled, vault.Custody{Keys: keys}); !errors.Is(err, vault.ErrKeystore) {
		t.Errorf("locked: %v", err)
	}
	if _, err := vault.Open(file, key, spelled, vault.Custody{}); !errors.Is(err, vault.ErrKeystore) {
		t.Errorf("without the keystore: %v", err)
	}
	keys.locked, keys.stuck = false, true
	v = openWith(t, file, keys)
	update(t, v.Card(cardID), func(tx replica.PhoneTx) error { return tx.DropRowsOutside(replica.Scopes{"lab.*"}) })
	if len(keys.names()) != 3 {
		t.Errorf("the keystore destroys nothing, and has %v", keys.names())
	}
	keys.stuck = false
	update(t, v.Card(cardID), func(tx replica.PhoneTx) error { return tx.SaveMeta(replica.Meta{}) })
	if rows, edits := readable(t, v.Card(cardID)); len(rows) != 1 || edits != 1 || len(keys.names()) != 2 {
		t.Errorf("with the next change: %v, %d edits, keys %v", rows, edits, keys.names())
	}
	must(t, v.Wipe())
	if left := keys.names(); len(left) > 0 {
		t.Errorf("a wipe leaves the keys %v", left)
	}
}

// TestTheKeystoreTakesOver: a file from before there were keys, and one whose keys stand in it, is sealed under keys in the keystore once there
// is one. Without one it is sealed under keys in the file.
func TestTheKeystoreTakesOver(t *testing.T) {
	file := filepath.Join(t.TempDir(), "card.db")
	old := row(one, "visit.general", "canary-2846")
	body, err := wire.Marshal(old)
	must(t, err)
	mutation, err := wire.Marshal(item(1, 1, one, replica.Waiting).Mutation)
	must(t, err)
	must(t, vault.MakeOld(file, key, 8, "INSERT INTO record (card, shadow, id, kind, scope, date, open, body, digest) VALUES (?, 0, ?, ?, ?, ?, 0, ?, ?)",
		cardID, old.ID, old.Kind, old.Scope, old.Date.UnixMicro(), body, int64(replica.Digest(old))))
	must(t, vault.Add(file, key, "INSERT INTO tally (card, shadow, count, sum) VALUES (?, 0, 1, ?)", cardID, int64(replica.Digest(old))))
	must(t, vault.Add(file, key, "INSERT INTO edit (card, actor, n, record, state, hlc, settled, body) VALUES (?, 1, 1, ?, 'waiting', ?, -62135596800000000, CAST(? AS BLOB))",
		cardID, one, item(1, 1, one, replica.Waiting).Mutation.HLC.String(), `{"actor":1,"mutation":`+string(mutation)+`,"gen":3,"saved":"2026-11-22T12:00:00Z"}`))
	if !bytes.Contains(plaintext(t, file), []byte("canary")) {
		t.Fatal("the test does not see into the file")
	}
	keys := newChest()
	for _, in := range []struct {
		name string
		keys vault.ScopeKeys
	}{{"in the file", nil}, {"in the keystore", keys}, {"again", keys}} {
		v := openWith(t, file, in.keys)
		c := v.Card(cardID)
		expect(t, c, one, &old)
		counted(t, c, map[string]wire.Row{one: old})
		if _, edits := readable(t, c); edits != 1 {
			t.Errorf("%s: the edit is not there", in.name)
		}
		if bytes.Contains(plaintext(t, file), []byte("canary")) {
			t.Errorf("%s: the row is not sealed", in.name)
		}
		if want := map[bool]int{true: 2}[in.keys != nil]; len(keys.names()) != want {
			t.Errorf("%s: the keystore has %v", in.name, keys.names())
		}
		must(t, v.Close())
	}
	v := openWith(t, file, keys)
	update(t, v.Card(cardID), func(tx replica.PhoneTx) error { return tx.DropRow(one) })
	if len(keys.names()) != 1 {
		t.Errorf("after the last row went: %v", keys.names())
	}
}

// TestAManyRowFileIsSealedInPortions: more rows than one portion has, of several scopes.
func TestAManyRowFileIsSealedInPortions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "card.db")
	v := openWith(t, file, nil)
	const n = 1200
	rows := map[string]wire.Row{}
	update(t, v.Card(cardID), func(tx replica.PhoneTx) (err error) {
		for i := range n {
			r := row(fmt.Sprintf("0195e4a5-0000-7000-8000-%012d", i), fmt.Sprintf("lab.label%d", i%3), strings.Repeat("x", i%50))
			rows[r.ID] = r
			err = errors.Join(err, tx.PutRow(r))
		}
		return err
	})
	must(t, v.Close())
	keys := newChest()
	c := openWith(t, file, keys).Card(cardID)
	counted(t, c, rows)
	if recount(t, c) != 0 || len(keys.names()) != 3 {
		t.Errorf("%d keys", len(keys.names()))
	}
	update(t, c, func(tx replica.PhoneTx) (err error) {
		for id, r := range rows {
			if r.Scope == "lab.label1" {
				err = errors.Join(err, tx.DropRow(id))
			}
		}
		return err
	})
	if len(keys.names()) != 2 {
		t.Errorf("%d keys after one scope went row by row", len(keys.names()))
	}
}

// TestBodiesCannotBeSwapped: one that stands in another's place, in another card's, or in that of an edit, is none.
func TestBodiesCannotBeSwapped(t *testing.T) {
	for name, statement := range map[string]string{
		"of another record": "UPDATE record SET body = (SELECT body FROM record WHERE card = '" + cardID + "' AND id = '" + two + "') WHERE card = '" + cardID + "' AND id = '" + one + "'",
		"of another card":   "UPDATE record SET body = (SELECT body FROM record WHERE card = 'another') WHERE card = '" + cardID + "' AND id = '" + one + "'",
		"a letter":          "UPDATE record SET body = CAST(substr(body, 1, 40) || CASE substr(body, 41, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(body, 42) AS BLOB) WHERE card = '" + cardID + "' AND id = '" + one + "'",
	} {
		v := openWith(t, filepath.Join(t.TempDir(), "card.db"), newChest())
		update(t, v.Card("another"), func(tx replica.PhoneTx) error { return tx.PutRow(row(one, "visit.general", "theirs")) })
		update(t, v.Card(cardID), func(tx replica.PhoneTx) error {
			return errors.Join(tx.PutRow(row(one, "visit.general", "mine")), tx.PutRow(row(two, "visit.general", "too")))
		})
		must(t, v.Spoil(statement))
		if rows, _ := readable(t, v.Card(cardID)); !slices.Equal(rows, []string{two}) {
			t.Errorf("%s: readable are %v", name, rows)
		}
		if damaged := recount(t, v.Card(cardID)); damaged != 1 {
			t.Errorf("%s: %d rows are damaged", name, damaged)
		}
	}
}
