package simnet

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/medcard/medcard/sync/replica"
)

// formerState is what a record was up to some commit.
type formerState struct {
	seq   uint64
	atoms map[string][]replica.Version
}

func (p *pages) keep(rec replica.Record) {
	list := p.former[rec.ID]
	if !slices.ContainsFunc(list, func(s formerState) bool { return s.seq == rec.Seq }) {
		p.former[rec.ID] = append(slices.Clip(list), formerState{rec.Seq, rec.Atoms})
	}
}

func (p *pages) Keep(records []replica.Record) error {
	for _, rec := range records {
		p.keep(rec)
	}
	return nil
}

func (p *pages) Former(id string, limit int) (states []map[string][]replica.Version, err error) {
	list := slices.SortedFunc(slices.Values(p.former[id]), func(a, b formerState) int { return cmp.Compare(b.seq, a.seq) })
	for _, s := range list[:min(limit, len(list))] {
		states = append(states, s.atoms)
	}
	return states, nil
}

func (t twinLedger) Keep(records []replica.Record) error {
	return wrote("Keep", t.memory.Keep(records), t.real.Keep(records))
}

func (t twinLedger) Former(id string, limit int) ([]map[string][]replica.Version, error) {
	a, _ := t.memory.Former(id, limit)
	b, err := t.real.Former(id, limit)
	return twins(fmt.Sprintf("Former of %s, %d at most,", id, limit), a, b, err), nil
}
