package store

import (
	"database/sql"
	"database/sql/driver"
	"time"
)

// How values of Go get into a statement, and back out of a row.

// bound makes of the arguments of a statement what both databases take for the same.
func bound(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case []byte:
			if out[i] = nil; v != nil {
				out[i] = blob(v)
			}
		case time.Time:
			out[i] = instant(v)
		default:
			out[i] = arg
		}
	}
	return out
}

// blob is a byte string that GORM leaves in one piece: a plain []byte that follows a parenthesis, as in VALUES (?, it takes
// for a list and writes as one value a byte.
type blob []byte

func (b blob) Value() (driver.Value, error) { return []byte(b), nil }

// instant is a time as it is written. SQLite keeps times as text and compares them as text, and its driver leaves out zeros at the
// end, by which half past comes before the full second ("05.5Z" < "05Z"). So each has all of its digits.
type instant time.Time

const instantLayout = "2006-01-02T15:04:05.000000Z"

func (i instant) Value() (driver.Value, error) {
	return micros(time.Time(i)).Format(instantLayout), nil
}

// micros cuts an instant to what both databases keep.
func micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func nullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return micros(t)
}

func fromNull(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}
