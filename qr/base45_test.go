package qr

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The examples of RFC 9285, sections 4.3 and 4.4.
func TestBase45OfTheRFC(t *testing.T) {
	for plain, text := range map[string]string{"AB": "BB8", "Hello!!": "%69 VD92EX0", "base-45": "UJCLQE7W581", "ietf!": "QED8WEX0", "": ""} {
		if got := encodeBase45([]byte(plain)); got != text {
			t.Errorf("encode %q: %q, want %q", plain, got, text)
		}
		if got, err := decodeBase45(text); err != nil || string(got) != plain {
			t.Errorf("decode %q: %q, %v", text, got, err)
		}
	}
}

func TestBase45IsStrict(t *testing.T) {
	for name, text := range map[string]string{
		"a rest of one":               "BB8A",
		"65,536":                      "GGW", // the RFC's own example
		"the largest group":           ":::",
		"256 in two characters":       "V5",
		"the largest two":             "::",
		"lower case":                  "bb8",
		"a character of no alphabet":  "B!8",
		"a letter outside ASCII":      "BБ",
		"an overflow in a later part": "BB8GGW",
	} {
		if got, err := decodeBase45(text); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := decodeBase45("FGW"); err != nil || !bytes.Equal(got, []byte{0xFF, 0xFF}) {
		t.Errorf("65,535: %x, %v", got, err)
	}
	if got, err := decodeBase45("U5"); err != nil || !bytes.Equal(got, []byte{0xFF}) {
		t.Errorf("255: %x, %v", got, err)
	}
}

// One text, one content: what decodes encodes to the same text again, or a document would have several codes.
func TestBase45IsOneToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		back, err := decodeBase45(encodeBase45(data))
		if err != nil || !bytes.Equal(back, data) {
			t.Fatalf("%x came back as %x, %v", data, back, err)
		}
		text := rapid.StringOfN(rapid.RuneFrom([]rune(alphabet)), 0, 40, -1).Draw(t, "text")
		if decoded, err := decodeBase45(text); err == nil && encodeBase45(decoded) != text {
			t.Fatalf("%q decodes, and encodes to %q", text, encodeBase45(decoded))
		}
	})
	if strings.Count(alphabet, "") != 46 {
		t.Fatal("base45 has 45 characters")
	}
}
