package document

import (
	"crypto/ed25519"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/qr"
)

func receiptKey(t *testing.T, usage qr.Usage) qr.SigningKey {
	t.Helper()
	key, err := qr.NewSigningKey("0191d5a0-0000-7000-8000-000000000001", usage, ed25519.NewKeyFromSeed([]byte("a device of a pharmacy, till one")))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAReceiptSurvivesTheTrip(t *testing.T) {
	key := receiptKey(t, qr.Receipt)
	at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	of := qr.Claims{Token: qr.TokenID{7, 7}, Expires: at.AddDate(0, 2, 0), Status: qr.StatusRef{List: 3, Index: 100_000}}
	r := prescription.Receipt{
		Number: 1 << 40, Previous: prescription.Digest{1, 2}, At: at, ListedAt: at.Add(-time.Hour),
		Portions: []prescription.Portion{{Item: 0, Quantity: 1}, {Item: 2, Quantity: prescription.MaxQuantity}},
	}
	text, err := SealReceipt(r, of, key)
	if err != nil {
		t.Fatal(err)
	}
	code, err := qr.Open(text)
	if err != nil {
		t.Fatal(err)
	}
	v, err := code.Verify(key.Key)
	if err != nil {
		t.Fatal(err)
	}
	got, by, err := ReadReceipt(text, v)
	r.Device, r.Token, r.Hash = prescription.DeviceKey(key.ID), prescription.Token(of.Token), HashReceipt(text)
	if err != nil || string(by) != key.Issuer || !reflect.DeepEqual(got, r) {
		t.Errorf("%+v by %s, %v; want %+v", got, by, err, r)
	}
	if v.Claims().Status != of.Status || !v.Claims().Expires.Equal(of.Expires) {
		t.Errorf("%+v", v.Claims())
	}
	if len(text) > 700 { // three items of the largest numbers
		t.Errorf("%d characters", len(text))
	}
	// A receipt is no prescription, nor the other way round: the usage is signed along.
	other := receiptKey(t, qr.Prescription)
	if _, err := code.Verify(other.Key); !errors.Is(err, qr.ErrSignature) {
		t.Error(err)
	}
	if _, err := SealReceipt(r, of, other); !errors.Is(err, qr.ErrUsage) {
		t.Error(err)
	}
	if _, err := Read(v); err == nil {
		t.Error("a receipt was read as a paper")
	}
	if strings.HasPrefix(string(EnrolmentText(key.Public)), "\x84") {
		t.Error("an enrolment looks like what an envelope signs")
	}
}

func TestBodiesThatAreNoReceipts(t *testing.T) {
	key := receiptKey(t, qr.Receipt)
	at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	good := receiptBody{Number: 1, Previous: make([]byte, 32), Listed: 5, Portions: []portion{{Item: 0, Quantity: 1}}}
	for name, change := range map[string]func(*receiptBody){
		"number 0":         func(b *receiptBody) { b.Number = 0 },
		"an endless chain": func(b *receiptBody) { b.Number = 1<<40 + 1 },
		"a short hash":     func(b *receiptBody) { b.Previous = b.Previous[:31] },
		"no items":         func(b *receiptBody) { b.Portions = nil },
		"four items":       func(b *receiptBody) { b.Portions = make([]portion, 4) },
		"a far future":     func(b *receiptBody) { b.Listed = 1<<40 + 1 },
		"":                 func(*receiptBody) {},
	} {
		body := good
		change(&body)
		encoded, err := encoding.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := qr.Seal(qr.Claims{IssuedAt: at, Expires: at, Body: encoded}, key)
		if err != nil {
			t.Fatal(err)
		}
		code, err := qr.Open(text)
		if err != nil {
			t.Fatal(err)
		}
		v, err := code.Verify(key.Key)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := ReadReceipt(text, v); (err == nil) != (name == "") {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, p := range []prescription.Portion{{Item: -1, Quantity: 1}, {Item: 3, Quantity: 1}, {Quantity: 0}, {Quantity: prescription.MaxQuantity + 1}} {
		if _, err := SealReceipt(prescription.Receipt{Number: 1, At: at, ListedAt: at, Portions: []prescription.Portion{p}}, qr.Claims{Expires: at}, key); !errors.Is(err, ErrBody) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
