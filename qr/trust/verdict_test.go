package trust_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

// All reasons are in the vectors of package qr. Here stands what a judge makes of what it knows.

func codeAndKeys(t testing.TB) (string, trust.KeySet) {
	t.Helper()
	key := newKey(t, "rx", qr.Prescription)
	text, err := qr.Seal(qr.Claims{IssuedAt: now.Add(-day), Expires: now.Add(30 * day), Token: qr.TokenID{7}, Status: qr.StatusRef{List: 1, Index: 5}, Body: []byte{0x80}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return text, keySet(1, entry(key))
}

func known(mark trust.Mark, age time.Duration) func(string, qr.StatusRef) (trust.Mark, time.Time, bool) {
	return func(issuer string, ref qr.StatusRef) (trust.Mark, time.Time, bool) {
		if issuer != "medcard" || ref != (qr.StatusRef{List: 1, Index: 5}) {
			return trust.Revoked, now, true
		}
		return mark, now.Add(-age), true
	}
}

func TestJudge(t *testing.T) {
	text, keys := codeAndKeys(t)
	month := func(qr.Verified) (time.Duration, error) { return 32 * day, nil }
	for name, c := range map[string]struct {
		know trust.Knowledge
		want string
	}{
		"all is well":                     {trust.Knowledge{Status: known(trust.Valid, time.Minute), Longest: month}, "OK"},
		"a list of yesterday will do":     {trust.Knowledge{Status: known(trust.Valid, 47*time.Hour)}, "OK"},
		"one of two days ago will not":    {trust.Knowledge{Status: known(trust.Valid, 49*time.Hour)}, "CANT_TELL_OFFLINE stale_status"},
		"no list":                         {trust.Knowledge{}, "CANT_TELL_OFFLINE stale_status"},
		"revoked is for good":             {trust.Knowledge{Status: known(trust.Revoked, 100*day)}, "NO revoked"},
		"handed out is for good":          {trust.Knowledge{Status: known(trust.Spent, 100*day)}, "NO dispensed"},
		"the list is older than the code": {trust.Knowledge{Status: known(trust.NotIssued, 25*time.Hour)}, "OK"},
		"by less than a commit takes":     {trust.Knowledge{Status: known(trust.NotIssued, day-30*time.Second)}, "OK"},
		"the list should know the code":   {trust.Knowledge{Status: known(trust.NotIssued, 23*time.Hour)}, "NO not_issued"},
		"a list of tomorrow":              {trust.Knowledge{Status: known(trust.Valid, -time.Hour)}, "CANT_TELL_OFFLINE wrong_clock"},
		"too long for its form": {trust.Knowledge{Status: known(trust.Valid, 0), Longest: func(qr.Verified) (time.Duration, error) { return 31*day - 1, nil }},
			"NO too_long_valid"},
		"no such body": {trust.Knowledge{Status: known(trust.Valid, 0), Longest: func(qr.Verified) (time.Duration, error) { return 0, errors.New("?") }}, "NO bad_format"},
		"seen before": {trust.Knowledge{Status: known(trust.Valid, 0), Seen: func(id qr.TokenID) bool { return id == qr.TokenID{7} }},
			"NO seen_before"},
		"another was seen": {trust.Knowledge{Status: known(trust.Valid, 0), Seen: func(id qr.TokenID) bool { return id == qr.TokenID{8} }}, "OK"},
		"the name does not fit": {trust.Knowledge{Status: known(trust.Valid, 0), NameFits: func(qr.Verified) bool { return false }},
			"NO wrong_name"},
		"a NO outweighs what cannot be told": {trust.Knowledge{Seen: func(qr.TokenID) bool { return true }}, "NO seen_before stale_status"},
	} {
		c.know.Keys = keys
		v := trust.Judge(text, c.know, now)
		if v.String() != c.want {
			t.Errorf("%s: %v, want %s", name, v, c.want)
		}
		if v.Document == nil || v.Document.Claims().Token != (qr.TokenID{7}) {
			t.Errorf("%s: the signature holds, so the content may be shown", name)
		}
	}
}

// The first check that fails is the one that is named, and until the signature holds nobody is asked about the content.
func TestOrderOfChecks(t *testing.T) {
	text, keys := codeAndKeys(t)
	var asked []string
	ask := trust.Knowledge{
		Keys: keys,
		Longest: func(qr.Verified) (time.Duration, error) {
			asked = append(asked, "times")
			return 32 * day, nil
		},
		Status: func(string, qr.StatusRef) (trust.Mark, time.Time, bool) {
			asked = append(asked, "status")
			return trust.Valid, now, true
		},
		Seen:     func(qr.TokenID) bool { asked = append(asked, "seen"); return false },
		NameFits: func(qr.Verified) bool { asked = append(asked, "name"); return true },
	}
	if v := trust.Judge(text, ask, now); v.Answer != trust.OK || !slices.Equal(asked, []string{"times", "status", "seen", "name"}) {
		t.Error(v, asked)
	}

	forged := text[:len(text)-2] + "00"
	expired := now.Add(300 * day)
	unknown := ask
	unknown.Keys.Keys = nil
	unknown.Keys.Expires = expired.Add(day)
	current := ask
	current.Keys.Expires = expired.Add(day)
	for name, c := range map[string]struct {
		text string
		know trust.Knowledge
		want string
	}{
		"the format before the key":           {strings.Replace(text, "EMC1:", "EMC9:", 1), unknown, "NO bad_format"},
		"the key before the signature":        {forged, unknown, "NO unknown_key"},
		"the signature before the times":      {forged, current, "NO bad_signature"},
		"an unknown key says nothing of time": {text, unknown, "NO unknown_key"},
	} {
		asked = nil
		v := trust.Judge(c.text, c.know, expired)
		if v.String() != c.want || v.Document != nil || len(asked) > 0 {
			t.Errorf("%s: %v, asked %v, document %v", name, v, asked, v.Document != nil)
		}
	}
}

func TestVerdictSaysHowOldItsKnowledgeIs(t *testing.T) {
	text, keys := codeAndKeys(t)
	v := trust.Judge(text, trust.Knowledge{Keys: keys, Status: known(trust.Valid, 10*time.Minute)}, now)
	if v.KeysAge != day || !v.StatusKnown || v.StatusAge != 10*time.Minute || !v.Fresh() {
		t.Errorf("%+v", v.StatusAge)
	}
	v = trust.Judge(text, trust.Knowledge{Keys: keys, Status: known(trust.Valid, time.Hour)}, now)
	if v.Answer != trust.OK || v.Fresh() {
		t.Error("an hour is OK, yet not fresh")
	}
	if v = trust.Judge(text, trust.Knowledge{}, now); v.String() != "CANT_TELL_OFFLINE unknown_key stale_keys" {
		t.Error("before anything was fetched:", v)
	}
}

// A server judges by a key set that was never written down, with fractions of a second.
func TestFirstSecondOfAKey(t *testing.T) {
	text, keys := codeAndKeys(t)
	for created, want := range map[time.Duration]string{900 * time.Millisecond: "OK", time.Second: "NO key_not_in_force"} {
		keys.Keys[0].NotBefore = now.Add(-day).Add(created)
		if v := trust.Judge(text, trust.Knowledge{Keys: keys, Status: known(trust.Valid, 0)}, now); v.String() != want {
			t.Errorf("key made %s after the document: %v, want %s", created, v, want)
		}
	}
}

// A verdict that reaches a log says what was decided and nothing of whom.
func TestVerdictInALog(t *testing.T) {
	text, keys := codeAndKeys(t)
	v := trust.Judge(text, trust.Knowledge{Keys: keys, Status: known(trust.Valid, 0)}, now)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, v); got != "OK" {
			t.Errorf("%s: %s", verb, got)
		}
	}
	var zero trust.Verdict
	if zero.Answer == trust.OK || zero.String() != "CANT_TELL_OFFLINE" {
		t.Error("a verdict that was forgotten says OK")
	}
}
