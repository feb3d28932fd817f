package foreign_test

import (
	"bytes"
	"compress/flate"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/medcard/medcard/qr/foreign"
)

const issuer = "https://spec.smarthealth.cards/examples/issuer"

// clinic issues SMART Health Cards.
type clinic struct {
	t       testing.TB
	private *ecdsa.PrivateKey
	keys    foreign.Keys
	header  map[string]any
	body    map[string]any
}

func newClinic(t testing.TB) *clinic {
	t.Helper()
	c := &clinic{t: t, private: p256(t)}
	point, err := c.private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	x, y := base64.RawURLEncoding.EncodeToString(point[1:33]), base64.RawURLEncoding.EncodeToString(point[33:])
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, x, y))
	kid := base64.RawURLEncoding.EncodeToString(sum[:])
	if c.keys, err = foreign.ParseKeys(fmt.Appendf(nil, `{"issuer":%q,"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":%q,"x":%q,"y":%q}]}`, issuer, kid, x, y)); err != nil {
		t.Fatal(err)
	}
	c.header = map[string]any{"alg": "ES256", "zip": "DEF", "kid": kid}
	body := fmt.Sprintf(`{"iss":%q,"nbf":%d.218,"vc":{"type":["https://smarthealth.cards#health-card","https://smarthealth.cards#immunization"],
		"credentialSubject":{"fhirVersion":"4.0.1","fhirBundle":{"resourceType":"Bundle","type":"collection","entry":[
		{"fullUrl":"resource:0","resource":{"resourceType":"Patient","name":[{"family":"Anyperson","given":["John","B."]}],"birthDate":"1951-01-20"}},
		{"fullUrl":"resource:1","resource":{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"207"}]},
		"patient":{"reference":"resource:0"},"occurrenceDateTime":"2021-01-01","performer":[{"actor":{"display":"ABC General Hospital"}}],"lotNumber":"0000001"}},
		{"fullUrl":"resource:2","resource":{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"94558-4"}]},"effectiveDateTime":"2021-02-17","valueString":"negative"}}]}}}}`,
		issuer, now.Unix()-60)
	if err := json.Unmarshal([]byte(body), &c.body); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *clinic) jws() string {
	c.t.Helper()
	header, err := json.Marshal(c.header)
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := json.Marshal(c.body)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.sign(base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(raw(c.t, body)))
}

