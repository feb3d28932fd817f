package simnet

import (
	"cmp"
	"slices"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// The sums of both stores in memory, made anew each time: what stores that keep them are held against.

func (p *pages) Sum(scopes replica.Scopes) (sum wire.Sum, known bool, err error) {
	for _, rec := range p.records {
		if !rec.Deleted && scopes.Holds(rec.Scope) {
			sum.Add(rec.Digest())
		}
	}
	return sum, true, nil
}

func (p *pages) Digests(scopes replica.Scopes, from, to string, limit int) ([]wire.Entry, error) {
	var list []wire.Entry
	for id, rec := range p.records {
		if !rec.Deleted && scopes.Holds(rec.Scope) && within(id, from, to) {
			list = append(list, wire.Entry{ID: id, Digest: rec.Digest()})
		}
	}
	return byID(list)[:min(len(list), limit)], nil
}

func (s *shelfState) Sum() (sum wire.Sum, err error) {
	for _, row := range s.base {
		sum.Add(replica.Digest(row))
	}
	return sum, nil
}

func (s *shelfState) Digests(from, to string) ([]wire.Entry, error) {
	var list []wire.Entry
	for id, row := range s.base {
		if within(id, from, to) {
			list = append(list, wire.Entry{ID: id, Digest: replica.Digest(row)})
		}
	}
	return byID(list), nil
}

func (s *shelfState) Recount() (damaged int, err error) { return 0, nil }

func within(id, from, to string) bool { return id >= from && (to == "" || id < to) }

func byID(list []wire.Entry) []wire.Entry {
	slices.SortFunc(list, func(a, b wire.Entry) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
