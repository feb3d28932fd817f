package prescription

import "time"

// Form is the official form a prescription is written on.
type Form string

// The forms in force. The words travel and are stored: they never change.
const (
	Ordinary     Form = "107-1/u"    // ordinary medicines
	Accounted    Form = "148-1/u-88" // medicines under subject-quantity accounting
	Preferential Form = "148-1/u-04" // free of charge or at a discount
	Narcotic     Form = "107/u-NP"   // narcotic and psychotropic medicines
)

// Validity is how long a prescription may be used, a code of the national dictionary 1.2.643.5.1.13.13.99.2.608. The code is
// kept, not a number of days: "one month" and "30 days" differ.
type Validity uint8

// The codes of the dictionary, version 1.2.
const (
	Days15      Validity = 1
	Days30      Validity = 2
	Days60      Validity = 3
	Days90      Validity = 4
	UpToYear    Validity = 5
	OneMonth    Validity = 6
	ThreeMonths Validity = 7
)

// Longest is the longest time from issue to end that the validity can give, in any time zone: a code that claims more was not made by
// these rules. An unknown code gives 0.
func (v Validity) Longest() time.Duration {
	days := map[Validity]int{Days15: 15, Days30: 30, Days60: 60, Days90: 90, UpToYear: 366, OneMonth: 31, ThreeMonths: 92}[v]
	if days == 0 {
		return 0
	}
	// The last day counts whole, so the end is up to a day later than issue plus period, and a clock change adds an hour.
	return time.Duration(days+1)*24*time.Hour + time.Hour
}

// Until is the last second of validity: the period counts from the day of issue in the clinic's time zone, and its last day counts
// whole. An unknown code gives the zero time.
func (v Validity) Until(issued time.Time, zone *time.Location) time.Time {
	y, m, d := issued.In(zone).Date()
	switch v {
	case Days15:
		d += 15
	case Days30:
		d += 30
	case Days60:
		d += 60
	case Days90:
		d += 90
	case UpToYear:
		return endOfDay(addMonths(y, m, d, 12, zone))
	case OneMonth:
		return endOfDay(addMonths(y, m, d, 1, zone))
	case ThreeMonths:
		return endOfDay(addMonths(y, m, d, 3, zone))
	default:
		return time.Time{}
	}
	return endOfDay(time.Date(y, m, d, 0, 0, 0, 0, zone))
}

// addMonths stops at the end of a shorter month, as a lawyer counts and time.AddDate does not: 31 January and a month is the end
// of February, not early March.
func addMonths(y int, m time.Month, d, months int, zone *time.Location) time.Time {
	last := time.Date(y, m+time.Month(months)+1, 0, 0, 0, 0, 0, zone).Day()
	return time.Date(y, m+time.Month(months), min(d, last), 0, 0, 0, 0, zone)
}

func endOfDay(midnight time.Time) time.Time {
	y, m, d := midnight.Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, midnight.Location()).Add(-time.Second).UTC()
}
