package trust

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"time"

	"github.com/medcard/medcard/qr"
)

// Mark is what a status list says of a document.
type Mark uint8

// The marks.
const (
	NotIssued Mark = iota
	Valid
	Revoked // or suspended
	Spent   // handed out in full, or used; told to pharmacies only
)

// ListSize is how many documents a status list speaks of. Their places are random, so that a list tells nothing of who was
// issued what after whom.
const ListSize = 1 << 17

// StatusList is two bits for each document of a shard.
type StatusList struct {
	Issuer   string // filled by SealStatus from the key
	Number   uint32
	IssuedAt time.Time
	marks    []byte
	signedBy qr.KeyID
}

// NewStatusList makes a list in which nothing is issued.
func NewStatusList(number uint32, at time.Time) *StatusList {
	return &StatusList{Number: number, IssuedAt: at.UTC(), marks: make([]byte, ListSize/4)}
}

// Mark reads a place; one beyond the list was not issued.
func (l *StatusList) Mark(index uint32) Mark {
	if index >= ListSize {
		return NotIssued
	}
	return Mark(l.marks[index/4] >> (index % 4 * 2) & 3)
}

// Set marks a place.
func (l *StatusList) Set(index uint32, m Mark) error {
	if index >= ListSize || m > Spent {
		return fmt.Errorf("%w: no such place or mark", ErrFormat)
	}
	shift := index % 4 * 2
	l.marks[index/4] = l.marks[index/4]&^(3<<shift) | byte(m)<<shift
	return nil
}

// Public is the list for everybody: that something was handed out is told to pharmacies only, others see it as valid.
func (l *StatusList) Public() *StatusList {
	public := *l
	public.marks = bytes.Clone(l.marks)
	for i, b := range public.marks {
		spent := b & (b >> 1) & 0b01010101 // both bits of a place
		public.marks[i] = b &^ (spent << 1)
	}
	return &public
}

type wireStatus struct {
	Issuer   string `cbor:"1,keyasint"`
	IssuedAt uint64 `cbor:"6,keyasint"`
	Number   uint32 `cbor:"-65553,keyasint"`
	Marks    []byte `cbor:"-65554,keyasint"`
}

// SealStatus signs a list.
func SealStatus(l *StatusList, key qr.SigningKey) ([]byte, error) {
	if key.Usage != qr.StatusList {
		return nil, fmt.Errorf("trust: %w", qr.ErrUsage)
	}
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	if _, err := w.Write(l.marks); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	content, err := encoding.Marshal(wireStatus{Issuer: key.Issuer, IssuedAt: seconds(l.IssuedAt), Number: l.Number, Marks: packed.Bytes()})
	if err != nil {
		return nil, err
	}
	return qr.Sign(content, key)
}

// OpenStatus believes a list that a status key of the key set signed while it was in force.
func OpenStatus(data []byte, keys KeySet) (*StatusList, error) {
	if len(data) > maxStatus {
		return nil, fmt.Errorf("%w: a status list larger than %d bytes", ErrFormat, maxStatus)
	}
	envelope, err := qr.ParseEnvelope(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	key, known := keys.Find(envelope.KeyID())
	if !known || key.Usage != qr.StatusList || key.Standing == Compromised {
		return nil, ErrKey
	}
	content, err := envelope.Payload(key.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return readStatus(content, key)
}

// readStatus reads what the key signed.
func readStatus(content []byte, key Key) (l *StatusList, err error) {
	var wire wireStatus
	if err := strict.Unmarshal(content, &wire); err != nil {
		return nil, fmt.Errorf("%w: no status list", ErrFormat)
	}
	l = &StatusList{Issuer: wire.Issuer, Number: wire.Number, IssuedAt: moment(wire.IssuedAt), signedBy: key.ID}
	if wire.Issuer != key.Issuer || l.IssuedAt.Before(key.NotBefore) || l.IssuedAt.After(key.LastIssue) {
		return nil, ErrKey
	}
	if l.marks, err = unpack(wire.Marks); err != nil {
		return nil, err
	}
	return l, nil
}

// unpack inflates exactly as much as a list has: a small body that unpacks to gigabytes stops there.
func unpack(packed []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("%w: the marks are not zlib", ErrFormat)
	}
	marks, err := io.ReadAll(io.LimitReader(r, ListSize/4+1))
	if err != nil || len(marks) != ListSize/4 {
		return nil, fmt.Errorf("%w: a list has %d marks", ErrFormat, ListSize)
	}
	return marks, nil
}