func (c *clinic) sign(message string) string {
	c.t.Helper()
	digest := sha256.Sum256([]byte(message))
	r, s, err := ecdsa.Sign(rand.Reader, c.private, digest[:])
	if err != nil {
		c.t.Fatal(err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return message + "." + base64.RawURLEncoding.EncodeToString(signature[:])
}

var rawPackers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

func raw(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := rawPackers.Get().(*flate.Writer)
	defer rawPackers.Put(w)
	w.Reset(&out)
	_, err := w.Write(data)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func numeric(jws string) string {
	var digits strings.Builder
	for i := range len(jws) {
		fmt.Fprintf(&digits, "%02d", jws[i]-45)
	}
	return digits.String()
}

func TestHealthCards(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*clinic)
		answer foreign.Answer
		why    []foreign.Reason
	}{
		"as in the spec":      {func(*clinic) {}, foreign.Genuine, nil},
		"another issuer":      {func(c *clinic) { c.body["iss"] = "https://elsewhere.example" }, foreign.NotChecked, []foreign.Reason{foreign.UnknownKey}},
		"another key's id":    {func(c *clinic) { c.header["kid"] = "another" }, foreign.NotChecked, []foreign.Reason{foreign.UnknownKey}},
		"another's signature": {func(c *clinic) { c.private = p256(t) }, foreign.NotGenuine, []foreign.Reason{foreign.BadSignature}},
		"no algorithm":        {func(c *clinic) { c.header["alg"] = "none" }, foreign.NotGenuine, []foreign.Reason{foreign.BadFormat}},
		"another algorithm":   {func(c *clinic) { c.header["alg"] = "HS256" }, foreign.NotGenuine, []foreign.Reason{foreign.BadFormat}},
		"not compressed":      {func(c *clinic) { delete(c.header, "zip") }, foreign.NotGenuine, []foreign.Reason{foreign.BadFormat}},
		"expired":             {func(c *clinic) { c.body["exp"] = now.Unix() - 1 }, foreign.NotGenuine, []foreign.Reason{foreign.HasExpired}},
		"of tomorrow":         {func(c *clinic) { c.body["nbf"] = now.Unix() + 86400 }, foreign.NotGenuine, []foreign.Reason{foreign.NotYet}},
		"says nothing":        {func(c *clinic) { delete(c.body, "vc") }, foreign.NotGenuine, []foreign.Reason{foreign.BadContent}},
	} {
		t.Run(name, func(t *testing.T) {
			clinic := newClinic(t)
			c.change(clinic)
			got, ok := foreign.Read("shc:/"+numeric(clinic.jws()), clinic.keys, now)
			if !ok || got.Kind != foreign.SmartHealthCard || got.Answer != c.answer || !slices.Equal(got.Reasons, c.why) {
				t.Errorf("%v %+v", ok, got)
			}
			if got.Answer == foreign.Genuine && (got.Holder != "John B. Anyperson" || got.Born != "1951-01-20" || got.Issuer != issuer || len(got.Statements) != 2 ||
				got.Statements[0].What != foreign.Vaccination || got.Statements[1].What != foreign.Test ||
				!slices.Contains(got.Statements[0].Fields, foreign.Field{Name: "product", Value: "http://hl7.org/fhir/sid/cvx|207"}) ||
				!slices.Contains(got.Statements[1].Fields, foreign.Field{Name: "result", Value: "negative"})) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestHealthCardInParts(t *testing.T) {
	clinic := newClinic(t)
	digits := numeric(clinic.jws())
	half := len(digits) / 4 * 2
	got, ok := foreign.Read("shc:/1/2/"+digits[:half], clinic.keys, now)
	if !ok || got.Answer != foreign.NotChecked || !slices.Equal(got.Reasons, []foreign.Reason{foreign.IsPart}) || got.Part != 1 || got.Parts != 2 {
		t.Errorf("%+v", got)
	}
	for _, wrong := range []string{"0/2/", "3/2/", "1/100/", "a/2/", "1/2/3/", "1/"} {
		if got, _ := foreign.Read("shc:/"+wrong+digits[:half], clinic.keys, now); !slices.Equal(got.Reasons, []foreign.Reason{foreign.BadFormat}) {
			t.Errorf("%s: %+v", wrong, got)
		}
	}
}

func TestWhatIsNoHealthCard(t *testing.T) {
	clinic := newClinic(t)
	jws := clinic.jws()
	header, _, _ := strings.Cut(jws, ".")
	bomb := clinic.sign(header + "." + base64.RawURLEncoding.EncodeToString(raw(t, make([]byte, 2<<20))))
	for name, text := range map[string]string{
		"nothing": "shc:/", "half a character": "shc:/" + numeric(jws)[1:], "letters": "shc:/" + strings.Repeat("ab", 100), "beyond the alphabet": "shc:/9999",
		"no JWS": "shc:/" + numeric("abc"), "four parts": "shc:/" + numeric(jws+".a"), "a bomb": "shc:/" + numeric(bomb), "too long": "shc:/" + strings.Repeat("56", 4000),
		"padded": "shc:/" + numeric(jws+"=="),
	} {
		if got, ok := foreign.Read(text, clinic.keys, now); !ok || got.Answer != foreign.NotGenuine || !slices.Equal(got.Reasons, []foreign.Reason{foreign.BadFormat}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	digits := []byte("shc:/" + numeric(jws))
	for i := 5; i < len(digits); i++ {
		changed := slices.Clone(digits)
		changed[i] = '0' + (changed[i]-'0'+1)%10
		if got, _ := foreign.Read(string(changed), clinic.keys, now); got.Answer == foreign.Genuine {
			t.Fatalf("digit %d", i)
		}
	}
	if _, ok := foreign.Read("EMC1:ABC", clinic.keys, now); ok || foreign.Is("EMC1:ABC") || !foreign.Is("HC1:A") {
		t.Error("ours is not theirs")
	}
}
