package qr_test

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/medcard/medcard/qr"
)

func TestSealOpenVerify(t *testing.T) {
	signer := ed25519.NewKeyFromSeed(make([]byte, 32))
	key, err := qr.NewSigningKey("medcard", qr.Prescription, signer)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_790_000_000, 0)
	text, err := qr.Seal(qr.Claims{IssuedAt: now, Expires: now.Add(time.Hour), Token: qr.TokenID{1}, Body: []byte{0x81, 0x01}, Status: qr.StatusRef{List: 7, Index: 100000}}, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(len(text), text)
	u, err := qr.Open(text)
	if err != nil {
		t.Fatal(err)
	}
	v, err := u.Verify(key.Key)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v %v", v.Claims(), u)
}
