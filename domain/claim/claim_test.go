package claim

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func anyCode(t *rapid.T) Code {
	return NewCode([Entropy]byte(rapid.SliceOfN(rapid.Byte(), Entropy, Entropy).Draw(t, "random")))
}

func TestWhatWasMadeIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := anyCode(t)
		for _, typed := range []string{
			string(code), code.Spaced(), strings.ToLower(code.Spaced()),
			" " + strings.ReplaceAll(string(code), "0", "o") + " ", strings.ReplaceAll(string(code), "1", "l"),
		} {
			if got, err := ParseCode(typed); err != nil || got != code {
				t.Fatalf("ParseCode(%q) = %q, %v; want %q", typed, got, err, code)
			}
		}
	})
}

func TestASlipOfTheFingerShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := []byte(anyCode(t))
		wrong := []byte(string(code))
		i := rapid.IntRange(0, Size-1).Draw(t, "place")
		if rapid.Bool().Draw(t, "swap") && i+1 < Size {
			wrong[i], wrong[i+1] = wrong[i+1], wrong[i]
		} else {
			wrong[i] = alphabet[rapid.IntRange(0, 31).Draw(t, "character")]
		}
		if string(wrong) == string(code) {
			return
		}
		if _, err := ParseCode(string(wrong)); err == nil {
			t.Fatalf("%s passes for %s", wrong, code)
		}
	})
}

func TestWhatIsNoCode(t *testing.T) {
	for _, text := range []string{"", "0", "00000000000", "0000000000000", "0000-0000-000U", "000000000000\n", "ДЕВОЧКА-КОД1", strings.Repeat("-", 1000)} {
		if _, err := ParseCode(text); err == nil {
			t.Errorf("ParseCode(%q) accepted", text)
		}
	}
}

func TestOpen(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		claim Claim
		open  bool
	}{
		"fresh":      {Claim{Ends: now.Add(1)}, true},
		"at the end": {Claim{Ends: now}, false},
		"redeemed":   {Claim{Ends: now.Add(TTL), Redeemed: now.Add(-1)}, false},
	} {
		if got := c.claim.Open(now); got != c.open {
			t.Errorf("%s: Open = %v", name, got)
		}
	}
}
