package account

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/medcard/medcard/domain/identity"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// Whatever is typed whenever: a code is right at most once, never after its end, never after five wrong tries.
func TestCodeOpensAtMostOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := NewCode("c", ByPhone, []byte("right"), noon)
		now, wrong, opened := noon, 0, 0
		for range rapid.IntRange(1, 20).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.IntRange(0, 180).Draw(t, "seconds")) * time.Second)
			typed := rapid.SampledFrom([]string{"right", "wrong"}).Draw(t, "typed")
			next, verdict := c.Try([]byte(typed), now)
			if verdict == Right {
				opened++
				if typed != "right" || wrong >= CodeTries || !now.Before(noon.Add(CodeLife)) {
					t.Fatalf("%q opened after %d wrong ones at %v", typed, wrong, now)
				}
			}
			if typed == "wrong" && (verdict == Wrong || verdict == Exhausted) {
				wrong++
			}
			c = next
		}
		if opened > 1 {
			t.Fatalf("opened %d times", opened)
		}
	})
}

func TestVerdictOfADeadCodeTellsNothing(t *testing.T) {
	live := NewCode("c", ByPhone, []byte("right"), noon)
	used, dead := live, live
	used.Used, dead.Tries = noon, CodeTries
	for _, c := range []struct {
		code Code
		at   time.Time
		want Verdict
	}{{used, noon, Replayed}, {dead, noon, Exhausted}, {live, noon.Add(CodeLife), Expired}} {
		for _, typed := range []string{"right", "wrong", ""} {
			if next, got := c.code.Try([]byte(typed), c.at); got != c.want || next.Tries != c.code.Tries {
				t.Errorf("%q: verdict %d, want %d", typed, got, c.want)
			}
		}
	}
}

func TestCodeAgain(t *testing.T) {
	c := NewCode("c", ByEmail, []byte("1"), noon)
	c.Tries = 4
	if _, wait, ok := c.Again([]byte("2"), noon.Add(time.Second)); ok || wait != ResendAfter-time.Second {
		t.Errorf("%v, %v", wait, ok)
	}
	next, _, ok := c.Again([]byte("2"), noon.Add(ResendAfter))
	if !ok || next.Sends != 2 || next.Tries != 0 || !bytes.Equal(next.Hash, []byte("2")) || !next.Ends.Equal(noon.Add(ResendAfter+CodeLife)) {
		t.Errorf("%+v, %v", next, ok)
	}
	next.Used = noon
	if _, wait, ok := next.Again(nil, noon.Add(time.Hour)); ok || wait != 0 {
		t.Error("a used code was replaced")
	}
}

func TestTurnOfARefreshToken(t *testing.T) {
	fresh := Refresh{Ends: noon.Add(RefreshLife)}
	used := fresh
	used.Used = noon
	for name, c := range map[string]struct {
		token         Refresh
		known, passed bool
		at            time.Time
		want          Turn
	}{
		"fresh":                       {fresh, true, false, noon, Rotate},
		"fresh to its last moment":    {fresh, true, false, noon.Add(RefreshLife - 1), Rotate},
		"too old":                     {fresh, true, false, noon.Add(RefreshLife), Refuse},
		"fresh, of another device":    {fresh, false, false, noon, Reuse},
		"lost answer":                 {used, true, false, noon.Add(LostAnswer - 1), Repeat},
		"too late for a lost answer":  {used, true, false, noon.Add(LostAnswer), Reuse},
		"the answer did arrive":       {used, true, true, noon.Add(1), Reuse},
		"lost answer, another device": {used, false, false, noon.Add(1), Reuse},
	} {
		if got := c.token.Turn(c.known, c.passed, c.at); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestSession(t *testing.T) {
	s := Session{ID: "s", Account: "a", Device: "d", Methods: []Method{Password}, Opened: noon, Ends: noon.Add(time.Hour)}
	if !s.Live(noon) || s.Live(noon.Add(time.Hour)) || s.Actor().SecondFactor {
		t.Error("a session lives until its end, and a password is one factor")
	}
	s.Methods = append(s.Methods, SMS, Several)
	if !s.Actor().SecondFactor {
		t.Error("two factors are a second one")
	}
	s.Proved = noon
	if a := s.Actor(); a.Fresh(noon.Add(identity.FactorFresh-1)) != nil || !errors.Is(a.Fresh(noon.Add(identity.FactorFresh)), identity.ErrStepUp) {
		t.Error("a second factor is fresh for some minutes, and not longer")
	}
	s.Revoked = noon
	if s.Live(noon) {
		t.Error("revoked and alive")
	}
}

func TestRegistrationMissing(t *testing.T) {
	var r Registration
	if !slices.Equal(r.Missing(), []Channel{ByPhone, ByEmail}) || r.Complete() {
		t.Error("nothing is confirmed at first")
	}
	r.PhoneAt, r.EmailAt = noon, noon
	if len(r.Missing()) != 0 || !r.Complete() {
		t.Error("both are confirmed")
	}
}
