package foreign_test

import (
	"encoding/base64"
	"runtime"
	"strings"
	"testing"

	"github.com/medcard/medcard/qr/foreign"
)

// Whatever is read, nothing panics, and what is shown is bounded. By hand:
//
//	go test -run '^$' -fuzz FuzzHC1 -fuzztime 10m ./qr/foreign

func bounded(t *testing.T, c foreign.Certificate) {
	t.Helper()
	if c.Kind == "" || c.Answer == "" || len(c.Statements) > 16 || len(c.Holder) > 500 || c.Answer == foreign.Genuine && len(c.Reasons) > 0 {
		t.Errorf("%+v", c)
	}
	for _, s := range c.Statements {
		for _, f := range s.Fields {
			if len(f.Value) > 500 || strings.ContainsAny(f.Value, "\x00\x1b\n\u202e") {
				t.Errorf("%q", f.Value)
			}
		}
	}
}

// The bytes are packed as a code has them, so that the decoders behind base45 and zlib are reached.
func FuzzHC1(f *testing.F) {
	c := newCountry(f, p256(f))
	var packed []byte
	c.pack = func(data []byte) []byte { packed = data; return deflated(data) }
	text := c.text()
	f.Add(packed)
	f.Add([]byte(text))
	f.Add([]byte{0xd2, 0x84, 0x40, 0xa0, 0x40, 0x40})
	f.Add([]byte{0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, text := range []string{"HC1:" + base45(deflated(data)), "HC1:" + base45(data), "HC1:" + string(data)} {
			got, ok := foreign.Read(text, foreign.Keys{c.key}, now)
			if !ok {
				t.Fatal("not recognised")
			}
			bounded(t, got)
		}
	})
}

// The content is packed and signed whatever it is.
func FuzzSHC(f *testing.F) {
	c := newClinic(f)
	jws := c.jws()
	header, _, _ := strings.Cut(jws, ".")
	f.Add([]byte(`{"iss":"https://spec.smarthealth.cards/examples/issuer","nbf":1,"vc":{"credentialSubject":{"fhirBundle":{"entry":[{"resource":{"resourceType":"Patient"}}]}}}}`))
	f.Add([]byte(numeric(jws)))
	f.Add([]byte("1/2/5676"))
	f.Fuzz(func(t *testing.T, data []byte) {
		packed := header + "." + base64.RawURLEncoding.EncodeToString(raw(t, data)) + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64))
		for _, text := range []string{"shc:/" + numeric(packed), "shc:/" + string(data)} {
			got, ok := foreign.Read(text, c.keys, now)
			if !ok {
				t.Fatal("not recognised")
			}
			bounded(t, got)
		}
	})
}

// A few characters that promise much are not believed.
func TestPromisesAreNotBelieved(t *testing.T) {
	clinic := newClinic(t)
	header, _, _ := strings.Cut(clinic.jws(), ".")
	bomb := header + "." + base64.RawURLEncoding.EncodeToString(raw(t, make([]byte, 2<<20))) + ".AAAA"
	for name, text := range map[string]string{
		"an array of 2^63": "HC1:" + base45(deflated([]byte{0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})),
		"a string of 2^63": "HC1:" + base45(deflated([]byte{0x84, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})),
		"a bomb":           "HC1:" + base45(deflated(make([]byte, 2<<20))),
		"a bomb of JSON":   "shc:/" + numeric(bomb),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if got, _ := foreign.Read(text, nil, now); got.Answer != foreign.NotGenuine {
			t.Errorf("%s: %+v", name, got)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes", name, n)
		}
	}
}
