package simnet

import (
	"fmt"
	"maps"
	"slices"

	"github.com/medcard/medcard/sync/replica"
)

// What a collection asks of a Ledger.

func (p *pages) Deleted(after, upto uint64, limit int) ([]replica.Record, error) {
	var out []replica.Record
	for _, rec := range p.records {
		if rec.Deleted && !rec.Collected && rec.Seq > after && rec.Seq <= upto {
			out = append(out, rec)
		}
	}
	return inOrder(out, limit), nil
}

func (p *pages) Written(actor uint32, upto uint64, limit int) ([]replica.Record, error) {
	var out []replica.Record
	for _, rec := range p.records {
		if rec.Seq <= upto && rec.VV.Get(actor) > 0 {
			out = append(out, rec)
		}
	}
	return inOrder(out, limit), nil
}

func (p *pages) Replace(records []replica.Record) error { return p.put(records) }

func (p *pages) Forget(upto uint64, emptied map[string]uint64) error {
	last := map[string]replica.Move{}
	for _, m := range p.moves {
		if m.Seq <= upto {
			p.forgot[m.From] = max(p.forgot[m.From], m.Seq)
			last[m.ID] = m
		}
	}
	for scope, seq := range emptied {
		p.forgot[scope] = max(p.forgot[scope], seq)
	}
	p.moves = slices.DeleteFunc(slices.Clone(p.moves), func(m replica.Move) bool { return m.Seq < last[m.ID].Seq })
	for id, m := range last {
		p.born[id] = m.Seq
	}
	p.head.GC = max(p.head.GC, upto)
	return nil
}

func (p *pages) Forgotten(scopes replica.Scopes) (last uint64, err error) {
	for scope := range maps.Keys(p.forgot) {
		if scopes.Holds(scope) {
			last = max(last, p.forgot[scope])
		}
	}
	return last, nil
}

func (t twinLedger) Deleted(after, upto uint64, limit int) ([]replica.Record, error) {
	a, _ := t.memory.Deleted(after, upto, limit)
	b, err := t.real.Deleted(after, upto, limit)
	return twins(fmt.Sprintf("Deleted after %d up to %d, %d at most,", after, upto, limit), a, b, err), nil
}

func (t twinLedger) Written(actor uint32, upto uint64, limit int) ([]replica.Record, error) {
	a, _ := t.memory.Written(actor, upto, limit)
	b, err := t.real.Written(actor, upto, limit)
	return twins(fmt.Sprintf("Written by %d up to %d, %d at most,", actor, upto, limit), a, b, err), nil
}

func (t twinLedger) Replace(records []replica.Record) error {
	return wrote("Replace", t.memory.Replace(records), t.real.Replace(records))
}

func (t twinLedger) Forget(upto uint64, emptied map[string]uint64) error {
	return wrote("Forget", t.memory.Forget(upto, emptied), t.real.Forget(upto, emptied))
}

func (t twinLedger) Forgotten(scopes replica.Scopes) (uint64, error) {
	a, _ := t.memory.Forgotten(scopes)
	b, err := t.real.Forgotten(scopes)
	return twins(fmt.Sprintf("Forgotten of %v", scopes), a, b, err), nil
}
