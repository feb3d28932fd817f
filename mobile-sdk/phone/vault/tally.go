package vault

import (
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Sum is the sum of the base.
func (t *Tx) Sum() (sum wire.Sum, err error) {
	entries, err := t.Digests("", "")
	for _, e := range entries {
		sum.Add(e.Digest)
	}
	return sum, err
}

// Digests returns the digests of the base in a range of ids.
func (t *Tx) Digests(from, to string) ([]wire.Entry, error) {
	read := func(body []byte) (wire.Entry, error) {
		row, err := readRow(body)
		return wire.Entry{ID: row.ID, Digest: replica.Digest(row)}, err
	}
	const query = "SELECT body FROM record WHERE card = ? AND shadow = 0 AND id >= ?"
	if to == "" {
		return list(t, read, query+" ORDER BY id", t.card, from)
	}
	return list(t, read, query+" AND id < ? ORDER BY id", t.card, from, to)
}

// Recount notes the digests anew.
func (t *Tx) Recount() (damaged int, err error) { return 0, nil }
