package replica

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// Draft is an editor that was opened: it remembers what was on the screen AT THAT MOMENT. What is saved from it later is
// judged against this and nothing newer; a pull that comes in between must not make the person have seen what he did not
// (that is how sync engines lose updates silently). It is plain data, so an app may keep it over a restart.
type Draft struct {
	ID     string       `json:"id"`
	Kind   string       `json:"kind"`
	New    bool         `json:"new,omitempty"`
	At     string       `json:"at,omitempty"`
	Epoch  string       `json:"epoch,omitempty"` // of Ctx and the dots, where there is no At to say it
	Gen    uint64       `json:"gen,omitempty"`
	Ctx    vclock.Clock `json:"ctx,omitempty"`
	Opened time.Time    `json:"opened"`
	HLC    vclock.HLC   `json:"hlc"` // the greatest stamp given before
	// Shown holds per atom the dots under the value that was shown, which an edit replaces; Others those of the siblings
	// beside it, which only a resolve replaces.
	Shown  map[string][]vclock.Dot `json:"shown,omitempty"`
	Others map[string][]vclock.Dot `json:"others,omitempty"`
}

// keepSettled is how long settled items are kept: for a server that is restored from a backup, and to notice that an old
// draft is outdated.
const keepSettled = 7 * 24 * time.Hour

// editorLife is how long an editor may stay open.
const editorLife = keepSettled - 24*time.Hour

// draftOf captures the screen.
func draftOf(screen Screen, meta Meta, items []Item, now time.Time) Draft {
	d := Draft{
		ID: screen.ID, Kind: screen.Kind, At: meta.At, Gen: meta.Gen, Ctx: screen.VV, Opened: now, HLC: meta.HLC,
		Shown: map[string][]vclock.Dot{}, Others: map[string][]vclock.Dot{},
	}
	if !meta.Shadowing { // then Meta tells the epoch of the base that grows, not of the one that is read
		d.Epoch = meta.Epoch
	}
	for name, a := range screen.Atoms {
		if a.Pending {
			d.Shown[name] = a.replaces
		} else {
			d.Shown[name] = []vclock.Dot{a.Dot}
		}
		for _, v := range a.Siblings {
			d.Others[name] = append(d.Others[name], v.Dot)
		}
	}
	// On top of pending edits the screen is only as current as the oldest of them: what came into the base since may lie
	// under a pending value, unseen.
	for _, item := range items {
		if item.State != Waiting && item.State != Answered {
			continue
		}
		if item.Gen < d.Gen {
			d.At, d.Gen = item.Mutation.At, item.Gen
			if item.Mutation.Epoch != "" {
				d.Epoch = item.Mutation.Epoch
			}
		}
	}
	return d
}

// mutation makes what travels, without its n and stamp.
func (d Draft) mutation(op wire.Op, values map[string]json.RawMessage) (wire.Mutation, error) {
	m := wire.Mutation{Op: op, ID: d.ID, Kind: d.Kind, At: d.At, Ctx: d.Ctx}
	if m.At == "" && len(m.Ctx) > 0 {
		m.Epoch = d.Epoch
	}
	if len(values) == 0 {
		return m, nil
	}
	m.Atoms = make(map[string]wire.Change, len(values))
	for name, value := range values {
		v, err := compact(value)
		if err != nil {
			return m, fmt.Errorf("replica: atom %s: %w", name, errNotJSON)
		}
		c := wire.Change{V: v, Seen: slices.Clone(d.Shown[name])}
		if op == wire.OpResolve {
			c.Seen = append(c.Seen, d.Others[name]...)
			slices.SortFunc(c.Seen, vclock.Dot.Compare)
			c.Seen = slices.Compact(c.Seen)
		}
		m.Atoms[name] = c
	}
	for _, c := range m.Atoms {
		if op == wire.OpPatch && len(c.Seen) > 1 {
			m.Op = wire.OpResolve // made on top of a resolve that is still pending: it replaces what that one replaces
		}
	}
	return m, nil
}

// touched says whether the item wrote something that the values would overwrite.
func touched(item Item, values map[string]json.RawMessage) bool {
	m := item.Mutation
	if m.Op == wire.OpDelete || len(values) == 0 {
		return true
	}
	for name := range m.Atoms {
		if _, ok := values[name]; ok {
			return true
		}
	}
	return false
}
