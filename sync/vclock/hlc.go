package vclock

import (
	"encoding/hex"
	"time"
)

// HLC is a hybrid logical clock: 48 bits of Unix milliseconds, then 16 bits that count within one millisecond. It serves
// the order of display and the last tie-break only; what supersedes what is decided by dots alone, since a phone's clock
// may say anything.
type HLC uint64

// Stamp returns a time stamp for now that is greater than last, even where the wall clock stood still or went back.
func Stamp(now time.Time, last HLC) HLC {
	if wall := At(now); wall > last {
		return wall
	}
	return last + 1
}

// At is the first stamp of an instant; instants before 1970 are 1970.
func At(t time.Time) HLC { return HLC(max(t.UnixMilli(), 0)) << 16 }

// Time is the instant of the stamp, to the millisecond, in UTC.
func (h HLC) Time() time.Time { return time.UnixMilli(int64(h >> 16)).UTC() }

// Clamp keeps a stamp from running more than drift ahead of now: a phone from the future must not stay "newest" for ever.
func (h HLC) Clamp(now time.Time, drift time.Duration) HLC {
	return min(h, At(now.Add(drift)))
}

// AppendText appends sixteen lower-case hex digits, so that texts sort as stamps do and no reader rounds them.
func (h HLC) AppendText(b []byte) ([]byte, error) {
	var raw [8]byte
	for i := range raw {
		raw[i] = byte(h >> (56 - 8*i))
	}
	return hex.AppendEncode(b, raw[:]), nil
}

// MarshalText is AppendText for encoders.
func (h HLC) MarshalText() ([]byte, error) { return h.AppendText(make([]byte, 0, 16)) }

// String is the text form.
func (h HLC) String() string {
	b, _ := h.MarshalText()
	return string(b)
}

// UnmarshalText reads the text form.
func (h *HLC) UnmarshalText(text []byte) error {
	if len(text) != 16 {
		return ErrText
	}
	var out HLC
	for _, b := range text {
		switch {
		case b >= '0' && b <= '9':
			out = out<<4 | HLC(b-'0')
		case b >= 'a' && b <= 'f':
			out = out<<4 | HLC(b-'a'+10)
		default:
			return ErrText
		}
	}
	*h = out
	return nil
}
