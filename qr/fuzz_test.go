package qr_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"runtime"
	"testing"
	"time"

	"github.com/medcard/medcard/qr"
)

// Whatever is read, nothing panics, and what is taken has one text only. The corpora are in testdata/fuzz; by hand:
//
//	go test -run '^$' -fuzz FuzzText -fuzztime 10m ./qr

func fuzzKey(t testing.TB) qr.SigningKey {
	t.Helper()
	key, err := qr.NewSigningKey("medcard", qr.Prescription, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func FuzzText(f *testing.F) {
	key := fuzzKey(f)
	text, err := qr.Seal(qr.Claims{IssuedAt: time.Unix(1, 0), Expires: time.Unix(2, 0), Token: qr.TokenID{1}, Body: []byte{0x80}}, key)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{text, qr.TokenText(qr.TokenID{1}), "", "EMC1:", "EMC1T:", "EMC1:::::", "EMC1:ZZZ", text[:50], text + " "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := qr.OpenToken(text); err == nil && qr.TokenText(id) != text {
			t.Errorf("a second text of a token: %q", text)
		}
		code, err := qr.Open(text)
		if err != nil {
			return
		}
		if v, err := code.Verify(key.Key); err == nil {
			if again, err := qr.Seal(v.Claims(), key); err != nil || again != text {
				t.Errorf("a second text of a document: %q: %v", text, err)
			}
		}
	})
}

// The bytes are read as an envelope, and as what stands in one as well, as if they were signed: so the checks behind the signature are
// reached. What is signed comes back whatever it is, which costs a signature: so only of a few.
func FuzzEnvelope(f *testing.F) {
	key := fuzzKey(f)
	claims, err := qr.Seal(qr.Claims{IssuedAt: time.Unix(1, 0), Expires: time.Unix(2, 0), Token: qr.TokenID{1}, Body: []byte{0x80}}, key)
	if err != nil {
		f.Fatal(err)
	}
	code, err := qr.Open(claims)
	if err != nil {
		f.Fatal(err)
	}
	v, err := code.Verify(key.Key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(v.Content())
	for _, seed := range []string{"", "a0", "a5016776", "a6016776", "a6016763616e636572041864061a0000000107500102030405060708090a0b0c0d0e0f10" + "3a000100008 0", "d28440a04040", "8440a04040", "9f", "bf"} {
		if data, err := hex.DecodeString(seed); err == nil {
			f.Add(data)
		}
	}
	sealed, err := qr.Sign([]byte{0xa0}, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Fuzz(func(t *testing.T, data []byte) {
		if e, err := qr.ParseEnvelope(data); err == nil {
			if _, err := e.Payload(key.Key); err == nil && len(data) < 80 {
				t.Error("a signature that is shorter than one")
			}
		}
		if v, err := qr.ReadClaims(data, key.Key); err == nil {
			text, err := qr.Seal(v.Claims(), key)
			if err != nil && len(data) <= 300 {
				t.Fatalf("what is read cannot be written: %x: %v", data, err)
			}
			if code, err := qr.Open(text); err == nil {
				if again, err := code.Verify(key.Key); err != nil || !bytes.Equal(again.Content(), data) {
					t.Fatalf("two forms of the same claims: %x and %x, %v", data, again.Content(), err)
				}
			}
		}
		if len(data) == 0 || len(data) > 400 || data[0]%64 != 0 {
			return
		}
		sealed, err := qr.Sign(data, key)
		if err != nil {
			t.Fatal(err)
		}
		e, err := qr.ParseEnvelope(sealed)
		if err != nil {
			t.Fatalf("what was sealed is not read: %v", err)
		}
		if content, err := e.Payload(key.Key); err != nil || !bytes.Equal(content, data) {
			t.Fatalf("%x, %v", content, err)
		}
	})
}

// A few bytes that promise gigabytes are not believed.
func TestPromisesAreNotBelieved(t *testing.T) {
	for _, promise := range []string{
		"9b7fffffffffffffff", "84" + "5b7fffffffffffffff", "8443a10127a0" + "5a7fffffff", "bb7fffffffffffffff", "845a0fffffff", "9a00ffffff" + "00000000",
		"8458ff", "7b7fffffffffffffff", "c49b7fffffffffffffff",
	} {
		data, err := hex.DecodeString(promise)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := qr.ParseEnvelope(data); err == nil {
			t.Errorf("%s is read", promise)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes", promise, n)
		}
	}
}
