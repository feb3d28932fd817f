package vault_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// counted holds the sum that is kept against the digests that are kept, and both against the rows.
func counted(t *testing.T, s replica.PhoneStore, rows map[string]wire.Row) {
	t.Helper()
	view(t, s, func(tx replica.PhoneTx) {
		sum, err1 := tx.Sum()
		entries, err2 := tx.Digests("", "")
		must(t, errors.Join(err1, err2))
		var want, kept wire.Sum
		for _, row := range rows {
			want.Add(replica.Digest(row))
		}
		for _, e := range entries {
			kept.Add(e.Digest)
			if e.Digest != replica.Digest(rows[e.ID]) {
				t.Errorf("%s has another digest", e.ID)
			}
		}
		if sum != want || kept != want {
			t.Errorf("the sum is %v, of the digests %v, want %v", sum, kept, want)
		}
	})
}

// Whatever is done to a base, in whatever transactions, the sum is that of its rows.
func TestTheTallyFollowsAnyHistory(t *testing.T) {
	v := open(t, filepath.Join(t.TempDir(), "card.db"))
	s := v.Card(cardID)
	random := rand.New(rand.NewPCG(14, 1))
	base, shadow := map[string]wire.Row{}, map[string]wire.Row{}
	scopes := []string{"lab.general", "note.general", "rx.general"}
	for step := range 120 {
		update(t, s, func(tx replica.PhoneTx) error {
			for range 1 + random.IntN(6) {
				id := fmt.Sprintf("0195e4a5-0000-7000-8000-%012x", random.IntN(12))
				made := row(id, scopes[random.IntN(len(scopes))], fmt.Sprintf("step %d %d", step, random.IntN(1000)))
				var err error
				switch random.IntN(20) {
				default:
					if random.IntN(2) == 0 { // as one that merges does
						_, _, err = tx.Row(id)
					}
					base[id] = made
					err = errors.Join(err, tx.PutRow(made))
				case 0, 1, 2:
					delete(base, id)
					err = tx.DropRow(id)
				case 3, 4, 5, 6:
					shadow[id] = made
					err = tx.PutShadowRow(made)
				case 7:
					delete(shadow, id)
					err = tx.DropShadowRow(id)
				case 8:
					for _, side := range []map[string]wire.Row{base, shadow} {
						for id, row := range side {
							if row.Scope == "rx.general" {
								delete(side, id)
							}
						}
					}
					err = tx.DropRowsOutside(replica.Scopes{"lab.*", "note.general"})
				case 9:
					shadow = map[string]wire.Row{}
					err = tx.ClearShadow()
				case 10:
					base, shadow = shadow, map[string]wire.Row{}
					err = tx.SwapShadow()
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		counted(t, s, base)
	}
	if damaged := recount(t, s); damaged != 0 {
		t.Errorf("%d rows of a sound file are damaged", damaged)
	}
	counted(t, s, base)
	update(t, s, replica.PhoneTx.Wipe)
	counted(t, s, nil)
}

// What failed has not been counted either.
func TestATransactionThatFailsLeavesTheTally(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "card.db")).Card(cardID)
	sound := row(one, "lab.general", "x")
	update(t, s, func(tx replica.PhoneTx) error { return tx.PutRow(sound) })
	failed := errors.New("failed")
	err := s.Update(func(tx replica.PhoneTx) error {
		return errors.Join(tx.PutRow(row(two, "lab.general", "y")), tx.DropRow(one), failed)
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	counted(t, s, map[string]wire.Row{one: sound})
}

func recount(t *testing.T, s replica.PhoneStore) (damaged int) {
	t.Helper()
	update(t, s, func(tx replica.PhoneTx) (err error) {
		damaged, err = tx.Recount()
		return err
	})
	return damaged
}

// What the file holds is not always what was stored. Whatever part of a row is damaged, Recount finds it, reading goes on without what
// cannot be read, and the row can be put again.
func TestDamageInTheFileIsFound(t *testing.T) {
	for name, spoil := range map[string]struct {
		statement string
		readable  bool // the row is still one, other than it was
	}{
		"a letter of a value": {"UPDATE record SET body = CAST(replace(body, 'sugar', 'sugas') AS BLOB) WHERE id = ?", true},
		"the body is no JSON": {"UPDATE record SET body = x'00ff' WHERE id = ?", false},
		"another kind":        {"UPDATE record SET kind = 'other' WHERE id = ?", true},
		"another scope":       {"UPDATE record SET scope = 'other.general' WHERE id = ?", true},
		"another date":        {"UPDATE record SET date = date + 1 WHERE id = ?", true},
		"an open conflict":    {"UPDATE record SET open = 1 WHERE id = ?", true},
		"another id inside":   {"UPDATE record SET body = CAST(replace(body, '8000-000000000001', '8000-000000000009') AS BLOB) WHERE id = ?", true},
	} {
		t.Run(name, func(t *testing.T) {
			v := seeThrough(t, filepath.Join(t.TempDir(), "card.db"))
			s := v.Card(cardID)
			rows := map[string]wire.Row{one: row(one, "lab.general", "sugar"), two: row(two, "lab.general", "salt")}
			update(t, s, func(tx replica.PhoneTx) error { return errors.Join(tx.PutRow(rows[one]), tx.PutRow(rows[two])) })
			must(t, v.Spoil(spoil.statement, one))
			counted(t, s, rows) // nobody has noticed
			if damaged := recount(t, s); damaged != 1 {
				t.Fatalf("%d rows are damaged", damaged)
			}
			view(t, s, func(tx replica.PhoneTx) {
				entries, err := tx.Digests("", "")
				if must(t, err); len(entries) != 2 || entries[0].Digest == replica.Digest(rows[one]) || entries[1].Digest != replica.Digest(rows[two]) {
					t.Errorf("the digests are %v", entries)
				}
				if _, found, err := tx.Row(one); err != nil || found != spoil.readable {
					t.Errorf("the damaged row is there: %v, %v", found, err)
				}
			})
			must(t, s.Read(func(tx *vault.Tx) error {
				list, err := tx.List(rows[two].Kind, nil, 1)
				if len(list) != 1 {
					t.Errorf("a list of one has %d rows", len(list))
				}
				return err
			}))
			update(t, s, func(tx replica.PhoneTx) error {
				_, _, err := tx.Row(one)
				return errors.Join(err, tx.PutRow(rows[one]))
			})
			counted(t, s, rows)
			sound := rows[one]
			expect(t, s, one, &sound)
			if damaged := recount(t, s); damaged != 0 {
				t.Errorf("%d rows are damaged after the repair", damaged)
			}
		})
	}
}

// Rows from before there were digests are counted when somebody asks, and are no damage.
func TestAFileFromBeforeTheTally(t *testing.T) {
	file := filepath.Join(t.TempDir(), "card.db")
	old := row(one, "lab.general", "x")
	body, err := wire.Marshal(old)
	must(t, err)
	must(t, vault.MakeOld(file, key, 1, "INSERT INTO record (card, shadow, id, kind, scope, date, open, body) VALUES (?, 0, ?, ?, ?, ?, 0, ?)",
		cardID, old.ID, old.Kind, old.Scope, old.Date.UnixMicro(), body))
	s := open(t, file).Card(cardID)
	view(t, s, func(tx replica.PhoneTx) {
		if sum, err := tx.Sum(); err != nil || sum != (wire.Sum{Count: 1}) {
			t.Errorf("before anybody counted the sum is %v, %v", sum, err)
		}
	})
	if damaged := recount(t, s); damaged != 0 {
		t.Errorf("%d rows are damaged", damaged)
	}
	counted(t, s, map[string]wire.Row{one: old})
}
