package store

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/vclock"
)

// The atoms of a record stand in its sealed column in a form of our own, not as JSON: a first sync reads every record of a card,
// and JSON cost more than the database, the encryption and the page together. (JSON's encoder would also write < as \u003c: a value
// would come back as other bytes than were sent.)
//
//	form | atoms | atom: name, versions | version: actor, n, seq, hlc, value
//
// Numbers are uvarints; names and values have their length before them. Whatever comes later gets another form.
const atomsForm = 1

// appendAtoms writes atoms in the order of their names: the same atoms are the same bytes.
func appendAtoms(b []byte, atoms map[string][]replica.Version) []byte {
	names := make([]string, 0, len(atoms))
	for name := range atoms {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, atomsForm)
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, name := range names {
		b = appendText(b, name)
		b = binary.AppendUvarint(b, uint64(len(atoms[name])))
		for _, v := range atoms[name] {
			b = binary.AppendUvarint(b, uint64(v.Dot.Actor))
			b = binary.AppendUvarint(b, v.Dot.N)
			b = binary.AppendUvarint(b, v.Seq)
			b = binary.AppendUvarint(b, uint64(v.HLC))
			b = appendText(b, v.Value)
		}
	}
	return b
}

func appendText[T ~string | ~[]byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

var errAtoms = errors.New("store: the atoms of a record are in no form that this version reads")

// readAtoms reads what appendAtoms wrote. The values point into b.
func readAtoms(b []byte) (map[string][]replica.Version, error) {
	if len(b) == 0 || b[0] != atomsForm {
		return nil, errAtoms
	}
	r := atomReader{b: b[1:]}
	n := r.count()
	atoms := make(map[string][]replica.Version, n)
	for range n {
		name := string(r.text())
		versions := make([]replica.Version, r.count())
		for i := range versions {
			actor := r.number()
			r.failed = r.failed || actor > math.MaxUint32
			versions[i] = replica.Version{
				Dot: vclock.Dot{Actor: uint32(actor), N: r.number()}, Seq: r.number(), HLC: vclock.HLC(r.number()), Value: r.text(), // looked at above
			}
		}
		atoms[name] = versions
	}
	if r.failed || len(r.b) > 0 {
		return nil, errAtoms
	}
	return atoms, nil
}

// atomReader takes one thing after the other off b; after a failure, nothing more.
type atomReader struct {
	b      []byte
	failed bool
}

func (r *atomReader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.failed, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count is a number of things that are still to come, each at least a byte long.
func (r *atomReader) count() int {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.failed, r.b = true, nil
		return 0
	}
	return int(n) // no more than there are bytes
}

func (r *atomReader) text() []byte {
	n := r.count()
	text := r.b[:n:n]
	r.b = r.b[n:]
	return text
}
