package vault_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/simnet"
	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

var key = bytes.Repeat([]byte{7}, vault.KeySize)

const (
	cardID = "0195e4a5-0000-7000-8000-0000000000c1"
	one    = "0195e4a5-0000-7000-8000-000000000001"
	two    = "0195e4a5-0000-7000-8000-000000000002"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, file string) *vault.Vault {
	t.Helper()
	v, err := vault.Open(file, key, spelled, vault.Custody{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// seeThrough is open for those who look into the decrypted file: there the bodies can be read as well.
func seeThrough(t *testing.T, file string) *vault.Vault {
	t.Helper()
	v, err := vault.OpenClear(file, key, spelled)
	must(t, err)
	t.Cleanup(func() { v.Close() })
	return v
}

// TestContract is what the sync engine expects of a phone's store, shown on the one that keeps its word in memory and on
// the one that is a file.
func TestContract(t *testing.T) {
	stores := map[string]func(*testing.T) replica.PhoneStore{
		"memory": func(*testing.T) replica.PhoneStore { return simnet.NewShelf() },
	}
	for name, keys := range map[string]vault.ScopeKeys{"file": nil, "file, keys in a keystore": newChest()} {
		stores[name] = func(t *testing.T) replica.PhoneStore {
			v := openWith(t, filepath.Join(t.TempDir(), "card.db"), keys)
			other := v.Card("0195e4a5-0000-7000-8000-0000000000c2")
			must(t, other.Update(func(tx replica.PhoneTx) error {
				return errors.Join(tx.PutRow(row(one, "visit.general", "other card")), tx.PutItem(item(1, 1, one, replica.Waiting)))
			}))
			t.Cleanup(func() { // whatever was done to one card, the other one is as it was
				must(t, other.View(func(tx replica.PhoneTx) error {
					if items, err := tx.Open(); err != nil || len(items) != 1 {
						t.Errorf("the other card's outbox: %v, %v", items, err)
					}
					_, found, err := tx.Row(one)
					if !found {
						t.Error("the other card's row is gone")
					}
					return err
				}))
			})
			return v.Card(cardID)
		}
	}
	for name, make := range stores {
		t.Run(name, func(t *testing.T) {
			for _, c := range contract {
				t.Run(c.name, func(t *testing.T) { c.check(t, make(t)) })
			}
		})
	}
}

var contract = []struct {
	name  string
	check func(*testing.T, replica.PhoneStore)
}{
	{"a new card has no meta", func(t *testing.T, s replica.PhoneStore) {
		view(t, s, func(tx replica.PhoneTx) {
			if meta, err := tx.Meta(); err != nil || !reflect.DeepEqual(meta, replica.Meta{}) {
				t.Errorf("got %+v, %v", meta, err)
			}
		})
	}},
	{"meta comes back", func(t *testing.T, s replica.PhoneStore) {
		want := replica.Meta{
			Actor: 3, Next: 8, Acked: 7, Epoch: "e", Cursor: "c", Part: "p", View: "v", Gen: 5, HLC: vclock.At(noon),
			Own: true, Leases: []wire.Lease{{Scope: "lab.*", Until: noon, Sensitive: noon}}, Lapsed: []string{"rx.general"}, Shadowing: true, ShadowCursor: "sc", ShadowPart: "sp", ShadowView: "sv", Synced: noon,
		}
		update(t, s, func(tx replica.PhoneTx) error { return tx.SaveMeta(want) })
		view(t, s, func(tx replica.PhoneTx) {
			if meta, err := tx.Meta(); err != nil || !reflect.DeepEqual(meta, want) {
				t.Errorf("got %+v, %v", meta, err)
			}
		})
	}},
	{"rows come back whole, and are replaced whole", func(t *testing.T, s replica.PhoneStore) {
		want := row(one, "visit.general", `a < b & "c"`)
		want.Atoms["about"] = []wire.Version{{Dot: vclock.Dot{Actor: 1, N: 1}, Value: json.RawMessage(`1`)}, {Dot: vclock.Dot{Actor: 2, N: 1}, Value: json.RawMessage(`2`)}}
		update(t, s, func(tx replica.PhoneTx) error { return tx.PutRow(want) })
		expect(t, s, one, &want)
		want = row(one, "visit.psychiatric", "other")
		update(t, s, func(tx replica.PhoneTx) error { return tx.PutRow(want) })
		expect(t, s, one, &want)
		update(t, s, func(tx replica.PhoneTx) error { return errors.Join(tx.DropRow(one), tx.DropRow(two)) })
		expect(t, s, one, nil)
	}},
	{"a transaction that fails never was", func(t *testing.T, s replica.PhoneStore) {
		before := row(one, "visit.general", "before")
		update(t, s, func(tx replica.PhoneTx) error { return tx.PutRow(before) })
		failure := errors.New("no")
		err := s.Update(func(tx replica.PhoneTx) error {
			return errors.Join(tx.PutRow(row(one, "visit.general", "after")), tx.PutItem(item(1, 1, one, replica.Waiting)), tx.SaveMeta(replica.Meta{Actor: 9}), failure)
		})
		if !errors.Is(err, failure) {
			t.Fatalf("got %v", err)
		}
		expect(t, s, one, &before)
		view(t, s, func(tx replica.PhoneTx) {
			meta, err := tx.Meta()
			items, more := tx.Open()
			if err := errors.Join(err, more); err != nil || meta.Actor != 0 || len(items) != 0 {
				t.Errorf("left behind: %+v, %v, %v", meta, items, err)
			}
		})
	}},
	{"a transaction sees what it wrote", func(t *testing.T, s replica.PhoneStore) {
		update(t, s, func(tx replica.PhoneTx) error {
			if err := tx.PutRow(row(one, "visit.general", "x")); err != nil {
				return err
			}
			if _, found, err := tx.Row(one); err != nil || !found {
				t.Errorf("found %v, %v", found, err)
			}
			return nil
		})
	}},
	{"rows outside the scopes that remain go, from both bases", func(t *testing.T, s replica.PhoneStore) {
		kept, lost := row(one, "lab.general", "kept"), row(two, "rx.general", "lost")
		update(t, s, func(tx replica.PhoneTx) error {
			return errors.Join(tx.PutRow(kept), tx.PutRow(lost), tx.PutShadowRow(kept), tx.PutShadowRow(lost), tx.DropRowsOutside(replica.Scopes{"lab.*"}))
		})
		expect(t, s, one, &kept)
		expect(t, s, two, nil)
		view(t, s, func(tx replica.PhoneTx) {
			_, keptToo, err1 := tx.ShadowRow(one)
			_, lostToo, err2 := tx.ShadowRow(two)
			if err := errors.Join(err1, err2); err != nil || !keptToo || lostToo {
				t.Errorf("the shadow: %v, %v, %v", keptToo, lostToo, err)
			}
		})
	}},
	{"the scopes are those of both bases", func(t *testing.T, s replica.PhoneStore) {
		update(t, s, func(tx replica.PhoneTx) error {
			return errors.Join(tx.PutRow(row(one, "rx.general", "a")), tx.PutRow(row(two, "lab.general", "b")), tx.PutShadowRow(row(one, "dx.general", "c")))
		})
		view(t, s, func(tx replica.PhoneTx) {
			if scopes, err := tx.Scopes(); err != nil || !reflect.DeepEqual(scopes, replica.Scopes{"dx.general", "lab.general", "rx.general"}) {
				t.Errorf("got %v, %v", scopes, err)
			}
		})
	}},
	{"the shadow is read by nobody until it takes the base's place", func(t *testing.T, s replica.PhoneStore) {
		old, fresh := row(one, "visit.general", "old"), row(two, "visit.general", "new")
		update(t, s, func(tx replica.PhoneTx) error {
			return errors.Join(tx.PutRow(old), tx.PutShadowRow(row(one, "visit.general", "dropped")), tx.DropShadowRow(one), tx.PutShadowRow(fresh))
		})
		expect(t, s, one, &old)
		expect(t, s, two, nil)
		update(t, s, replica.PhoneTx.SwapShadow)
		expect(t, s, one, nil)
		expect(t, s, two, &fresh)
		view(t, s, func(tx replica.PhoneTx) {
			if _, found, err := tx.ShadowRow(two); err != nil || found {
				t.Errorf("the shadow is not empty after the swap: %v", err)
			}
		})
		update(t, s, func(tx replica.PhoneTx) error {
			return errors.Join(tx.PutShadowRow(old), tx.ClearShadow(), tx.SwapShadow())
		})
		expect(t, s, one, nil)
		expect(t, s, two, nil)
	}},
	{"edits are listed by state and by record, in the order of saving", func(t *testing.T, s replica.PhoneStore) {
		all := []replica.Item{
			item(1, 1, one, replica.Settled), item(1, 2, two, replica.Waiting), item(1, 3, one, replica.Answered),
			item(1, 4, one, replica.Rejected), item(2, 1, one, replica.Waiting),
		}
		for i := range all {
			all[i].Mutation.HLC = vclock.At(noon) + vclock.HLC(i)
			all[i].Saved, all[i].Settled = noon.AddDate(0, -1, 0), noon.Add(time.Duration(i)*time.Hour)
		}
		update(t, s, func(tx replica.PhoneTx) error {
			for i := range all {
				if err := tx.PutItem(all[len(all)-1-i]); err != nil {
					return err
				}
			}
			return nil
		})
		view(t, s, func(tx replica.PhoneTx) {
			opened, err := tx.Open()
			same(t, "Open", opened, err, all[1], all[2], all[4])
			ofOne, err := tx.ItemsOf(one)
			same(t, "ItemsOf", ofOne, err, all[0], all[2], all[3], all[4])
			waiting, err := tx.Items(replica.Waiting)
			same(t, "Items", waiting, err, all[1], all[4])
			none, err := tx.ItemsOf(cardID)
			same(t, "ItemsOf nobody", none, err)
		})
		all[1].State, all[1].Outcome, all[1].Code = replica.Rejected, wire.Refused, wire.CodeInvalid
		update(t, s, func(tx replica.PhoneTx) error {
			return errors.Join(tx.PutItem(all[1]), tx.DropItem(1, 4), tx.DropItem(7, 7), tx.DropSettled(noon))
		})
		view(t, s, func(tx replica.PhoneTx) {
			rejected, err := tx.Items(replica.Rejected)
			same(t, "replaced and dropped", rejected, err, all[1])
			settled, err := tx.Items(replica.Settled)
			same(t, "not old enough", settled, err, all[0])
		})
		update(t, s, func(tx replica.PhoneTx) error { return tx.DropSettled(noon.Add(time.Second)) })
		view(t, s, func(tx replica.PhoneTx) {
			settled, err := tx.Items(replica.Settled)
			same(t, "forgotten", settled, err)
		})
	}},
	{"a result is written down for many edits at once", func(t *testing.T, s replica.PhoneStore) {
		var all []replica.Item
		for n := uint64(1); n <= 6; n++ {
			all = append(all, item(1, n, one, replica.Waiting))
		}
		all[3].State, all[3].Code = replica.Rejected, wire.CodeInvalid
		others := item(2, 2, two, replica.Waiting)
		others.Mutation.HLC += 100
		update(t, s, func(tx replica.PhoneTx) error {
			if first, err := tx.FirstWaiting(1); err != nil || first != 0 {
				t.Errorf("of nothing %d waits first, %v", first, err)
			}
			for _, i := range append(all, others) {
				if err := tx.PutItem(i); err != nil {
					return err
				}
			}
			return errors.Join(tx.Answer(1, 2, 4, wire.Conflict, wire.CodeSibling, time.Time{}), tx.Answer(1, 5, 5, wire.Accepted, "", noon), tx.Answer(1, 2, 2, wire.Accepted, "", noon))
		})
		for _, i := range []int{1, 2} {
			all[i].State, all[i].Outcome, all[i].Code = replica.Answered, wire.Conflict, wire.CodeSibling
		}
		all[4].State, all[4].Outcome, all[4].Settled = replica.Settled, wire.Accepted, noon
		view(t, s, func(tx replica.PhoneTx) {
			items, err := tx.ItemsOf(one)
			same(t, "ItemsOf", items, err, all...)
			waiting, err := tx.Items(replica.Waiting)
			same(t, "Waiting", waiting, err, all[0], all[5], others)
			for actor, want := range map[uint32]uint64{1: 1, 2: 2, 3: 0} {
				if first, err := tx.FirstWaiting(actor); err != nil || first != want {
					t.Errorf("of actor %d waits %d first, not %d: %v", actor, first, want, err)
				}
			}
		})
	}},
	{"wiping leaves a new card", func(t *testing.T, s replica.PhoneStore) {
		update(t, s, func(tx replica.PhoneTx) error {
			return errors.Join(tx.SaveMeta(replica.Meta{Actor: 1}), tx.PutRow(row(one, "visit.general", "x")), tx.PutShadowRow(row(one, "visit.general", "x")),
				tx.PutItem(item(1, 1, one, replica.Rejected)))
		})
		update(t, s, replica.PhoneTx.Wipe)
		expect(t, s, one, nil)
		view(t, s, func(tx replica.PhoneTx) {
			meta, err1 := tx.Meta()
			_, shadowed, err2 := tx.ShadowRow(one)
			items, err3 := tx.ItemsOf(one)
			if err := errors.Join(err1, err2, err3); err != nil || meta.Actor != 0 || shadowed || len(items) != 0 {
				t.Errorf("left behind: %+v, %v, %v, %v", meta, shadowed, items, err)
			}
		})
	}},
}

func row(id, scope, text string) wire.Row {
	value, err := wire.Marshal(text)
	if err != nil {
		panic(err)
	}
	return wire.Row{
		ID: id, Kind: "encounter", Scope: scope, Date: noon, VV: vclock.Clock{{Actor: 0, N: 2}},
		Atoms: map[string][]wire.Version{"fact": {{Dot: vclock.Dot{Actor: 0, N: 2}, HLC: vclock.At(noon), Value: value}}},
	}
}

func item(actor uint32, n uint64, record string, state replica.ItemState) replica.Item {
	return replica.Item{
		Actor: actor, State: state, Gen: 3, Saved: noon,
		Mutation: wire.Mutation{N: n, Op: wire.OpPatch, ID: record, Kind: "comment", At: "at", Ctx: vclock.Clock{{Actor: 1, N: 4}}, HLC: vclock.At(noon) + vclock.HLC(n),
			Atoms: map[string]wire.Change{"text": {V: json.RawMessage(`"<b> \u2028"`), Seen: []vclock.Dot{{Actor: 1, N: 4}}}}},
	}
}

func view(t *testing.T, s replica.PhoneStore, f func(replica.PhoneTx)) {
	t.Helper()
	must(t, s.View(func(tx replica.PhoneTx) error { f(tx); return nil }))
}

func update(t *testing.T, s replica.PhoneStore, f func(replica.PhoneTx) error) {
	t.Helper()
	must(t, s.Update(f))
}

func expect(t *testing.T, s replica.PhoneStore, id string, want *wire.Row) {
	t.Helper()
	view(t, s, func(tx replica.PhoneTx) {
		t.Helper()
		got, found, err := tx.Row(id)
		switch {
		case err != nil:
			t.Fatal(err)
		case want == nil && found:
			t.Errorf("there is %+v, want nothing", got)
		case want != nil && !reflect.DeepEqual(got, *want):
			t.Errorf("got  %+v\nwant %+v", got, *want)
		}
	})
}

func same(t *testing.T, what string, got []replica.Item, err error, want ...replica.Item) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %+v\nwant %+v", what, got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
