package trust_test

import (
	"bytes"
	"compress/zlib"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

var now = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func newKey(t testing.TB, name string, usage qr.Usage) qr.SigningKey {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, "trust test "+name)
	issuer := "medcard"
	if usage == qr.KeySet {
		issuer = "root"
	}
	key, err := qr.NewSigningKey(issuer, usage, ed25519.NewKeyFromSeed(seed))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func entry(key qr.SigningKey) trust.Key {
	return trust.Key{
		Key: key.Key, NotBefore: now.Add(-10 * day), LastIssue: now.Add(80 * day), LastVerify: now.Add(400 * day), Standing: trust.Active,
	}
}

func keySet(sequence uint64, keys ...trust.Key) trust.KeySet {
	return trust.KeySet{Sequence: sequence, IssuedAt: now.Add(-day), Expires: now.Add(6 * day), Keys: keys, Lists: []uint32{1}}
}

func sealed(t testing.TB, set trust.KeySet, root qr.SigningKey) []byte {
	t.Helper()
	data, err := trust.SealKeySet(set, root)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestKeySetIsReadBack(t *testing.T) {
	root, rx, ref := newKey(t, "root", qr.KeySet), newKey(t, "rx", qr.Prescription), newKey(t, "ref", qr.Referral)
	set := keySet(3, entry(rx), entry(ref))
	set.Keys[1].Standing = trust.Retired
	data := sealed(t, set, root)
	if !bytes.Equal(data, sealed(t, set, root)) {
		t.Error("the same set has two forms: no ETag would hold")
	}
	got, err := trust.OpenKeySet(data, []qr.Key{newKey(t, "another root", qr.KeySet).Key, root.Key})
	if err != nil {
		t.Fatal(err)
	}
	if got.Issuer != "root" || got.Sequence != 3 || !got.IssuedAt.Equal(set.IssuedAt) || !got.Expires.Equal(set.Expires) || !slices.Equal(got.Lists, []uint32{1}) {
		t.Errorf("%+v", got)
	}
	for _, want := range set.Keys {
		k, ok := got.Find(want.ID)
		if !ok || k.Usage != want.Usage || k.Issuer != "medcard" || k.Standing != want.Standing || !k.LastVerify.Equal(want.LastVerify) || !k.Public.Equal(want.Public) {
			t.Errorf("%+v", k)
		}
	}
	if empty, err := trust.OpenKeySet(sealed(t, keySet(1), root), []qr.Key{root.Key}); err != nil || len(empty.Keys) != 0 {
		t.Error(err)
	}
}

func TestEveryChangeOfAKeySetIsFoundOut(t *testing.T) {
	root := newKey(t, "root", qr.KeySet)
	data := sealed(t, keySet(3, entry(newKey(t, "rx", qr.Prescription))), root)
	for i := range data {
		changed := slices.Clone(data)
		changed[i] ^= 1 << (i % 8)
		if _, err := trust.OpenKeySet(changed, []qr.Key{root.Key}); err == nil {
			t.Fatalf("bit %d of byte %d", i%8, i)
		}
		if _, err := trust.OpenKeySet(data[:i], []qr.Key{root.Key}); err == nil {
			t.Fatalf("cut at %d", i)
		}
	}
}

func TestKeySetRefuses(t *testing.T) {
	root, rx := newKey(t, "root", qr.KeySet), newKey(t, "rx", qr.Prescription)
	with := func(change func(*trust.Key)) trust.KeySet {
		k := entry(rx)
		change(&k)
		return keySet(1, k)
	}
	backwards := keySet(1)
	backwards.Expires = backwards.IssuedAt
	for name, set := range map[string]trust.KeySet{
		"a key twice":              keySet(1, entry(rx), entry(rx)),
		"a root among the keys":    keySet(1, entry(newKey(t, "other", qr.KeySet))),
		"ends before it begins":    backwards,
		"no standing":              with(func(k *trust.Key) { k.Standing = 0 }),
		"an unknown standing":      with(func(k *trust.Key) { k.Standing = 4 }),
		"another key's id":         with(func(k *trust.Key) { k.ID[0]++ }),
		"an unknown algorithm":     with(func(k *trust.Key) { k.Algorithm = -7 }),
		"an unknown usage":         with(func(k *trust.Key) { k.Usage = "everything" }),
		"no owner":                 with(func(k *trust.Key) { k.Issuer = "" }),
		"a torn key":               with(func(k *trust.Key) { k.Public = k.Public[:31] }),
		"last issue before first":  with(func(k *trust.Key) { k.LastIssue = k.NotBefore.Add(-time.Second) }),
		"last verify before issue": with(func(k *trust.Key) { k.LastVerify = k.LastIssue.Add(-time.Second) }),
	} {
		if _, err := trust.SealKeySet(set, root); !errors.Is(err, trust.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := trust.SealKeySet(keySet(1), rx); !errors.Is(err, qr.ErrUsage) {
		t.Error("a key for prescriptions signs no key set:", err)
	}
	stranger := newKey(t, "stranger", qr.KeySet)
	data := sealed(t, keySet(1), stranger)
	if _, err := trust.OpenKeySet(data, []qr.Key{root.Key}); !errors.Is(err, trust.ErrRoot) {
		t.Error("not pinned:", err)
	}
	sameRootOtherName := root.Key
	sameRootOtherName.Issuer = "toor"
	if _, err := trust.OpenKeySet(sealed(t, keySet(1), root), []qr.Key{sameRootOtherName}); !errors.Is(err, trust.ErrRoot) {
		t.Error("another name:", err)
	}
	if _, err := trust.OpenKeySet(make([]byte, 5<<20), []qr.Key{root.Key}); !errors.Is(err, trust.ErrFormat) {
		t.Error("5 MB:", err)
	}
}

func TestCacheIsNotRolledBack(t *testing.T) {
	root, successor := newKey(t, "root", qr.KeySet), newKey(t, "successor", qr.KeySet)
	rx := entry(newKey(t, "rx", qr.Prescription))
	c, err := trust.NewCache(root.Key, successor.Key)
	if err != nil {
		t.Fatal(err)
	}
	five := sealed(t, keySet(5, rx), root)
	for _, s := range []struct {
		name string
		data []byte
		want error
	}{
		{"the first", five, nil}, {"the same again", five, nil},
		{"older", sealed(t, keySet(4, rx), root), trust.ErrRollback},
		{"another under the same number", sealed(t, keySet(5), root), trust.ErrRollback},
		{"newer, by the successor", sealed(t, keySet(6, rx), successor), nil},
		{"back to the old root", five, trust.ErrRollback},
	} {
		if err := c.AcceptKeys(s.data); !errors.Is(err, s.want) {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	if c.Keys().Sequence != 6 {
		t.Error(c.Keys().Sequence)
	}
	if _, err := trust.NewCache(); err == nil {
		t.Error("a cache that believes nobody in particular")
	}
}

func TestStatusLists(t *testing.T) {
	root, statusKey, rx := newKey(t, "root", qr.KeySet), newKey(t, "status", qr.StatusList), newKey(t, "rx", qr.Prescription)
	c, err := trust.NewCache(root.Key)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AcceptKeys(sealed(t, keySet(1, entry(statusKey), entry(rx)), root)); err != nil {
		t.Fatal(err)
	}
	list := trust.NewStatusList(1, now)
	marks := map[uint32]trust.Mark{0: trust.Valid, 1: trust.Spent, 2: trust.Revoked, 3: trust.NotIssued, 4: trust.Spent, trust.ListSize - 1: trust.Spent}
	for place, mark := range marks {
		if err := list.Set(place, trust.Spent); err != nil { // set over what was there
			t.Fatal(err)
		}
		if err := list.Set(place, mark); err != nil {
			t.Fatal(err)
		}
	}
	if err := list.Set(trust.ListSize, trust.Valid); err == nil {
		t.Error("beyond the list")
	}
	if err := list.Set(0, 4); err == nil {
		t.Error("an unknown mark")
	}
	data, err := trust.SealStatus(list, statusKey)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := c.AcceptStatus(data); err != nil || n != 1 || !holds(c, 1) || holds(c, 2) {
		t.Fatal(n, err)
	}
	for place, want := range marks {
		if got, asOf, known := c.Status("medcard", qr.StatusRef{List: 1, Index: place}); got != want || !known || !asOf.Equal(now) {
			t.Errorf("place %d: %d, want %d", place, got, want)
		}
		public := want
		if want == trust.Spent {
			public = trust.Valid
		}
		if got := list.Public().Mark(place); got != public {
			t.Errorf("place %d for everybody: %d, want %d", place, got, public)
		}
		if list.Mark(place) != want {
			t.Error("Public changed the list")
		}
	}
	if _, _, known := c.Status("somebody else", qr.StatusRef{List: 1}); known {
		t.Error("a list speaks of its own issuer's documents only")
	}
	if got, _, known := c.Status("medcard", qr.StatusRef{List: 1, Index: 1 << 31}); got != trust.NotIssued || !known {
		t.Error("beyond the list nothing was issued")
	}

	older := trust.NewStatusList(1, now.Add(-time.Minute))
	olderData, err := trust.SealStatus(older, statusKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AcceptStatus(olderData); !errors.Is(err, trust.ErrRollback) {
		t.Error("older:", err)
	}
	if _, err := trust.SealStatus(list, rx); !errors.Is(err, qr.ErrUsage) {
		t.Error("a key for prescriptions signs no list:", err)
	}
	unknown, err := trust.SealStatus(list, newKey(t, "stranger", qr.StatusList))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AcceptStatus(unknown); !errors.Is(err, trust.ErrKey) {
		t.Error("by a stranger:", err)
	}
	late, err := trust.SealStatus(trust.NewStatusList(1, now.Add(81*day)), statusKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AcceptStatus(late); !errors.Is(err, trust.ErrKey) {
		t.Error("after the key's time:", err)
	}
	for i := 0; i < len(data); i++ {
		changed := slices.Clone(data)
		changed[i] ^= 0x10
		if _, err := c.AcceptStatus(changed); err == nil {
			t.Fatalf("changed at byte %d", i)
		}
	}

	stolen := entry(statusKey)
	stolen.Standing = trust.Compromised
	if err := c.AcceptKeys(sealed(t, keySet(2, stolen), root)); err != nil {
		t.Fatal(err)
	}
	if holds(c, 1) {
		t.Error("a list of a compromised key is kept")
	}
	if _, err := c.AcceptStatus(data); !errors.Is(err, trust.ErrKey) {
		t.Error("of a compromised key:", err)
	}
}

// Half full, a list is what the design counts on: a pharmacy holds its region in some hundred kilobytes.
func TestStatusListIsSmall(t *testing.T) {
	list := trust.NewStatusList(1, now)
	for place, x := uint32(0), uint32(1); place < trust.ListSize; place++ {
		x = x*1664525 + 1013904223
		if x>>31 == 0 {
			if err := list.Set(place, trust.Mark(1+x>>16%20/19*2)); err != nil {
				t.Fatal(err)
			}
		}
	}
	data, err := trust.SealStatus(list, newKey(t, "status", qr.StatusList))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", len(data))
	if len(data) > 24<<10 {
		t.Errorf("%d bytes", len(data))
	}
}

// A few bytes that unpack to gigabytes stop where a list ends.
func TestStatusBomb(t *testing.T) {
	root, statusKey := newKey(t, "root", qr.KeySet), newKey(t, "status", qr.StatusList)
	keys, err := trust.OpenKeySet(sealed(t, keySet(1, entry(statusKey)), root), []qr.Key{root.Key})
	if err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"8 MB": 8 << 20, "one too many": trust.ListSize/4 + 1, "one too few": trust.ListSize/4 - 1, "nothing": 0} {
		var packed bytes.Buffer
		w := zlib.NewWriter(&packed)
		if _, err := w.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		mode, err := cbor.CoreDetEncOptions().EncMode()
		if err != nil {
			t.Fatal(err)
		}
		content, err := mode.Marshal(map[int64]any{1: "medcard", 6: now.Unix(), -65553: 1, -65554: packed.Bytes()})
		if err != nil {
			t.Fatal(err)
		}
		data, err := qr.Sign(content, statusKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := trust.OpenStatus(data, keys); !errors.Is(err, trust.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestJWKS(t *testing.T) {
	rx, stolen := entry(newKey(t, "rx", qr.Prescription)), entry(newKey(t, "stolen", qr.Prescription))
	stolen.Standing = trust.Compromised
	data, err := keySet(1, rx, stolen).JWKS()
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Keys        []map[string]any
		StatusLists []uint32
	}
	if err := json.Unmarshal(data, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 1 || set.Keys[0]["kty"] != "OKP" || set.Keys[0]["crv"] != "Ed25519" || set.Keys[0]["kid"] != rx.ID.String() ||
		len(set.Keys[0]["x"].(string)) != 43 || set.Keys[0]["usage"] != "rx" || !slices.Equal(set.StatusLists, []uint32{1}) {
		t.Errorf("%s", data)
	}
	if _, secret := set.Keys[0]["d"]; secret || strings.Contains(string(data), stolen.ID.String()) {
		t.Errorf("%s", data)
	}
	if data, err = (trust.KeySet{}).JWKS(); err != nil || string(data) != `{"keys":[],"statusLists":[]}` {
		t.Errorf("%s, %v", data, err)
	}
}
