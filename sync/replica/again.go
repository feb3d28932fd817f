package replica

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// formerStates is how far back a record is searched for an edit that comes again.
const formerStates = 500

// again looks once more at an edit that was found to be in conflict. It may be one that was judged before, and comes again under
// another actor: its phone was cloned, restored from a backup, or away for so long that it was retired; or the server was restored. What
// of it stands no more was replaced by who had seen it. That is no news, and brings neither a sibling nor a deleted record back.
//
// It is known by what it wrote. A stamp never comes twice on a phone, so whatever stood in an atom with the edit's stamp and value is
// the edit's. One whose stamp had to be clamped is not known again: it counts as a new one, as all of them would without this.
func (s Server) again(l Ledger, rec Record, between []Record, e edit, v verdict) (verdict, error) {
	if e.HLC == 0 || e.Op == wire.OpDelete || s.Rules[e.Kind].Policy == Command {
		return v, nil
	}
	states, err := l.Former(rec.ID, formerStates)
	if err != nil {
		return v, err
	}
	states = append(states, rec.Atoms)
	for _, b := range between {
		if b.ID == rec.ID {
			states = append(states, b.Atoms)
		}
	}
	standing := map[string]json.RawMessage{}
	for name, change := range e.Atoms {
		mine := func(old Version) bool {
			return old.HLC == e.HLC && old.Dot.Actor != vclock.Server && bytes.Equal(old.Value, change.V)
		}
		wrote := func(atoms map[string][]Version) bool { return slices.ContainsFunc(atoms[name], mine) }
		if !slices.ContainsFunc(states, wrote) {
			return v, nil
		}
		if !rec.Deleted && wrote(rec.Atoms) {
			standing[name] = change.V
		}
	}
	if len(standing) == 0 {
		return verdict{outcome: wire.Accepted}, nil
	}
	if len(standing) == len(e.Atoms) {
		return v, nil // it merges with itself
	}
	e.Atoms = maps.Clone(e.Atoms)
	maps.DeleteFunc(e.Atoms, func(name string, _ wire.Change) bool { return standing[name] == nil })
	return s.judgeEdit(s.Rules[e.Kind], rec.clone(), e, standing), nil
}
