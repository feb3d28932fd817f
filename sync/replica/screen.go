package replica

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// Screen is a record as a person sees it: the base with the outbox rebased on it.
type Screen struct {
	ID      string
	Kind    string
	Scope   string // empty while the record exists on this phone only
	Date    time.Time
	VV      vclock.Clock
	Deleted bool // a deletion waits in the outbox: do not show it
	Pending bool // something of it waits in the outbox
	Atoms   map[string]Shown
}

// Shown is one atom on the screen.
type Shown struct {
	wire.Version                // the newest, or what this phone wrote and has not seen confirmed (then without a dot)
	Pending      bool           // Version stands in the outbox
	Siblings     []wire.Version // other values of an open conflict, newest first; empty = no conflict
	// replaces holds the dots of the base's values that pending ones lie upon.
	replaces []vclock.Dot
}

// Conflicted says whether some atom has open siblings.
func (s Screen) Conflicted() bool {
	for _, a := range s.Atoms {
		if len(a.Siblings) > 0 {
			return true
		}
	}
	return false
}

// Rebase makes the screen of one record of its row (nil: the base has none) and its items, in the order of saving. Those that are
// Waiting or Answered are laid upon it; of the others it only takes that this phone wrote them, and items of other records are
// skipped. ok is false if there is nothing to show.
//
// It judges as the server will: a pending value replaces what its editor showed and what this phone wrote before it;
// whatever else the base holds by now stands beside it.
func Rebase(row *wire.Row, items []Item) (screen Screen, ok bool) {
	if row != nil {
		ok = true
		screen = Screen{ID: row.ID, Kind: row.Kind, Scope: row.Scope, Date: row.Date, VV: row.VV,
			Atoms: make(map[string]Shown, len(row.Atoms))}
		for name, versions := range row.Atoms {
			if len(versions) > 0 {
				screen.Atoms[name] = show(versions)
			}
			for _, v := range versions { // what stands here is seen, also if its writer has left the clock
				screen.VV = screen.VV.With(v.Dot)
			}
		}
	}
	wrote := map[string][]json.RawMessage{}
	for _, item := range items {
		m := item.Mutation
		if ok && m.ID != screen.ID {
			continue
		}
		for name, change := range m.Atoms {
			wrote[name] = append(wrote[name], change.V)
		}
		if item.State != Waiting && item.State != Answered {
			continue
		}
		switch {
		case !ok && m.Op != wire.OpCreate:
			continue // its record was deleted elsewhere: the server's answer will say what becomes of it
		case !ok:
			ok = true
			screen = Screen{ID: m.ID, Kind: m.Kind, Date: m.HLC.Time(), Atoms: make(map[string]Shown, len(m.Atoms))}
		case m.Op == wire.OpDelete && item.Outcome == wire.Conflict:
			continue // the server kept the record
		}
		screen.Pending = true
		if m.Op == wire.OpDelete {
			screen.Deleted = true
			continue
		}
		for name, change := range m.Atoms {
			screen.Atoms[name] = screen.Atoms[name].lay(item, change, wrote[name])
		}
	}
	return screen, ok
}

// show picks the newest of the versions; dots break ties, so all devices show the same.
func show(versions []wire.Version) Shown {
	if len(versions) == 1 {
		return Shown{Version: versions[0]}
	}
	byAge := slices.Clone(versions)
	slices.SortFunc(byAge, func(a, b wire.Version) int {
		if a.HLC != b.HLC {
			if a.HLC > b.HLC {
				return -1
			}
			return 1
		}
		return b.Dot.Compare(a.Dot)
	})
	return Shown{Version: byAge[0], Siblings: byAge[1:]}
}

// lay puts a pending value on top: what this phone wrote last is what it shows. wrote are the values that it wrote up to then.
func (a Shown) lay(item Item, change wire.Change, wrote []json.RawMessage) Shown {
	out := Shown{Version: wire.Version{HLC: item.Mutation.HLC, Value: change.V}, Pending: true, replaces: slices.Clone(a.replaces)}
	under := a.Siblings
	if !a.Pending && a.Value != nil {
		under = append([]wire.Version{a.Version}, under...)
	}
	for _, v := range under {
		// One that this phone wrote and did not know of yet is this very edit, or one before it, come back. That the actor is its
		// own is not enough: a phone that was restored from a backup meets what it wrote after that, and has never seen it.
		own := item.Actor != 0 && v.Dot.Actor == item.Actor && !item.Mutation.Ctx.Covers(v.Dot) &&
			slices.ContainsFunc(wrote, func(w json.RawMessage) bool { return bytes.Equal(w, v.Value) })
		if own || slices.Contains(change.Seen, v.Dot) {
			out.replaces = append(out.replaces, v.Dot)
		} else {
			out.Siblings = append(out.Siblings, v)
		}
	}
	return out
}
