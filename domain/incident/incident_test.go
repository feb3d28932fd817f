package incident

import (
	"testing"
	"time"

	"github.com/medcard/medcard/domain/account"
)

func TestTheTermsRunFromWhenItWasFound(t *testing.T) {
	found := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	i := Incident{Found: found, Opened: found.Add(30 * time.Hour), Done: map[Duty]time.Time{}}
	for after, want := range map[time.Duration]int{0: 0, 24 * time.Hour: 0, 24*time.Hour + 1: 1, 72 * time.Hour: 1, 72*time.Hour + 1: 2} {
		if n := i.Overdue(found.Add(after)); n != want {
			t.Errorf("%v after: %d are overdue, not %d", after, n, want)
		}
	}
	i.Done[Report] = found.Add(25 * time.Hour)
	if now := found.Add(26 * time.Hour); i.Overdue(now) != 0 || !i.Late(Report, now) || i.Late(Conclude, now) {
		t.Error("a report that was late counts as one in time, or as one that is owed")
	}
	i.Done[Report] = found.Add(23 * time.Hour)
	if i.Late(Report, found.Add(99*time.Hour)) {
		t.Error("a report in time is late later")
	}
}

func TestWordsAreFoundInEveryLanguage(t *testing.T) {
	i := Incident{Words: map[account.Language]string{account.Russian: "по-русски", account.English: "in English"}}
	for l, want := range map[account.Language]string{account.Russian: "по-русски", account.English: "in English", "": "по-русски", "de": "по-русски"} {
		if text := i.In(l); text != want {
			t.Errorf("in %q: %q", l, text)
		}
	}
}
