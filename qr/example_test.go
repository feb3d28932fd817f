package qr_test

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/medcard/medcard/qr"
)

// A code is sealed with a key of one usage and believed only once Verify has held it against that key.
func Example() {
	signer := ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes, ours")) // in production a file or a security module
	key, err := qr.NewSigningKey("medcard-moscow", qr.Prescription, signer)
	if err != nil {
		panic(err)
	}
	issued := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	text, err := qr.Seal(qr.Claims{
		IssuedAt: issued, Expires: issued.AddDate(0, 0, 60), Token: qr.TokenID{1}, Status: qr.StatusRef{List: 7, Index: 42},
		Body: []byte{0x83, 1, 2, 3}, // deterministic CBOR: [1, 2, 3]
	}, key)
	if err != nil {
		panic(err)
	}

	unverified, err := qr.Open(text)
	if err != nil {
		panic(err)
	}
	verified, err := unverified.Verify(key.Key) // the key that unverified.KeyID() names in the key set
	if err != nil {
		panic(err)
	}
	fmt.Println(verified.Claims().Issuer, verified.Usage(), verified.Claims().Expires.Format(time.DateOnly))

	forged, err := qr.Open(strings.Replace(text, text[100:103], "000", 1))
	if err != nil {
		panic(err)
	}
	_, err = forged.Verify(key.Key)
	fmt.Println(errors.Is(err, qr.ErrSignature))
	// Output:
	// medcard-moscow rx 2027-01-19
	// true
}
