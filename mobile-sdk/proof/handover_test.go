package proof

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/medcard/medcard/domain/audit"
)

// A successor is believed who is named by the key before it, has signed himself, and is of the same log.
func TestOnlyASuccessorOfTheKeyIsBelieved(t *testing.T) {
	pair := func(seed byte, name string) (note.Signer, string) {
		secret, public, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{seed}, 64)), name)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := note.NewSigner(secret)
		if err != nil {
			t.Fatal(err)
		}
		return signer, public
	}
	first, k1 := pair(1, "test/audit")
	second, k2 := pair(2, "test/audit")
	third, k3 := pair(3, "test/audit")
	stranger, _ := pair(4, "test/audit")
	elsewhere, k5 := pair(5, "other/audit")
	sign := func(text string, by ...note.Signer) string {
		signed, err := note.Sign(&note.Note{Text: text}, by...)
		if err != nil {
			t.Fatal(err)
		}
		return string(signed)
	}
	at := audit.Checkpoint{Origin: "test/audit", Size: 3, Root: leaf(1)}
	text := func(key string) string { return audit.Handover{Key: key, At: at}.Text() }
	abroad := audit.Handover{Key: k2, At: audit.Checkpoint{Origin: "other/audit", Size: 3}}.Text()
	one, two := sign(text(k2), first, second), sign(text(k3), second, third)
	for name, c := range map[string]struct {
		handovers, want []string
	}{
		"none":                                {nil, []string{k1}},
		"one":                                 {[]string{one}, []string{k1, k2}},
		"one after the other":                 {[]string{one, two}, []string{k1, k2, k3}},
		"the first is not there":              {[]string{two}, []string{k1}},
		"another's among them":                {[]string{sign(text(k3), stranger, third), one}, []string{k1, k2}},
		"signed by the successor alone":       {[]string{sign(text(k2), second)}, []string{k1}},
		"not signed by the successor":         {[]string{sign(text(k2), first)}, []string{k1}},
		"another key's signature":             {[]string{strings.Replace(one, k2, k3, 1)}, []string{k1}},
		"to itself":                           {[]string{sign(text(k1), first)}, []string{k1}},
		"to the key of another log":           {[]string{sign(text(k5), first, elsewhere)}, []string{k1}},
		"of another log":                      {[]string{sign(abroad, first, second)}, []string{k1}},
		"a checkpoint, which is no statement": {[]string{sign(at.Text(), first, second)}, []string{k1}},
		"no note":                             {[]string{"", "no note"}, []string{k1}},
	} {
		if got := Chain(k1, c.handovers); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	checkpoint := []byte(sign(at.Text(), second))
	if c, by, err := OpenFollowing(k1, []string{one, two}, checkpoint); err != nil || by != k2 || c != at {
		t.Errorf("%+v %s %v", c, by, err)
	}
	if _, _, err := OpenFollowing(k3, []string{one, two}, checkpoint); err == nil {
		t.Error("the key before the last is believed")
	}
}
