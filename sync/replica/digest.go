package replica

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// The digest of a record is the first eight bytes, big-endian, of the SHA-256 of what follows. It stands for all that somebody
// who sees the record holds of it, the values too, so that one byte that flipped in a phone's file is found. SHA-256 because
// every platform has it, mostly in hardware, and because its results add up like random numbers: those of a plain checksum have
// patterns that cancel each other out in a sum.
//
//	text(id) text(kind) text(scope) text(date) text(vv) number(atoms)
//	each atom, by name:            text(name) number(versions)
//	each version, as they travel:  text(dot) text(hlc) text(value)
//
// A number is a uvarint (seven bits a byte, the lowest first); a text is its length in bytes, as such a number, then the bytes. All
// texts are as they stand in JSON, without the quotes; an hlc that is missing there is empty here, a value is its JSON exactly as it
// came. The date is the count of microseconds since 1970 in decimal, empty where there is none. testdata/digests.json has
// examples.

// Digest is the digest of a record as a phone holds it.
func Digest(row wire.Row) wire.Digest {
	return digest(row.ID, row.Kind, row.Scope, row.Date, row.VV, row.Atoms,
		func(v wire.Version) (vclock.Dot, vclock.HLC, []byte) { return v.Dot, v.HLC, v.Value })
}

// Digest is the digest of a record as the server holds it: that of the row it sends.
func (r Record) Digest() wire.Digest {
	return digest(r.ID, r.Kind, r.Scope, r.Date, r.VV, r.Atoms,
		func(v Version) (vclock.Dot, vclock.HLC, []byte) { return v.Dot, v.HLC, v.Value })
}

func digest[V any](id, kind, scope string, date time.Time, vv vclock.Clock, atoms map[string][]V, parts func(V) (vclock.Dot, vclock.HLC, []byte)) wire.Digest {
	var room [1 << 10]byte
	var small [32]byte
	b := room[:0]
	for _, text := range [...]string{id, kind, scope} {
		b = appendText(b, text)
	}
	at := small[:0]
	if !date.IsZero() {
		at = strconv.AppendInt(at, date.UnixMicro(), 10)
	}
	b = appendText(b, at)
	clock, _ := vv.AppendText(nil)
	b = appendText(b, clock)

	names := make([]string, 0, len(atoms))
	for name := range atoms {
		names = append(names, name)
	}
	slices.Sort(names)
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, name := range names {
		b = appendText(b, name)
		b = binary.AppendUvarint(b, uint64(len(atoms[name])))
		for _, v := range atoms[name] {
			dot, hlc, value := parts(v)
			text, _ := dot.AppendText(small[:0])
			b = appendText(b, text)
			text = small[:0]
			if hlc != 0 {
				text, _ = hlc.AppendText(text)
			}
			b = appendText(b, text)
			if value == nil {
				value = []byte("null") // so it travels
			}
			b = appendText(b, value)
		}
	}
	sum := sha256.Sum256(b)
	return wire.Digest(binary.BigEndian.Uint64(sum[:]))
}

func appendText[T ~string | ~[]byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}
