package qr

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

func newKey(t testing.TB, usage Usage) SigningKey {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, "envelope test "+string(usage))
	key, err := NewSigningKey("medcard", usage, ed25519.NewKeyFromSeed(seed))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func someClaims() Claims {
	return Claims{
		IssuedAt: time.Unix(1_790_000_000, 0), Expires: time.Unix(1_795_000_000, 0), Token: TokenID{1, 2, 3},
		Status: StatusRef{List: 7, Index: 100_000}, Body: []byte{0x82, 0x01, 0x63, 'a', 'b', 'c'},
	}
}

func TestSealedIsReadBack(t *testing.T) {
	for _, usage := range []Usage{Prescription, Referral, Certificate, Receipt} {
		key := newKey(t, usage)
		text, err := Seal(someClaims(), key)
		if err != nil {
			t.Fatal(usage, err)
		}
		u, err := Open(text)
		if err != nil {
			t.Fatal(usage, err)
		}
		v, err := u.Verify(key.Key)
		if err != nil {
			t.Fatal(usage, err)
		}
		want := someClaims()
		got := v.Claims()
		if got.Issuer != "medcard" || !got.IssuedAt.Equal(want.IssuedAt) || !got.Expires.Equal(want.Expires) || got.Token != want.Token ||
			got.Status != want.Status || !bytes.Equal(got.Body, want.Body) || v.Usage() != usage || v.KeyID() != key.ID {
			t.Errorf("%s: got %+v", usage, got)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	long := someClaims()
	long.Body = slices.Concat([]byte{0x81, 0x59, 0x01, 0x90}, make([]byte, 400))
	backwards := someClaims()
	backwards.Expires = backwards.IssuedAt.Add(-time.Second)
	early := someClaims()
	early.IssuedAt = time.Unix(-1, 0)
	empty := someClaims()
	empty.Body = nil
	torn := someClaims()
	torn.Body = []byte{0x82, 0x01}
	for name, c := range map[string]struct {
		claims Claims
		usage  Usage
		want   error
	}{
		"too long": {long, Prescription, ErrTooLong}, "ends before it begins": {backwards, Prescription, ErrClaims},
		"before 1970": {early, Prescription, ErrClaims}, "no body": {empty, Prescription, ErrClaims}, "half a body": {torn, Prescription, ErrClaims},
		"a root signs no codes": {someClaims(), KeySet, ErrUsage}, "a status key signs no codes": {someClaims(), StatusList, ErrUsage},
	} {
		if text, err := Seal(c.claims, newKey(t, c.usage)); !errors.Is(err, c.want) || text != "" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

// Room must be right to the byte, or codes grow a version for nothing.
func TestRoomIsExact(t *testing.T) {
	key := newKey(t, Prescription)
	for _, limit := range []int{276, MaxSealed} {
		room, err := Room(someClaims(), key.Issuer, key.Usage, limit)
		if err != nil {
			t.Fatal(err)
		}
		for over, want := range map[int]error{0: nil, 1: nil} {
			c := someClaims()
			n := room + over
			c.Body = slices.Concat([]byte{0x81, 0x58, byte(n - 3)}, make([]byte, n-3))
			text, err := Seal(c, key)
			if limit == MaxSealed && over == 1 {
				want = ErrTooLong
			}
			if !errors.Is(err, want) {
				t.Fatalf("limit %d, %d bytes over: %v", limit, over, err)
			}
			if err == nil {
				data, _ := decodeBase45(strings.TrimPrefix(text, prefix))
				if len(data) != limit+over {
					t.Errorf("limit %d, %d over: %d bytes", limit, over, len(data))
				}
			}
		}
	}
}

// encode is CBOR by hand, so that the tests do not trust the library that they test.
func bstr(b []byte) []byte {
	if len(b) < 24 {
		return append([]byte{0x40 | byte(len(b))}, b...)
	}
	if len(b) < 256 {
		return append([]byte{0x58, byte(len(b))}, b...)
	}
	return append([]byte{0x59, byte(len(b) >> 8), byte(len(b))}, b...)
}

type parts struct{ array, protected, unprotected, payload, signature, rest []byte }

func (p parts) bytes() []byte {
	return slices.Concat(p.array, p.protected, p.unprotected, p.payload, p.signature, p.rest)
}

// sound signs claims by hand, after the page of package qr.
func sound(t testing.TB, key SigningKey, header, content []byte) parts {
	t.Helper()
	aad := "emc-qr/v1/" + string(key.Usage)
	toSign := slices.Concat([]byte{0x84, 0x6a}, []byte("Signature1"), bstr(header), bstr([]byte(aad)), bstr(content))
	signature, err := key.signer.Sign(nil, toSign, crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	return parts{array: []byte{0x84}, protected: bstr(header), unprotected: []byte{0xa0}, payload: bstr(content), signature: bstr(signature)}
}

func soundHeader(key SigningKey) []byte {
	return slices.Concat([]byte{0xa2, 0x01, 0x27, 0x04, 0x48}, key.ID[:])
}

func content(t testing.TB, key SigningKey) []byte {
	t.Helper()
	c, err := encodeClaims(someClaims(), key.Issuer, key.Usage)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestHandmadeEnvelopeIsTheSealedOne(t *testing.T) {
	key := newKey(t, Prescription)
	text, err := Seal(someClaims(), key)
	if err != nil {
		t.Fatal(err)
	}
	byHand := sound(t, key, soundHeader(key), content(t, key)).bytes()
	if got := prefix + encodeBase45(byHand); got != text {
		t.Errorf("by hand %s\nsealed  %s", got, text)
	}
}

// Each of these envelopes is properly signed, and is refused for how it is written.
func TestEnvelopeIsStrict(t *testing.T) {
	key := newKey(t, Prescription)
	header, body := soundHeader(key), content(t, key)
	good := sound(t, key, header, body)
	with := func(change func(*parts)) []byte {
		p := good
		change(&p)
		return p.bytes()
	}
	headed := func(h []byte) []byte { return sound(t, key, h, body).bytes() }
	kid := key.ID[:]
	for name, data := range map[string][]byte{
		"empty":                         {},
		"no array":                      {0xa0},
		"tag 18":                        append([]byte{0xd2}, good.bytes()...),
		"three elements":                with(func(p *parts) { p.array, p.signature = []byte{0x83}, nil }),
		"five elements":                 with(func(p *parts) { p.array, p.rest = []byte{0x85}, []byte{0x00} }),
		"indefinite array":              with(func(p *parts) { p.array, p.rest = []byte{0x9f}, []byte{0xff} }),
		"long array head":               with(func(p *parts) { p.array = []byte{0x98, 0x04} }),
		"a byte at the end":             with(func(p *parts) { p.rest = []byte{0x00} }),
		"a second envelope at the end":  with(func(p *parts) { p.rest = good.bytes() }),
		"cut short":                     good.bytes()[:len(good.bytes())-1],
		"kid in the unprotected header": with(func(p *parts) { p.unprotected = slices.Concat([]byte{0xa1, 0x04, 0x48}, kid) }),
		"something unprotected":         with(func(p *parts) { p.unprotected = []byte{0xa1, 0x01, 0x27} }),
		"unprotected null":              with(func(p *parts) { p.unprotected = []byte{0xf6} }),
		"unprotected indefinite":        with(func(p *parts) { p.unprotected = []byte{0xbf, 0xff} }),
		"unprotected array":             with(func(p *parts) { p.unprotected = []byte{0x80} }),
		"payload null":                  with(func(p *parts) { p.payload = []byte{0xf6} }),
		"payload empty":                 with(func(p *parts) { p.payload = []byte{0x40} }),
		"payload text":                  with(func(p *parts) { p.payload = []byte{0x61, 'a'} }),
		"payload indefinite":            with(func(p *parts) { p.payload = slices.Concat([]byte{0x5f}, bstr(body), []byte{0xff}) }),
		"payload with a long head":      with(func(p *parts) { p.payload = slices.Concat([]byte{0x59, 0, byte(len(body))}, body) }),
		"payload of four gigabytes":     with(func(p *parts) { p.payload = []byte{0x5a, 0xff, 0xff, 0xff, 0xff} }),
		"signature of 63 bytes":         with(func(p *parts) { p.signature = bstr(good.signature[2:65]) }),
		"signature of 65 bytes":         with(func(p *parts) { p.signature = bstr(append(slices.Clone(good.signature[2:]), 0)) }),
		"no signature":                  with(func(p *parts) { p.signature = []byte{0x40} }),
		"header empty":                  headed([]byte{}),
		"header empty map":              headed([]byte{0xa0}),
		"header no map":                 headed([]byte{0x80}),
		"header without alg":            headed(slices.Concat([]byte{0xa1, 0x04, 0x48}, kid)),
		"header without kid":            headed([]byte{0xa1, 0x01, 0x27}),
		"header alg twice":              headed(slices.Concat([]byte{0xa3, 0x01, 0x27, 0x01, 0x27, 0x04, 0x48}, kid)),
		"header kid twice":              headed(slices.Concat([]byte{0xa3, 0x01, 0x27, 0x04, 0x48}, kid, []byte{0x04, 0x48}, kid)),
		"header out of order":           headed(slices.Concat([]byte{0xa2, 0x04, 0x48}, kid, []byte{0x01, 0x27})),
		"header alg written long":       headed(slices.Concat([]byte{0xa2, 0x01, 0x38, 0x07, 0x04, 0x48}, kid)),
		"header alg as text":            headed(slices.Concat([]byte{0xa2, 0x01, 0x65}, []byte("EdDSA"), []byte{0x04, 0x48}, kid)),
		"header alg as float":           headed(slices.Concat([]byte{0xa2, 0x01, 0xf9, 0xc8, 0x00, 0x04, 0x48}, kid)),
		"header with crit":              headed(slices.Concat([]byte{0xa3, 0x01, 0x27, 0x02, 0x81, 0x01, 0x04, 0x48}, kid)),
		"header with a text key":        headed(slices.Concat([]byte{0xa3, 0x01, 0x27, 0x04, 0x48}, kid, []byte{0x61, 'a', 0x01})),
		"header of indefinite length":   headed(slices.Concat([]byte{0xbf, 0x01, 0x27, 0x04, 0x48}, kid, []byte{0xff})),
		"header with a byte after it":   headed(append(slices.Clone(header), 0)),
		"kid of 7 bytes":                headed(slices.Concat([]byte{0xa2, 0x01, 0x27, 0x04, 0x47}, kid[:7])),
		"kid of 9 bytes":                headed(slices.Concat([]byte{0xa2, 0x01, 0x27, 0x04, 0x49}, kid, []byte{0})),
		"nested deep":                   append(bytes.Repeat([]byte{0x81}, 10_000), 0x00),
		"a bomb of lengths":             bytes.Repeat([]byte{0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 40),
	} {
		if _, err := ParseEnvelope(data); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseEnvelope(good.bytes()); err != nil {
		t.Error("the sound one:", err)
	}
}

// Each of these payloads is properly signed and in a sound envelope.
func TestPayloadIsStrict(t *testing.T) {
	key := newKey(t, Prescription)
	good := content(t, key)
	var asMap map[int64]any
	if err := cbor.Unmarshal(good, &asMap); err != nil {
		t.Fatal(err)
	}
	with := func(label int64, value any) []byte {
		m := map[int64]any{}
		for k, v := range asMap {
			m[k] = v
		}
		if m[label] = value; value == nil {
			delete(m, label)
		}
		data, err := encoding.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if !bytes.Equal(with(1, "medcard"), good) {
		t.Fatal("the test's own encoding differs")
	}
	body := asMap[-65537]
	for name, c := range map[string]struct {
		payload []byte
		want    error
	}{
		"no map":                    {[]byte{0x80}, ErrFormat},
		"no issuer":                 {with(1, nil), ErrFormat},
		"another issuer":            {with(1, "medcare"), ErrIssuer},
		"issuer as bytes":           {with(1, []byte("medcard")), ErrFormat},
		"no end":                    {with(4, nil), ErrFormat},
		"a negative end":            {with(4, -5), ErrFormat},
		"an end as float":           {with(4, 1.5), ErrFormat},
		"an end beyond all times":   {with(4, uint64(1<<41)), ErrFormat},
		"no beginning":              {with(6, nil), ErrFormat},
		"no token":                  {with(7, nil), ErrFormat},
		"a token of 15 bytes":       {with(7, make([]byte, 15)), ErrFormat},
		"a token of 17 bytes":       {with(7, make([]byte, 17)), ErrFormat},
		"no status":                 {with(-65538, nil), ErrFormat},
		"status of one":             {with(-65538, []int{1}), ErrFormat},
		"status of three":           {with(-65538, []int{1, 2, 3}), ErrFormat},
		"status out of range":       {with(-65538, []uint64{1, 1 << 33}), ErrFormat},
		"no body":                   {with(-65537, nil), ErrUsage},
		"another kind of body too":  {with(-65540, body), ErrUsage},
		"an unknown label":          {with(-65600, 1), ErrFormat},
		"an unknown standard claim": {with(2, "subject"), ErrFormat},
		"a byte after it":           {append(slices.Clone(good), 0), ErrFormat},
		"a number written long":     {bytes.Replace(good, []byte{0x04, 0x1a}, []byte{0x04, 0x1b, 0, 0, 0, 0}, 1), ErrFormat},
		"a claim twice":             {slices.Concat([]byte{good[0] + 1}, good[1:9], good[1:9], good[9:]), ErrFormat},
		"indefinite":                {slices.Concat([]byte{0xbf}, good[1:], []byte{0xff}), ErrFormat},
		"a tag":                     {with(7, cbor.Tag{Number: 37, Content: make([]byte, 16)}), ErrFormat},
		"a text that is no UTF-8":   {bytes.Replace(good, []byte("medcard"), []byte("medcar\xff"), 1), ErrFormat},
	} {
		e, err := ParseEnvelope(sound(t, key, soundHeader(key), c.payload).bytes())
		if err != nil {
			t.Errorf("%s: the envelope: %v", name, err)
			continue
		}
		if v, err := (Unverified{envelope: e}).Verify(key.Key); !errors.Is(err, c.want) || v.usage != "" {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestKeysDecide(t *testing.T) {
	rx, ref := newKey(t, Prescription), newKey(t, Referral)
	text, err := Seal(someClaims(), rx)
	if err != nil {
		t.Fatal(err)
	}
	u, err := Open(text)
	if err != nil {
		t.Fatal(err)
	}
	asReferral, otherOwner, newNumber := rx.Key, rx.Key, rx.Key
	asReferral.Usage, otherOwner.Issuer, newNumber.Algorithm = Referral, "somebody", Ed25519
	broken := rx.Key
	broken.Public = broken.Public[:31]
	for name, c := range map[string]struct {
		key  Key
		want error
	}{
		"the right key": {rx.Key, nil}, "another key": {ref.Key, ErrAlgorithm}, "its usage is another": {asReferral, ErrSignature},
		"its owner is another": {otherOwner, ErrIssuer}, "its algorithm is another": {newNumber, ErrAlgorithm}, "it is torn": {broken, ErrSignature},
	} {
		if _, err := u.Verify(c.key); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}

	// A key for referrals that signs a prescription is found out by the label, although its signature holds.
	e, err := ParseEnvelope(sound(t, ref, soundHeader(ref), content(t, rx)).bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Unverified{envelope: e}).Verify(ref.Key); !errors.Is(err, ErrUsage) {
		t.Error(err)
	}
}

// The number -19 is the same algorithm; go-cose does not know it.
func TestEd25519ByItsNewNumber(t *testing.T) {
	key := newKey(t, Prescription)
	key.Algorithm = Ed25519
	text, err := Seal(someClaims(), key)
	if err != nil {
		t.Fatal(err)
	}
	u, err := Open(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Verify(key.Key); err != nil {
		t.Error(err)
	}
	key.Algorithm = EdDSA
	if _, err := u.Verify(key.Key); !errors.Is(err, ErrAlgorithm) {
		t.Error(err)
	}
}

// Nothing of an unverified code shows, however it is printed.
func TestUnverifiedSaysNothing(t *testing.T) {
	key := newKey(t, Prescription)
	text, err := Seal(someClaims(), key)
	if err != nil {
		t.Fatal(err)
	}
	u, err := Open(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
		for _, what := range []any{u, &u, u.envelope} {
			if got := fmt.Sprintf(verb, what); len(got) > 60 || strings.Contains(got, "medcard") || strings.Contains(got, fmt.Sprintf("%x", "medcard")) {
				t.Errorf("%s: %s", verb, got)
			}
		}
	}
}

type brokenSigner struct{ crypto.Signer }

func (brokenSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("the card was pulled")
}

func TestSignerIsBehindAnInterface(t *testing.T) {
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	key, err := NewSigningKey("medcard", Prescription, brokenSigner{private})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Seal(someClaims(), key); err == nil || !strings.Contains(err.Error(), "pulled") {
		t.Error(err)
	}
}

func TestTokenText(t *testing.T) {
	id := TokenID{0xff, 1, 2, 0xff}
	text := TokenText(id)
	if got, err := OpenToken(text); err != nil || got != id {
		t.Error(got, err)
	}
	if !Ours(text) || !IsToken(text) || IsToken("EMC1:") || Ours("https://example.org") {
		t.Error("prefixes")
	}
	for _, bad := range []string{"", "EMC1T:", "EMC1:" + text[6:], text[:len(text)-1], text[:len(text)-3], text + "00", strings.ToLower(text), text + " "} {
		if _, err := OpenToken(bad); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := Open(text); !errors.Is(err, ErrFormat) {
		t.Error("a token is no signed code:", err)
	}
}

func TestOpenBounds(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "only the prefix": "EMC1:", "half a prefix": "EMC", "1,201 characters": "EMC1:" + strings.Repeat("0", 1196),
		"ten megabytes": "EMC1:" + strings.Repeat("0", 10<<20), "another version": "EMC2:BB8", "a certificate of the EU": "HC1:BB8",
		"an address": "HTTPS://EXAMPLE.ORG", "zeros": "EMC1:000000", "a space before": " EMC1:BB8",
	} {
		if _, err := Open(text); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
