package replica

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// edit is a mutation with all that its judgement needs.
type edit struct {
	wire.Mutation
	actor uint32
	at    uint64 // the commit up to which the editor's screen was current
	blind bool   // opened in another epoch: dots mean other writes there, so nothing that the edit says it saw counts
	seq   uint64 // the commit this edit gets if it changes anything
	now   time.Time
}

// open reads where the editor was opened. One that was opened before the first whole answer proves nothing by its place; the
// dots that it names, and what it does not know of its own writer, count in their own epoch only.
func (e *edit) open(seal Sealer, epoch string) {
	if e.At == "" {
		e.blind = e.Epoch != epoch && e.names()
		return
	}
	at, err := seal.Open(e.At)
	if err != nil {
		e.blind = true
		return
	}
	e.at = at
}

// names says whether the edit names any write.
func (e *edit) names() bool {
	for _, change := range e.Atoms {
		if len(change.Seen) > 0 {
			return true
		}
	}
	return len(e.Ctx) > 0
}

// verdict is what becomes of an edit.
type verdict struct {
	record  Record
	changed bool
	outcome wire.Outcome
	code    string
}

func refuse(code string) verdict { return verdict{outcome: wire.Refused, code: code} }

// judge decides on one edit of one record. It is pure but for Sight.Since, which reads.
func (s Server) judge(rec Record, exists bool, e edit, sight Sight) (verdict, error) {
	rule, ok := s.Rules[e.Kind]
	switch {
	case !ok:
		return refuse(wire.CodeUnknownKind), nil
	case rule.Policy == Immutable:
		return refuse(wire.CodeReadOnly), nil
	case !exists && e.Op != wire.OpCreate:
		return refuse(missing(e)), nil
	case !exists:
		rec = Record{ID: e.ID, Kind: e.Kind, Scope: rule.Scope}
	case !sight.Now.Holds(rec.Scope):
		if code := sight.barred(rule.Scope); code != "" && e.Op == wire.OpCreate {
			return refuse(code), nil // as if the id were free
		}
		code, err := unseen(rec, e, sight)
		return refuse(code), err
	case rec.Kind != e.Kind:
		return refuse(missing(e)), nil
	}
	if !sight.Now.Holds(rec.Scope) {
		return refuse(wire.CodeAccessEnded), nil
	}
	if sight.refuses(rec, exists, e) {
		return refuse(wire.CodeReadOnly), nil
	}
	values := make(map[string]json.RawMessage, len(e.Atoms))
	for name, change := range e.Atoms {
		values[name] = change.V
	}
	if e.Op != wire.OpDelete {
		if len(values) == 0 {
			return refuse(wire.CodeInvalid), nil
		}
		if rule.Check != nil {
			if code := rule.Check(values); code != "" {
				return refuse(code), nil
			}
		}
	}
	rec = rec.clone()
	switch {
	case rule.Policy == Command && rec.Deleted:
		return refuse(wire.CodeRecordDeleted), nil
	case rule.Policy == Command:
		return s.judgeCommand(rule, rec, e, values), nil
	case e.Op == wire.OpDelete:
		return judgeDelete(rec, e), nil
	case e.Op == wire.OpCreate, e.Op == wire.OpPatch, e.Op == wire.OpResolve:
		return s.judgeEdit(rule, rec, e, values), nil
	}
	return refuse(wire.CodeWrongOperation), nil
}

// refuses says whether the device may see the record, and not write it so. What it wrote once and sends again is no change.
func (s Sight) refuses(rec Record, exists bool, e edit) bool {
	if !exists {
		return s.Closed.Holds(rec.Scope)
	}
	return s.Fixed.Holds(rec.Scope) && (e.Op != wire.OpCreate || s.Closed.Holds(rec.Scope) || !rec.holds(e.Atoms))
}

