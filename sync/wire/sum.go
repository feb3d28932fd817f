package wire

import (
	"encoding/hex"

	"github.com/medcard/medcard/sync/vclock"
)

// Digest stands for all that a viewer of a record holds of it: 64 bits, made by replica.Digest. In JSON it is a string of sixteen
// lower-case hex digits, since readers that count in doubles would round a number.
type Digest uint64

// AppendText appends the sixteen digits.
func (d Digest) AppendText(b []byte) ([]byte, error) { return vclock.HLC(d).AppendText(b) }

// MarshalText is AppendText for encoders.
func (d Digest) MarshalText() ([]byte, error) {
	return d.AppendText(make([]byte, 0, hex.EncodedLen(8)))
}

// String is the text form.
func (d Digest) String() string {
	b, _ := d.MarshalText()
	return string(b)
}

// UnmarshalText reads the text form and no other.
func (d *Digest) UnmarshalText(text []byte) error { return (*vclock.HLC)(d).UnmarshalText(text) }

// Sum stands for a set of records: how many they are, and their digests added up modulo 2^64. The order does not matter, and one
// that comes or goes is added or taken off without looking at the others.
type Sum struct {
	Count int    `json:"count"`
	Total Digest `json:"sum"`
}

// Add puts a record in.
func (s *Sum) Add(d Digest) {
	s.Count++
	s.Total += d
}

// Plus is the sum of both sets.
func (s Sum) Plus(other Sum) Sum { return Sum{s.Count + other.Count, s.Total + other.Total} }

// Minus is the sum of what is left when the other set is taken out.
func (s Sum) Minus(other Sum) Sum { return Sum{s.Count - other.Count, s.Total - other.Total} }
