package audit

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

func sample() Entry {
	return Entry{
		Card: "0191d5a0-0000-7000-8000-000000000001", Number: 7, At: time.Date(2026, 11, 30, 9, 5, 0, 120_000, time.UTC), Action: Read, Purpose: consent.Treatment,
		What: "lab.general\nrole 3:abc", Request: "r1",
		Actor: identity.Actor{Kind: identity.Clinic, Client: "c1", Organisation: "Поликлиника № 7", Scopes: []string{"system/*.c", "system/*.rs"},
			Person: identity.Person{ID: "7", Name: "Иванова А. П.", Role: "терапевт"}},
	}
}

// What was hashed once has this hash for ever: whoever kept a checkpoint counts on it.
func TestTheCanonicalFormStays(t *testing.T) {
	const want = "medcard audit entry 1\ncard 36:0191d5a0-0000-7000-8000-000000000001\nnumber 1:7\nat 27:2026-11-30T09:05:00.000120Z\naction 4:read\n" +
		"purpose 5:TREAT\nkind 6:clinic\naccount 0:\ndevice 0:\nclient 2:c1\norganisation 28:Поликлиника № 7\nperson 1:7\nname 22:Иванова А. П.\n" +
		"role 16:терапевт\nscopes 22:system/*.c system/*.rs\nwhat 22:lab.general\nrole 3:abc\nrequest 2:r1\n"
	if got := string(sample().Canonical()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	hash := LeafHash([]byte("0123456789abcdef"), []byte(want))
	if got := hex.EncodeToString(hash[:]); got != "29e1e65ede4e03631573adaac1a13126c057bc8a8ac265da642e4381305641ba" {
		t.Errorf("leaf hash %s", got)
	}
}

func TestTheCanonicalFormReadsBack(t *testing.T) {
	agent := sample()
	agent.Representation = "0191d5a0-0000-7000-8000-000000000002"
	if text := string(agent.Canonical()); !strings.HasPrefix(text, "medcard audit entry 2\n") || !strings.HasSuffix(text, "request 2:r1\nrepresentation 36:0191d5a0-0000-7000-8000-000000000002\n") {
		t.Errorf("in another's name: %s", text)
	}
	for _, e := range []Entry{sample(), agent, {}, {Actor: identity.Actor{Kind: identity.System}, At: time.Unix(0, 0).UTC()}} {
		got, err := ParseCanonical(e.Canonical())
		if err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%+v reads back as %+v, %v", e, got, err)
		}
	}
}

func TestOtherFormsAreRefused(t *testing.T) {
	good := string(sample().Canonical())
	for name, bad := range map[string]string{
		"nothing":            "",
		"another head":       strings.Replace(good, "entry 1", "entry 2", 1),
		"no name in which":   strings.Replace(good, "entry 1", "entry 2", 1) + "representation 0:\n",
		"a line more":        good + "more 0:\n",
		"a line less":        strings.TrimSuffix(good, "request 2:r1\n"),
		"another order":      strings.Replace(good, "account 0:\ndevice 0:\n", "device 0:\naccount 0:\n", 1),
		"a length too long":  strings.Replace(good, "request 2:", "request 3:", 1),
		"a length too short": strings.Replace(good, "client 2:", "client 1:", 1),
		"a length with zero": strings.Replace(good, "client 2:", "client 02:", 1),
		"no length":          strings.Replace(good, "client 2:", "client :", 1),
		"a negative length":  strings.Replace(good, "client 2:", "client -2:", 1),
		"a number with zero": strings.Replace(good, "number 1:7", "number 2:07", 1),
		"an unknown kind":    strings.Replace(good, "kind 6:clinic", "kind 6:clonic", 1),
		"a time elsewhere":   strings.Replace(good, "000120Z", "00012Z0", 1),
	} {
		if _, err := ParseCanonical([]byte(bad)); !errors.Is(err, ErrCanonical) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add(sample().Canonical())
	f.Add([]byte(canonicalHead))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := ParseCanonical(b); err == nil && string(e.Canonical()) != string(b) {
			t.Errorf("%q reads as %+v", b, e)
		}
	})
}

func TestCheckpointsReadBack(t *testing.T) {
	c := Checkpoint{Origin: "medcard/audit", Size: 12, Root: Hash{1, 2, 3}}
	text := c.Text()
	if got, err := ParseCheckpoint(text); err != nil || got != c {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "medcard/audit\n12\n", strings.Replace(text, "12", "012", 1), strings.Replace(text, "12", "-1", 1), text + "more\n", strings.TrimSuffix(text, "\n"), strings.Replace(text, "AQID", "AQI", 1)} {
		if _, err := ParseCheckpoint(bad); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