// barred is the code with which a new record of the scope is refused, "" where the device may add one.
func (s Sight) barred(scope string) string {
	switch {
	case !s.Now.Holds(scope):
		return wire.CodeAccessEnded
	case s.Closed.Holds(scope):
		return wire.CodeReadOnly
	}
	return ""
}

// missing is the code for a record that is not there, or that this device may not know of: the two must look alike, so it
// depends on the edit alone. An edit that builds on something was made on a record that was collected since.
func missing(e edit) string {
	if len(e.Ctx) > 0 {
		return wire.CodeRecordDeleted
	}
	return wire.CodeUnknownRecord
}

// unseen is the code for a record that is there but hidden from this device now. To be told that access ended is no news
// about what one could see when the editor was opened, or later; about anything else it would be.
func unseen(rec Record, e edit, sight Sight) (string, error) {
	if sight.Since == nil {
		return missing(e), nil
	}
	span, err := sight.Since(e.at)
	if err == nil && span.Ever.Holds(rec.Scope) {
		return wire.CodeAccessEnded, nil
	}
	return missing(e), err
}

// judgeEdit writes new values: each replaces what its editor saw, and stands beside what it did not see.
func (s Server) judgeEdit(rule Rule, rec Record, e edit, values map[string]json.RawMessage) verdict {
	v := verdict{changed: true, outcome: wire.Accepted}
	fresh := rec.Seq == 0
	if rec.Deleted {
		if e.Op == wire.OpCreate || rec.Collected || knows(rec, e) {
			return refuse(wire.CodeRecordDeleted)
		}
		if rec.holds(e.Atoms) {
			return verdict{outcome: wire.Accepted} // it comes again, under a fresh actor: who deleted the record had seen it
		}
		rec.Deleted = false
		rec.restamp(e.seq)
		v.outcome, v.code = wire.Conflict, wire.CodeRevived
	}
	dot := rec.VV.Next(e.actor)
	hlc := e.HLC.Clamp(e.now, s.drift())
	for name, change := range e.Atoms {
		if len(change.Seen) > 1 && e.Op != wire.OpResolve {
			return refuse(wire.CodeResolveNeeded)
		}
		old := rec.Atoms[name]
		kept := make([]Version, 0, len(old)+1)
		for _, was := range old {
			if !s.replaces(e, change.Seen, old, was) && !bytes.Equal(was.Value, change.V) {
				kept = append(kept, was)
			}
		}
		if len(kept) > 0 {
			v.outcome, v.code = wire.Conflict, wire.CodeSibling
		}
		rec.Atoms[name] = sorted(append(kept, Version{Dot: dot, Seq: e.seq, HLC: hlc, Value: change.V}))
	}
	if rec.size() > wire.MaxRecord || len(rec.Atoms) > wire.MaxAtoms {
		return refuse(wire.CodeTooLarge)
	}
	if rule.Date != nil {
		if date := rule.Date(values); !date.IsZero() {
			rec.Date = instant(date)
		}
	}
	if fresh && rec.Date.IsZero() {
		rec.Date = hlc.Time()
	}
	rec.VV = rec.VV.With(dot)
	rec.Seq = e.seq
	v.record = rec
	return v
}

// replaces says whether the edit's writer had the old value before his eyes, as THE value of the atom.
//
// One scalar proves it without a look at dots: an atom that holds a single value, unchanged since the commit that the
// screen showed, is what was on the screen. (A single one only: of siblings that the phone had, an editor showed one.)
// Else the dots that the editor showed decide, and one more rule, since a phone cannot name the dots of edits that were
// still in its outbox: what the writer wrote himself and his context does not hold yet lay under his screen.
func (s Server) replaces(e edit, seen []vclock.Dot, all []Version, old Version) bool {
	if s.watch != nil {
		s.watch(unchanged(e, all, old), shown(e, seen, old))
	}
	return unchanged(e, all, old) || shown(e, seen, old)
}

func unchanged(e edit, all []Version, old Version) bool { return len(all) == 1 && old.Seq <= e.at }

