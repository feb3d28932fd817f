package card

import (
	"testing"
	"time"
)

func TestDates(t *testing.T) {
	for text, want := range map[Date]struct {
		precision Precision
		earliest  string
		day       Date
	}{
		"":                              {Unknown, "", ""},
		"2011":                          {Year, "2011-01-01T00:00:00Z", "2011"},
		"2011-08":                       {Month, "2011-08-01T00:00:00Z", "2011-08"},
		"2011-08-03":                    {Day, "2011-08-03T00:00:00Z", "2011-08-03"},
		"2011-08-03T01:00:00+03:00":     {Moment, "2011-08-02T22:00:00Z", "2011-08-03"},
		"2011-08-03T10:00:00.123456Z":   {Moment, "2011-08-03T10:00:00.123456Z", "2011-08-03"},
		"2016-12-31T23:59:60Z":          {Moment, "2016-12-31T23:59:59Z", "2016-12-31"},
		"2011-02-30":                    {Unknown, "", "2011-02-30"},
		"0000":                          {Unknown, "", "0000"},
		"2011-8":                        {Unknown, "", "2011-8"},
		"2011-08-03T10:00":              {Unknown, "", "2011-08-03T10:00"},
		"2011-08-03T10:00:00":           {Unknown, "", "2011-08-03T10:00:00"},
		"вчера":                         {Unknown, "", "вчера"},
		"2011-08-03T10:00:00Z trailing": {Unknown, "", "2011-08-03T10:00:00Z trailing"},
	} {
		earliest := ""
		if e := text.Earliest(); !e.IsZero() {
			earliest = e.Format(time.RFC3339Nano)
		}
		if text.Precision() != want.precision || earliest != want.earliest || text.Day() != want.day {
			t.Errorf("%q: precision %v, earliest %q, day %q; want %+v", text, text.Precision(), earliest, text.Day(), want)
		}
		if _, err := ParseDate(string(text)); (err == nil) != (want.precision != Unknown || text == "") {
			t.Errorf("ParseDate(%q): %v", text, err)
		}
	}
}

func TestDatesAgreeAsFarAsTheyAreKnown(t *testing.T) {
	for _, c := range []struct {
		a, b Date
		want bool
	}{
		{"1980-05-03", "1980-05-03", true},
		{"1980", "1980-05-03", true},
		{"1980-05", "1980", true},
		{"1980-06", "1980-05-03", false},
		{"1980-05-03T10:00:00+03:00", "1980-05-03", true},
		{"", "1980", false},
		{"", "", false},
		{"198", "1980", false},
	} {
		if c.a.Agrees(c.b) != c.want || c.b.Agrees(c.a) != c.want {
			t.Errorf("%q and %q: agree = %v", c.a, c.b, !c.want)
		}
	}
}
