package vclock

import (
	"errors"
	"strconv"
)

// ErrText says that a text is not the canonical form of a clock, a dot or a time stamp. It never repeats the text.
var ErrText = errors.New("vclock: not a canonical clock text")

// MaxEntries bounds a clock that comes from outside: a card has few devices, and dead ones are pruned.
const MaxEntries = 256

// AppendText appends the dot as "actor:n", both decimal; the zero Dot is "0:0".
func (d Dot) AppendText(b []byte) ([]byte, error) {
	b = strconv.AppendUint(b, uint64(d.Actor), 10)
	b = append(b, ':')
	return strconv.AppendUint(b, d.N, 10), nil
}

// MarshalText is AppendText for encoders; in JSON a dot is the string "3:7".
func (d Dot) MarshalText() ([]byte, error) { return d.AppendText(nil) }

// String is the text form.
func (d Dot) String() string {
	b, _ := d.AppendText(make([]byte, 0, 24))
	return string(b)
}

// UnmarshalText reads the one canonical form and nothing else, so that equal dots are equal bytes.
func (d *Dot) UnmarshalText(text []byte) error {
	got, rest, err := readDot(text)
	if err != nil || len(rest) != 0 {
		return ErrText
	}
	*d = got
	return nil
}

// AppendText appends the dots in the order of actors, joined by commas; the empty clock is the empty text.
func (c Clock) AppendText(b []byte) ([]byte, error) {
	for i, d := range c {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = d.AppendText(b)
	}
	return b, nil
}

// MarshalText is AppendText for encoders; in JSON a clock is the string "0:2,3:7".
func (c Clock) MarshalText() ([]byte, error) { return c.AppendText(make([]byte, 0, 8*len(c))) }

// String is the text form.
func (c Clock) String() string {
	b, _ := c.MarshalText()
	return string(b)
}

// UnmarshalText reads the one canonical form: actors ascending, each once, none with N = 0, no leading zeros.
func (c *Clock) UnmarshalText(text []byte) error {
	var out Clock
	for len(text) > 0 {
		d, rest, err := readDot(text)
		switch {
		case err != nil:
			return err
		case d.N == 0, len(out) == MaxEntries:
			return ErrText
		case len(out) > 0 && out[len(out)-1].Actor >= d.Actor:
			return ErrText
		}
		out = append(out, d)
		if len(rest) == 0 {
			break
		}
		if rest[0] != ',' || len(rest) == 1 {
			return ErrText
		}
		text = rest[1:]
	}
	*c = out
	return nil
}

func readDot(text []byte) (Dot, []byte, error) {
	actor, rest, ok := readNumber(text, 1<<32-1)
	if !ok || len(rest) == 0 || rest[0] != ':' {
		return Dot{}, nil, ErrText
	}
	n, rest, ok := readNumber(rest[1:], MaxN)
	if !ok || (n == 0 && actor != 0) {
		return Dot{}, nil, ErrText
	}
	return Dot{Actor: uint32(actor), N: n}, rest, nil
}

// readNumber reads a canonical decimal that is at most limit, which is far enough below 2^64 never to overflow here.
func readNumber(text []byte, limit uint64) (n uint64, rest []byte, ok bool) {
	i := 0
	for ; i < len(text) && text[i] >= '0' && text[i] <= '9'; i++ {
		if n = n*10 + uint64(text[i]-'0'); n > limit {
			return 0, nil, false
		}
	}
	if i == 0 || (i > 1 && text[0] == '0') {
		return 0, nil, false
	}
	return n, text[i:], true
}