func shown(e edit, seen []vclock.Dot, old Version) bool {
	if e.blind {
		return false
	}
	return slices.Contains(seen, old.Dot) || old.Dot.Actor == e.actor && !e.Ctx.Covers(old.Dot)
}

// judgeDelete deletes the record if the deleter had seen all of it; an edit that he had not seen wins.
func judgeDelete(rec Record, e edit) verdict {
	if rec.Deleted {
		return verdict{outcome: wire.Accepted}
	}
	if rec.Seq > e.at {
		for _, versions := range rec.Atoms {
			for _, v := range versions {
				if v.Dot.Actor != e.actor && (e.blind || !e.Ctx.Covers(v.Dot)) {
					return verdict{outcome: wire.Conflict, code: wire.CodeEditedSince}
				}
			}
		}
	}
	rec.Deleted = true
	rec.VV = rec.VV.With(rec.VV.Next(e.actor))
	rec.Seq = e.seq
	return verdict{record: rec, changed: true, outcome: wire.Accepted}
}

// judgeCommand asks the kind's state machine.
func (s Server) judgeCommand(rule Rule, rec Record, e edit, values map[string]json.RawMessage) verdict {
	if e.Op != wire.OpCommand && e.Op != wire.OpCreate || rule.Command == nil {
		return refuse(wire.CodeWrongOperation)
	}
	if rec.Deleted { // there is nothing left to command: a new state would be accepted and shown to nobody
		return refuse(wire.CodeRecordDeleted)
	}
	current := make(map[string]json.RawMessage, len(rec.Atoms))
	for name, versions := range rec.Atoms {
		if len(versions) > 0 {
			current[name] = versions[0].Value
		}
	}
	next, code := rule.Command(current, values)
	if code != "" {
		return refuse(code)
	}
	// Outright: the state machine has seen everything.
	dot, hlc := rec.VV.Next(e.actor), e.HLC.Clamp(e.now, s.drift())
	for name, value := range next {
		rec.Atoms[name] = []Version{{Dot: dot, Seq: e.seq, HLC: hlc, Value: value}}
	}
	rec.VV, rec.Seq = rec.VV.With(dot), e.seq
	return verdict{record: rec, changed: true, outcome: wire.Accepted}
}

// knows says whether the writer had seen all of the record: a base takes records whole, so whoever lacks the deletion
// lacks a dot. His own dots he has by nature, whether his phone knows of them already or not.
func knows(rec Record, e edit) bool {
	if e.blind {
		return false
	}
	return e.Ctx.Dominates(rec.VV.Without(e.actor))
}

// holds says whether all of the new values stand in the record.
func (r Record) holds(atoms map[string]wire.Change) bool {
	for name, change := range atoms {
		if !slices.ContainsFunc(r.Atoms[name], func(v Version) bool { return bytes.Equal(v.Value, change.V) }) {
			return false
		}
	}
	return true
}

// size is how many bytes the record's values have.
func (r Record) size() (bytes int) {
	for _, versions := range r.Atoms {
		for _, v := range versions {
			bytes += len(v.Value)
		}
	}
	return bytes
}

// restamp makes every atom look new, so that a device that does not have the record gets it whole.
func (r *Record) restamp(seq uint64) {
	for _, versions := range r.Atoms {
		for i := range versions {
			versions[i].Seq = seq
		}
	}
}

// clone copies what a judgement may change. Values are shared: nobody writes into them.
func (r Record) clone() Record {
	atoms := make(map[string][]Version, len(r.Atoms)+1)
	for name, versions := range r.Atoms {
		atoms[name] = slices.Clone(versions)
	}
	r.Atoms = atoms
	return r
}

// sorted brings siblings into the one order that all copies agree on.
func sorted(versions []Version) []Version {
	slices.SortFunc(versions, func(a, b Version) int { return a.Dot.Compare(b.Dot) })
	return versions
}
