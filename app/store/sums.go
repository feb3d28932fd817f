package store

import (
	"cmp"
	"math"
	"slices"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

func (l *ledger) Sum(scopes replica.Scopes) (sum wire.Sum, known bool, err error) {
	return wire.Sum{}, false, nil
}

func (l *ledger) Digests(scopes replica.Scopes, from, to string) ([]wire.Entry, error) {
	records, err := l.Scan(scopes, 0, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	var list []wire.Entry
	for _, r := range records {
		if !r.Deleted && r.ID >= from && (to == "" || r.ID < to) {
			list = append(list, wire.Entry{ID: r.ID, Digest: r.Digest()})
		}
	}
	slices.SortFunc(list, func(a, b wire.Entry) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}
