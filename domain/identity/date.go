package identity

import (
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/fault"
)

// Date is a calendar date that may be known in part only, as dates of birth of old people are: a year, or a year and a
// month. It has no time zone: nobody's birthday moves when he travels. The zero Date is unknown.
type Date struct {
	Year  int
	Month time.Month // 0 = not known
	Day   int        // 0 = not known
}

// ErrDateFormat says why a date is refused.
var ErrDateFormat = fault.New(fault.Invalid, "date.format", "A date is written YYYY-MM-DD, or YYYY-MM, or YYYY, and must exist in the calendar.")

// ParseDate reads YYYY-MM-DD, YYYY-MM or YYYY.
func ParseDate(s string) (Date, error) {
	for _, form := range []string{time.DateOnly, "2006-01", "2006"} {
		if len(s) != len(form) {
			continue
		}
		t, err := time.Parse(form, s)
		if err != nil || t.Year() == 0 {
			break
		}
		d := Date{Year: t.Year()}
		if len(form) > 4 {
			d.Month = t.Month()
		}
		if len(form) > 7 {
			d.Day = t.Day()
		}
		return d, nil
	}
	return Date{}, ErrDateFormat
}

// String writes the date as ParseDate reads it; "" for an unknown one.
func (d Date) String() string {
	switch {
	case d.Year == 0:
		return ""
	case d.Month == 0:
		return fmt.Sprintf("%04d", d.Year)
	case d.Day == 0:
		return fmt.Sprintf("%04d-%02d", d.Year, d.Month)
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// Complete reports whether year, month and day are known.
func (d Date) Complete() bool { return d.Year != 0 && d.Month != 0 && d.Day != 0 }

// Age gives the full years at a date, and whether that can be told from what is known of both.
func (d Date) Age(on Date) (years int, known bool) {
	if !d.Complete() || !on.Complete() || on.before(d) {
		return 0, false
	}
	years = on.Year - d.Year
	if on.Month < d.Month || (on.Month == d.Month && on.Day < d.Day) {
		years-- // born on 29 February: a year older on 1 March, as Russian law counts
	}
	return years, true
}

func (d Date) before(o Date) bool {
	if d.Year != o.Year {
		return d.Year < o.Year
	}
	if d.Month != o.Month {
		return d.Month < o.Month
	}
	return d.Day < o.Day
}
