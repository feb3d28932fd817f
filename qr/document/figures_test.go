package document_test

import (
	"crypto"
	"crypto/ed25519"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/trust"
)

// The figures of issue and check: go test -run '^$' -bench QR ./qr/...
// Each is a ratio to the bare signature of the very same bytes. The two alternate within one run and their medians are compared, so that a
// busy machine slows both.

// ratio reports how many times as long one thing takes as another.
func ratio(b *testing.B, one, other func()) {
	b.Helper()
	var ones, others []time.Duration
	timed := func(f func()) time.Duration {
		start := time.Now()
		f()
		return time.Since(start)
	}
	for b.Loop() {
		ones, others = append(ones, timed(one)), append(others, timed(other))
	}
	slices.Sort(ones)
	slices.Sort(others)
	mine, bare := ones[len(ones)/2], others[len(others)/2]
	b.ReportMetric(float64(mine)/float64(bare), "x")
	b.ReportMetric(float64(bare.Nanoseconds()), "bare-ns")
	b.ReportMetric(float64(mine.Nanoseconds()), "ns/op")
}

// overheard signs and remembers what was signed.
type overheard struct {
	ed25519.PrivateKey
	message *[]byte
}

func (o overheard) Sign(random io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	*o.message = slices.Clone(message)
	return o.PrivateKey.Sign(random, message, opts)
}

// overheardKey is a key of which one learns what it signed.
func overheardKey(b *testing.B) (key qr.SigningKey, private ed25519.PrivateKey, message *[]byte) {
	b.Helper()
	private, message = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), new([]byte)
	key, err := qr.NewSigningKey("medcard-moscow", qr.Prescription, overheard{private, message})
	if err != nil {
		b.Fatal(err)
	}
	return key, private, message
}

// A prescription of one medicine: its sheet becomes the text of a code.
func BenchmarkQRIssue(b *testing.B) {
	key, private, message := overheardKey(b)
	p := issue(b, sheetOf(tablets(5231, "Метформин", 500)))
	if _, err := document.SealPrescription(p, status, key); err != nil {
		b.Fatal(err)
	}
	plain, err := qr.NewSigningKey("medcard-moscow", qr.Prescription, private)
	if err != nil {
		b.Fatal(err)
	}
	ratio(b, func() {
		if _, err := document.SealPrescription(p, status, plain); err != nil {
			b.Fatal(err)
		}
	}, func() { ed25519.Sign(private, *message) })
}

// The same, judged without a network by everything a counter holds: format, key, signature, times, status.
func BenchmarkQRVerify(b *testing.B) {
	key, private, message := overheardKey(b)
	p := issue(b, sheetOf(tablets(5231, "Метформин", 500)))
	text, err := document.SealPrescription(p, status, key)
	if err != nil {
		b.Fatal(err)
	}
	now := p.IssuedAt.Add(time.Hour)
	set := trust.KeySet{IssuedAt: now.Add(-time.Hour), Expires: now.Add(trust.KeySetTerm), Keys: []trust.Key{{
		Key: key.Key, NotBefore: now.Add(-24 * time.Hour), LastIssue: now.Add(time.Hour), LastVerify: now.Add(time.Hour), Standing: trust.Active,
	}}}
	list := trust.NewStatusList(status.List, now)
	if err := list.Set(status.Index, trust.Valid); err != nil {
		b.Fatal(err)
	}
	know := trust.Knowledge{Keys: set, Longest: document.Longest, Status: func(_ string, ref qr.StatusRef) (trust.Mark, time.Time, bool) {
		return list.Mark(ref.Index), now, true
	}}
	signature := ed25519.Sign(private, *message)
	public := private.Public().(ed25519.PublicKey)
	ratio(b, func() {
		if v := trust.Judge(text, know, now); v.Answer != trust.OK {
			b.Fatal(v.String())
		}
	}, func() {
		if !ed25519.Verify(public, *message, signature) {
			b.Fatal("the bare signature does not hold")
		}
	})
}
