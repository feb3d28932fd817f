package fhir

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"strings"

	"github.com/medcard/medcard/domain/posting"
)

// digest is the hash of what a resource says: the order of names and the white space do not count, nor what a sender numbers anew at
// each export (the resource's id and version, the urn:uuid addresses inside the bundle). Numbers count as written: 7.10 is not 7.1.
func (b *Bundle) digest(resource *node) posting.Digest {
	d := digester{bundle: b, Hash: sha256.New()}
	d.value(resource, true)
	return posting.Digest(d.Sum(nil))
}

type digester struct {
	hash.Hash
	bundle *Bundle
}

// write adds a length before each piece, so that no two different values run together into the same bytes.
func (d digester) write(tag byte, piece string) {
	var head [9]byte
	head[0] = tag
	binary.BigEndian.PutUint64(head[1:], uint64(len(piece)))
	d.Write(head[:])
	d.Write([]byte(piece))
}

func (d digester) value(n *node, top bool) {
	switch n.kind {
	case object:
		fields := slices.SortedFunc(slices.Values(pointers(n.fields)), func(a, b *field) int { return strings.Compare(a.name, b.name) })
		d.write('{', "")
		for _, f := range fields {
			if top && f.name == "id" {
				continue
			}
			d.write('.', f.name)
			switch {
			case top && f.name == "meta":
				d.meta(&f.value)
			case f.name == "reference" && f.value.kind == text:
				d.reference(n, &f.value)
			default:
				d.value(&f.value, false)
			}
		}
		d.write('}', "")
	case array:
		d.write('[', "")
		for i := range n.items {
			d.value(&n.items[i], false)
		}
		d.write(']', "")
	case text:
		d.write('"', n.text)
	case number:
		d.write('#', n.text)
	default: // true, false, null
		d.write('!', n.text)
	}
}

func (d digester) meta(n *node) {
	kept := *n
	kept.fields = slices.DeleteFunc(slices.Clone(n.fields), func(f field) bool {
		return f.name == "versionId" || f.name == "lastUpdated"
	})
	d.value(&kept, false)
}

// reference counts as what it leads to.
func (d digester) reference(owner, literal *node) {
	if t := d.bundle.follow(owner); t.entry >= 0 {
		key := d.bundle.Entries[t.entry].Key
		d.write('>', key.Type+"/"+key.Name)
		return
	}
	d.value(literal, false)
}

func pointers(fields []field) []*field {
	list := make([]*field, len(fields))
	for i := range fields {
		list[i] = &fields[i]
	}
	return list
}
