package foreign_test

import (
	"bytes"
	"compress/zlib"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/medcard/medcard/qr/foreign"
)

var now = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

func base45(data []byte) string {
	var text strings.Builder
	for ; len(data) >= 2; data = data[2:] {
		n := int(data[0])<<8 | int(data[1])
		text.Write([]byte{alphabet[n%45], alphabet[n/45%45], alphabet[n/45/45]})
	}
	if len(data) == 1 {
		text.Write([]byte{alphabet[data[0]%45], alphabet[data[0]/45]})
	}
	return text.String()
}

type fields = map[any]any

// country issues COVID certificates. Each test changes what it is about.
type country struct {
	t                      testing.TB
	signer                 crypto.Signer
	key                    foreign.Key
	protected, unprotected fields
	claims                 fields
	tags                   []uint64
	pack                   func([]byte) []byte
}

func newCountry(t testing.TB, signer crypto.Signer) *country {
	t.Helper()
	c := &country{t: t, signer: signer, pack: deflated, tags: []uint64{18}}
	c.key = foreign.Key{Kind: foreign.EUDCC, ID: base64.StdEncoding.EncodeToString([]byte("8 bytes.")), Public: signer.Public()}
	alg := -7
	if _, ok := signer.(*rsa.PrivateKey); ok {
		alg = -37
	}
	c.protected, c.unprotected = fields{1: alg, 4: []byte("8 bytes.")}, fields{}
	c.claims = fields{1: "AT", 4: now.Add(time.Hour).Unix(), 6: now.Add(-time.Hour).Unix(), -260: fields{1: fields{
		"ver": "1.3.0", "nam": fields{"fn": "Müller", "gn": "Anna", "fnt": "MUELLER", "gnt": "ANNA"}, "dob": "1998-02-26",
		"v": []any{fields{
			"tg": "840539006", "vp": "1119349007", "mp": "EU/1/20/1528", "ma": "ORG-100030215", "dn": 1, "sd": 2, "dt": "2021-02-18", "co": "AT",
			"is": "Ministry of Health", "ci": "URN:UVCI:01:AT:1",
		}},
	}}}
	return c
}

// packers are kept: a fuzzer packs a thousand times a second.
var packers = sync.Pool{New: func() any { return zlib.NewWriter(nil) }}

func deflated(data []byte) []byte {
	var out bytes.Buffer
	w := packers.Get().(*zlib.Writer)
	defer packers.Put(w)
	w.Reset(&out)
	_, _ = w.Write(data)
	_ = w.Close()
	return out.Bytes()
}

func (c *country) encode(v any) []byte {
	c.t.Helper()
	data, err := cbor.Marshal(v)
	if err != nil {
		c.t.Fatal(err)
	}
	return data
}

