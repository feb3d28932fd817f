package replica

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// Fact is what the server itself has to say of one record: a clinic's document, or something derived from it.
type Fact struct {
	ID    string
	Kind  string
	Scope string
	Date  time.Time
	Atoms map[string]json.RawMessage // compact JSON: equal values must be equal bytes
}

// Effect is what publishing a fact did.
type Effect string

// The effects.
const (
	Created Effect = "created"
	Changed Effect = "changed" // a new version of at least one atom, or another scope or date
	Same    Effect = "same"    // nothing new, nothing written
)

// Publish writes facts as the server, each atom that differs as a new version. On kinds that devices cannot write it
// replaces whatever stood there. On kinds that they can, it replaces what the server wrote before, and stands beside what
// people wrote: the server has read their words no more than another phone has.
//
// An atom that a record has and the new fact lacks is emptied (null). A fact on a deleted record brings it back. ErrTooLarge,
// with nothing written: one of the facts does not fit into a line.
func (s Server) Publish(l Ledger, facts []Fact, now time.Time) ([]Effect, error) {
	head, records, err := lockAll(l, len(facts), func(i int) string { return facts[i].ID })
	if err != nil {
		return nil, err
	}
	seq := head.Seq
	effects := make([]Effect, len(facts))
	var order []string
	for i, fact := range facts {
		fact.Date = instant(fact.Date)
		rec, exists := records[fact.ID]
		if !exists {
			rec = Record{ID: fact.ID, Kind: fact.Kind, Scope: fact.Scope}
		}
		next, changed := s.publish(rec.clone(), exists, fact, seq+1, now)
		if next.size() > wire.MaxRecord || len(next.Atoms) > wire.MaxAtoms {
			return nil, ErrTooLarge
		}
		switch {
		case !changed:
			effects[i] = Same
			continue
		case exists:
			effects[i] = Changed
		default:
			effects[i] = Created
		}
		seq++
		records[fact.ID] = next
		order = append(order, fact.ID)
	}
	return effects, saveAll(l, head, seq, records, order)
}

func (s Server) publish(rec Record, exists bool, fact Fact, seq uint64, now time.Time) (Record, bool) {
	replaceAll := s.Rules[fact.Kind].Policy != Siblings
	dot, hlc := rec.VV.Next(vclock.Server), vclock.At(now)
	changed := !exists || rec.Deleted || rec.Scope != fact.Scope || !rec.Date.Equal(fact.Date)
	put := func(name string, value json.RawMessage) {
		old := rec.Atoms[name]
		var kept []Version
		for _, v := range old {
			if v.Dot.Actor == vclock.Server && bytes.Equal(v.Value, value) {
				return // the server has said this already
			}
			if v.Dot.Actor != vclock.Server && !replaceAll {
				kept = append(kept, v)
			}
		}
		if len(old) == 1 && bytes.Equal(old[0].Value, value) {
			return
		}
		changed = true
		rec.Atoms[name] = sorted(append(kept, Version{Dot: dot, Seq: seq, HLC: hlc, Value: value}))
	}
	for name, value := range fact.Atoms {
		put(name, value)
	}
	for name := range rec.Atoms {
		if _, kept := fact.Atoms[name]; !kept {
			put(name, json.RawMessage("null"))
		}
	}
	if !changed {
		return rec, false
	}
	if rec.Deleted || rec.Scope != fact.Scope {
		rec.restamp(seq)
	}
	rec.Deleted, rec.Collected, rec.Scope, rec.Date = false, false, fact.Scope, fact.Date
	rec.VV, rec.Seq = rec.VV.With(dot), seq
	return rec, true
}

// instant is a time as databases keep it: else the same fact would differ from itself after it was stored.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// Withdraw deletes records as the server, whatever anyone wrote in them, and returns how many there were to delete.
func (s Server) Withdraw(l Ledger, ids []string) (int, error) {
	head, records, err := lockAll(l, len(ids), func(i int) string { return ids[i] })
	if err != nil {
		return 0, err
	}
	seq := head.Seq
	var order []string
	for _, id := range ids {
		rec, exists := records[id]
		if !exists || rec.Deleted {
			continue
		}
		seq++
		rec.Deleted = true
		rec.VV = rec.VV.With(rec.VV.Next(vclock.Server))
		rec.Seq = seq
		records[id] = rec
		order = append(order, id)
	}
	return len(order), saveAll(l, head, seq, records, order)
}

func lockAll(l Ledger, n int, id func(int) string) (Head, map[string]Record, error) {
	head, err := l.Lock()
	if err != nil {
		return Head{}, nil, err
	}
	ids := make([]string, 0, n)
	seen := make(map[string]bool, n)
	for i := range n {
		if id := id(i); !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	records, err := l.Records(ids)
	return head, records, err
}

// saveAll writes the records named in order, each once, and moves the card's sequence to seq.
func saveAll(l Ledger, head Head, seq uint64, records map[string]Record, order []string) error {
	if seq == head.Seq {
		return nil
	}
	if err := l.Advance(seq); err != nil {
		return err
	}
	out := make([]Record, 0, len(order))
	seen := make(map[string]bool, len(order))
	for _, id := range order {
		if !seen[id] {
			seen[id] = true
			out = append(out, records[id])
		}
	}
	return l.SaveRecords(out)
}
