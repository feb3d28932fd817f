package card

import (
	"fmt"
	"strconv"
	"time"
)

// Date is a moment as precisely as the source knows it: "2011", "2011-08", "2011-08-03" or a time with its zone,
// "2011-08-03T10:00:00+03:00". It stays as it was written: to make a full date of "2011" would be to invent a day.
type Date string

// Precision says how much of a Date is known.
type Precision uint8

// The precisions, from nothing to a moment.
const (
	Unknown Precision = iota
	Year
	Month
	Day
	Moment
)

// layouts lists how a date of each precision is written.
var layouts = [...]string{Year: "2006", Month: "2006-01", Day: "2006-01-02", Moment: time.RFC3339Nano}

// ParseDate reads a date of any precision. The empty text is the empty date.
func ParseDate(text string) (Date, error) {
	d := Date(text)
	if d != "" && d.Precision() == Unknown {
		return "", fmt.Errorf("card: not a date")
	}
	return d, nil
}

// Precision says how much is known; Unknown for an empty date and for text that is none.
func (d Date) Precision() Precision {
	_, p := d.parse()
	return p
}

// Earliest is the first instant that the date may mean, in UTC: "2011" gives the first of January. Where no zone is
// written UTC is taken. It is for sorting and filtering, not for showing.
func (d Date) Earliest() time.Time {
	t, _ := d.parse()
	return t
}

// Day is the date alone, without the time of day: "2011-08-03T10:00:00+03:00" gives "2011-08-03", as on the source's calendar.
func (d Date) Day() Date {
	if d.Precision() == Moment {
		return d[:len("2006-01-02")]
	}
	return d
}

// Agrees reports whether both may mean the same day: "1980" and "1980-05-03" do, "1980-06" and "1980-05-03" do not. An
// empty date agrees with nothing, since nothing is known.
func (d Date) Agrees(other Date) bool {
	a, b := d.Day(), other.Day()
	if a.Precision() == Unknown || b.Precision() == Unknown {
		return false
	}
	n := min(len(a), len(b))
	return a[:n] == b[:n]
}

// DateOf writes a moment down, in the zone it carries.
func DateOf(t time.Time) Date { return Date(t.Format(time.RFC3339Nano)) }

func (d Date) parse() (time.Time, Precision) {
	var precision Precision
	switch n := len(d); {
	case n == len("2006"):
		precision = Year
	case n == len("2006-01"):
		precision = Month
	case n == len("2006-01-02"):
		precision = Day
	case n > len("2006-01-02T15:04:05"):
		precision = Moment
	default:
		return time.Time{}, Unknown
	}
	text := string(d)
	// A leap second is written :60, which time.Parse refuses. It is the last second of its minute as far as sorting goes.
	if precision == Moment && text[17:19] == "60" {
		text = text[:17] + "59" + text[19:]
	}
	t, err := time.Parse(layouts[precision], text)
	if err != nil || text[0] == '+' || text[0] == '-' {
		return time.Time{}, Unknown
	}
	if year, err := strconv.Atoi(text[:4]); err != nil || year == 0 {
		return time.Time{}, Unknown
	}
	return t.UTC(), precision
}

// Period is a stretch of time; an empty end is open.
type Period struct{ Start, End Date }