func (c *country) text() string {
	c.t.Helper()
	protected := []byte{}
	if len(c.protected) > 0 {
		protected = c.encode(c.protected)
	}
	payload := c.encode(c.claims)
	digest := sha256.Sum256(c.encode([]any{"Signature1", protected, []byte{}, payload}))
	var signature []byte
	var err error
	switch key := c.signer.(type) {
	case *ecdsa.PrivateKey:
		var r, s *big.Int
		r, s, err = ecdsa.Sign(rand.Reader, key, digest[:])
		if err == nil {
			signature = make([]byte, 64)
			r.FillBytes(signature[:32])
			s.FillBytes(signature[32:])
		}
	case *rsa.PrivateKey:
		signature, err = rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	if err != nil {
		c.t.Fatal(err)
	}
	data := c.encode([]any{protected, c.unprotected, payload, signature})
	for _, tag := range c.tags {
		data = c.encode(cbor.RawTag{Number: tag, Content: data})
	}
	return "HC1:" + base45(c.pack(data))
}

func p256(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestCovidCertificates(t *testing.T) {
	ec := p256(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		signer crypto.Signer
		change func(*country)
		answer foreign.Answer
		why    []foreign.Reason
	}{
		"ES256":                   {ec, func(*country) {}, foreign.Genuine, nil},
		"PS256":                   {rsaKey, func(*country) {}, foreign.Genuine, nil},
		"untagged":                {ec, func(c *country) { c.tags = nil }, foreign.Genuine, nil},
		"a CWT around":            {ec, func(c *country) { c.tags = []uint64{18, 61} }, foreign.Genuine, nil},
		"another tag around":      {ec, func(c *country) { c.tags = []uint64{17} }, foreign.NotGenuine, []foreign.Reason{foreign.BadFormat}},
		"kid unprotected":         {ec, func(c *country) { delete(c.protected, 4); c.unprotected[4] = []byte("8 bytes.") }, foreign.Genuine, nil},
		"both unprotected":        {ec, func(c *country) { c.unprotected, c.protected = c.protected, fields{} }, foreign.Genuine, nil},
		"another kid unprotected": {ec, func(c *country) { c.unprotected[4] = []byte("another.") }, foreign.Genuine, nil},
		"another kid":             {ec, func(c *country) { c.protected[4] = []byte("another.") }, foreign.NotChecked, []foreign.Reason{foreign.UnknownKey}},
		"no kid":                  {ec, func(c *country) { delete(c.protected, 4) }, foreign.NotChecked, []foreign.Reason{foreign.UnknownKey}},
		"another's signature":     {ec, func(c *country) { c.signer = p256(t) }, foreign.NotGenuine, []foreign.Reason{foreign.BadSignature}},
		"the other algorithm":     {ec, func(c *country) { c.protected[1] = -37 }, foreign.NotGenuine, []foreign.Reason{foreign.BadSignature}},
		"an algorithm of none":    {ec, func(c *country) { c.protected[1] = 5 }, foreign.NotGenuine, []foreign.Reason{foreign.BadSignature}},
		"times with a fraction":   {ec, func(c *country) { c.claims[4] = float64(now.Unix()) + 0.5; c.claims[6] = float64(now.Unix()) - 0.25 }, foreign.Genuine, nil},
		"times under a tag":       {ec, func(c *country) { c.claims[4] = cbor.Tag{Number: 1, Content: now.Unix() + 1} }, foreign.Genuine, nil},
		"expired":                 {ec, func(c *country) { c.claims[4] = now.Unix() - 1 }, foreign.NotGenuine, []foreign.Reason{foreign.HasExpired}},
		"of tomorrow":             {ec, func(c *country) { c.claims[6] = now.Unix() + 86400 }, foreign.NotGenuine, []foreign.Reason{foreign.NotYet}},
		"without times":           {ec, func(c *country) { delete(c.claims, 4); delete(c.claims, 6) }, foreign.Genuine, nil},
		"without an issuer":       {ec, func(c *country) { delete(c.claims, 1) }, foreign.Genuine, nil},
		"says nothing":            {ec, func(c *country) { c.claims[-260] = fields{1: fields{"ver": "1.3.0"}} }, foreign.NotGenuine, []foreign.Reason{foreign.BadContent}},
		"no health claim":         {ec, func(c *country) { delete(c.claims, -260) }, foreign.NotGenuine, []foreign.Reason{foreign.BadContent}},
		"a key for tests":         {ec, func(c *country) { c.key.For = []foreign.What{foreign.Test} }, foreign.NotGenuine, []foreign.Reason{foreign.WrongUsage}},
		"a key for this":          {ec, func(c *country) { c.key.For = []foreign.What{foreign.Test, foreign.Vaccination} }, foreign.Genuine, nil},
		"not compressed":          {ec, func(c *country) { c.pack = func(b []byte) []byte { return b } }, foreign.NotGenuine, []foreign.Reason{foreign.BadFormat}},
		"a bomb":                  {ec, func(c *country) { c.pack = func([]byte) []byte { return deflated(make([]byte, 2<<20)) } }, foreign.NotGenuine, []foreign.Reason{foreign.BadFormat}},
		"nested deep": {ec, func(c *country) {
			c.pack = func([]byte) []byte { return deflated(append([]byte{0x84}, bytes.Repeat([]byte{0x81}, 5000)...)) }
		}, foreign.NotGenuine, []foreign.Reason{foreign.BadFormat}},
		"cut": {ec, func(c *country) { c.pack = func(b []byte) []byte { return deflated(b[:len(b)-1]) } }, foreign.NotGenuine, []foreign.Reason{foreign.BadFormat}},
	} {
		t.Run(name, func(t *testing.T) {
			country := newCountry(t, c.signer)
			c.change(country)
			got, ok := foreign.Read(country.text(), foreign.Keys{country.key}, now)
			if !ok || got.Kind != foreign.EUDCC || got.Answer != c.answer || !slices.Equal(got.Reasons, c.why) {
				t.Errorf("%v %+v", ok, got)
			}
			if got.Answer == foreign.Genuine && (got.Holder != "Anna Müller" || got.Born != "1998-02-26" || got.Issuer != "AT" || len(got.Statements) != 1 ||
				!slices.Contains(got.Statements[0].Fields, foreign.Field{Name: "dose", Value: "1"})) {
				t.Errorf("%+v", got)
			}
			if slices.Contains(got.Reasons, foreign.BadSignature) && (got.Holder != "" || got.Statements != nil) {
				t.Error("shows what nobody signed")
			}
		})
	}
}

// Every changed character of a genuine certificate is found out.
func TestAlteredCovidCertificate(t *testing.T) {
	country := newCountry(t, p256(t))
	text := country.text()
	for i := 4; i < len(text); i++ {
		changed := []byte(text)
		changed[i] = alphabet[(strings.IndexByte(alphabet, text[i])+1)%45]
		if got, _ := foreign.Read(string(changed), foreign.Keys{country.key}, now); got.Answer == foreign.Genuine {
			t.Fatalf("character %d", i)
		}
	}
}

func TestWhatIsShownIsClean(t *testing.T) {
	country := newCountry(t, p256(t))
	health := country.claims[-260].(fields)[1].(fields)
	health["nam"] = fields{"fn": "A\x1b[31m\u202eB\n" + strings.Repeat("я", 500), "gn": "C"}
	got, _ := foreign.Read(country.text(), nil, now)
	if strings.ContainsAny(got.Holder, "\x1b\n\u202e") || len(got.Holder) > 2*210 || !strings.HasPrefix(got.Holder, "C A[31mB") {
		t.Errorf("%q", got.Holder)
	}
}

func TestKeysOfCertificates(t *testing.T) {
	ec := p256(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "signer"}, NotAfter: now,
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{{1, 3, 6, 1, 4, 1, 1847, 2021, 1, 3}}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, ec.Public(), ec)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := foreign.ParseKeys(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	if err != nil || len(keys) != 1 || !slices.Equal(keys[0].For, []foreign.What{foreign.Recovery}) || !ec.PublicKey.Equal(keys[0].Public) {
		t.Fatalf("%v %+v", err, keys)
	}
	sum := sha256.Sum256(der)
	if keys[0].ID != base64.StdEncoding.EncodeToString(sum[:8]) {
		t.Error(keys[0].ID)
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err = x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	// The same key under the name of RSASSA-PSS, which crypto/x509 gives no key for.
	name, pss := []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01}, []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a}
	der = bytes.Replace(der, name, pss, 1)
	if key, err := foreign.FromCertificate(der); err != nil || !private.PublicKey.Equal(key.Public) {
		t.Errorf("%v %+v", err, key)
	}
	for i := range der {
		_, _ = foreign.FromCertificate(der[:i]) // must not panic
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if der, err = x509.CreateCertificate(rand.Reader, template, template, p384.Public(), p384); err != nil {
		t.Fatal(err)
	}
	if _, err := foreign.FromCertificate(der); err == nil {
		t.Error("a key on another curve")
	}
	for _, wrong := range []string{"", "{}", `{"issuer":"x","keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"1"}]}`, "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"} {
		if _, err := foreign.ParseKeys([]byte(wrong)); err == nil {
			t.Errorf("%q", wrong)
		}
	}
}
