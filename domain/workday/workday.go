// Package workday counts working days of the Russian five-day week: terms of the law that are given in them.
//
// Holidays follow from article 112 of the Labour Code. What the government moves for a single year, and publishes as that year's
// production calendar, stands in a table with dates; a year that the table does not know yet is counted by the rule alone.
package workday

import "time"

// holidays of article 112: first and last day of each, as month and day.
var holidays = []struct {
	month       time.Month
	first, last int
}{
	{time.January, 1, 8}, // New Year's holidays and Christmas
	{time.February, 23, 23},
	{time.March, 8, 8},
	{time.May, 1, 1},
	{time.May, 9, 9},
	{time.June, 12, 12},
	{time.November, 4, 4},
}

// move is a day of rest that the government takes from one day and gives to another.
type move struct{ from, to string }

// moves by year, each from that year's decree. A weekend day that rest was taken from is a working day unless it is a holiday.
var moves = map[int]struct {
	source string
	moves  []move
}{
	2025: {"decree 1335 of 04.10.2024, from memory", []move{
		{"2025-01-04", "2025-05-02"}, {"2025-01-05", "2025-12-31"}, {"2025-02-23", "2025-05-08"}, {"2025-03-08", "2025-06-13"}, {"2025-11-01", "2025-11-03"},
	}},
	2026: {"decree 1466 of 24.09.2025, from memory", []move{
		{"2026-01-03", "2026-01-09"}, {"2026-01-04", "2026-12-31"},
	}},
}

// Works reports whether the day of the instant, on the clock of its own location, is a working day.
func Works(t time.Time) bool {
	if holiday(t) {
		return false
	}
	day := t.Format(time.DateOnly)
	for _, m := range moves[t.Year()].moves {
		switch day {
		case m.to:
			return false
		case m.from:
			return true
		}
	}
	return !weekend(t) && !substitute(t)
}

// After is the last second of the n-th working day after the day of the instant, on the clock of the zone: the day on which a term
// begins does not count (article 191 of the Civil Code).
func After(t time.Time, n int, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	for n > 0 {
		d++
		if Works(noon(y, m, d, zone)) {
			n--
		}
	}
	return time.Date(y, m, d+1, 0, 0, 0, 0, zone).Add(-time.Second).UTC()
}

// noon stands for a day: no change of the clock reaches it.
func noon(y int, m time.Month, d int, zone *time.Location) time.Time {
	return time.Date(y, m, d, 12, 0, 0, 0, zone)
}

func weekend(t time.Time) bool { return t.Weekday() == time.Saturday || t.Weekday() == time.Sunday }

func holiday(t time.Time) bool {
	_, m, d := t.Date()
	for _, h := range holidays {
		if m == h.month && d >= h.first && d <= h.last {
			return true
		}
	}
	return false
}

// substitute reports whether the day is the one to which a weekend day moves that a holiday fell on: the next working day after
// the holiday. Those of January are the government's to move.
func substitute(t time.Time) bool {
	for d := t.AddDate(0, 0, -1); ; d = d.AddDate(0, 0, -1) {
		if holiday(d) && weekend(d) && d.Month() != time.January && !taken(d) {
			return true
		}
		if !holiday(d) && !weekend(d) {
			return false
		}
	}
}

// taken reports whether the government gave the day of rest away to another day.
func taken(t time.Time) bool {
	day := t.Format(time.DateOnly)
	for _, m := range moves[t.Year()].moves {
		if m.from == day {
			return true
		}
	}
	return false
}
