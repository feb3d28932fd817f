package trust_test

import (
	"bytes"
	"compress/zlib"
	"runtime"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

// Whatever is read, nothing panics. The bytes are read as an envelope, and as what stands in one as well, as if they were signed. By hand:
//
//	go test -run '^$' -fuzz FuzzKeySet -fuzztime 10m ./qr/trust

func FuzzKeySet(f *testing.F) {
	root, rx := newKey(f, "root", qr.KeySet), newKey(f, "rx", qr.Prescription)
	whole := sealed(f, keySet(3, entry(rx)), root)
	f.Add(whole)
	f.Add(contentOf(f, whole, root))
	f.Add([]byte{0xa0})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := trust.OpenKeySet(data, []qr.Key{root.Key}); err == nil && len(data) < 80 {
			t.Error("a signature that is shorter than one")
		}
		set, err := trust.ReadKeySet(data, root.Key)
		if err != nil {
			return
		}
		if _, err := trust.SealKeySet(set, root); err != nil {
			t.Errorf("a set that is read cannot be written: %v", err)
		}
		if _, err := set.JWKS(); err != nil {
			t.Error(err)
		}
	})
}

func FuzzStatus(f *testing.F) {
	key := newKey(f, "status", qr.StatusList)
	set := keySet(1, entry(key))
	whole, err := trust.SealStatus(trust.NewStatusList(1, now), key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(contentOf(f, whole, key))
	f.Add([]byte{0xa0})
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = trust.OpenStatus(data, set)
		if list, err := trust.ReadStatus(data, set.Keys[0]); err == nil {
			_ = list.Mark(1<<32 - 1)
			_ = list.Public().Mark(0)
		}
	})
}

// contentOf is what stands in an envelope.
func contentOf(t testing.TB, data []byte, key qr.SigningKey) []byte {
	t.Helper()
	envelope, err := qr.ParseEnvelope(data)
	if err != nil {
		t.Fatal(err)
	}
	content, err := envelope.Payload(key.Key)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// A list that would unpack to a gigabyte costs no more than a list.
func TestABombInAList(t *testing.T) {
	key := newKey(t, "status", qr.StatusList)
	var bomb bytes.Buffer
	w := zlib.NewWriter(&bomb)
	for range 150 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := cbor.Marshal(map[int]any{1: "medcard", 6: now.Unix(), -65553: 1, -65554: bomb.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	data, err := qr.Sign(content, key)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := trust.OpenStatus(data, keySet(1, entry(key))); err == nil {
		t.Error("it is read")
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("%d bytes for a list of %d", n, trust.ListSize/4)
	}
}
