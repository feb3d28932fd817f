package workday

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var moscow = time.FixedZone("MSK", 3*60*60)

func day(text string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, text, moscow)
	if err != nil {
		panic(err)
	}
	return t.Add(12 * time.Hour)
}

// The working days of a year are those of its published production calendar.
func TestWorkingDaysOfAYear(t *testing.T) {
	for year, want := range map[int]int{2025: 247, 2026: 247} {
		n := 0
		for d := time.Date(year, 1, 1, 12, 0, 0, 0, moscow); d.Year() == year; d = d.AddDate(0, 0, 1) {
			if Works(d) {
				n++
			}
		}
		if n != want {
			t.Errorf("%d has %d working days, want %d", year, n, want)
		}
	}
}

func TestWorks(t *testing.T) {
	for text, want := range map[string]bool{
		"2025-11-01": true,  // a Saturday that works
		"2025-11-03": false, // for this Monday
		"2025-11-04": false, "2025-11-05": true,
		"2025-02-24": true, // Sunday the 23rd was moved to May by decree, so not to Monday by rule
		"2025-05-08": false, "2025-12-31": false,
		"2026-01-09": false, "2026-01-12": true, "2026-12-31": false,
		"2026-03-09": false, "2026-05-11": false, // after a holiday on a weekend, by the rule
		"2026-05-12": true, "2026-11-04": false, "2026-11-28": false,
		"2027-02-22": true, "2027-02-23": false, // a year without a decree: the rule alone
		"2027-05-03": false, "2027-05-10": false, // Saturday the 1st, Sunday the 9th
		"2027-01-11": true,
	} {
		if got := Works(day(text)); got != want {
			t.Errorf("%s: works %v", text, got)
		}
	}
}

func TestAfter(t *testing.T) {
	for _, c := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-11-27", 1, "2026-11-30"}, // Friday: Monday
		{"2026-11-28", 1, "2026-11-30"}, // Saturday as well
		{"2026-11-25", 5, "2026-12-02"},
		{"2026-12-25", 10, "2027-01-19"}, // over the holidays
		{"2025-10-31", 1, "2025-11-01"},  // the Saturday that works
		{"2025-10-31", 2, "2025-11-05"},
	} {
		want := day(c.want).Add(12*time.Hour - time.Second)
		if got := After(day(c.from), c.n, moscow); !got.Equal(want) {
			t.Errorf("%d working days after %s: %s, want %s", c.n, c.from, got, want)
		}
	}
	// Late in the evening in UTC it is the next day in Moscow.
	if got := After(time.Date(2026, 11, 26, 22, 0, 0, 0, time.UTC), 1, moscow); !got.Equal(day("2026-11-30").Add(12*time.Hour - time.Second)) {
		t.Error(got)
	}
}

func TestAfterIsAWorkingDayAndGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := time.Unix(rapid.Int64Range(1_700_000_000, 2_200_000_000).Draw(t, "from"), 0)
		n := rapid.IntRange(1, 30).Draw(t, "n")
		due := After(from, n, moscow)
		if !Works(due.In(moscow)) || !due.After(from) || !After(from, n+1, moscow).After(due) {
			t.Fatalf("%d after %s: %s", n, from, due)
		}
	})
}
