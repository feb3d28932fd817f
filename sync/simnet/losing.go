package simnet

import (
	"time"

	"github.com/medcard/medcard/sync/replica"
)

// weekly is how long a phone keeps what the base shows by now, for a server that is restored.
const weekly = 7 * 24 * time.Hour

// edits looks at a phone's outbox before the phone takes something in, and returns what to ask after: that nothing of it went without
// a reason (2). An edit that was never judged goes with the access to its record only, and the person is told. The rest may
// go with its record, or after a week: that is past recall, should the server lose it later.
func (w *World) edits(s *seat) (check func()) {
	before, told, page := s.shelf.state.items, len(s.shelf.state.losses), s.page
	if len(before) == 0 {
		return func() {}
	}
	return func() {
		st := &s.shelf.state
		for key, item := range before {
			now, ok := st.items[key]
			if ok && now.State == replica.Rejected {
				w.oracle.refused(item.Mutation)
			}
			if ok || renumbered(st.items, item) {
				continue
			}
			_, shown := st.base[item.Mutation.ID]
			shown = shown && !page.hides(item.Mutation.ID) // what went and came again took its edits along
			switch {
			case item.State == replica.Waiting && len(st.losses) == told && !w.oracle.answered(item.Mutation):
				w.fail(2, "an edit of %s is gone from %s and its author was not told", item.Mutation.ID, s.name)
			case item.State == replica.Answered && shown:
				w.fail(2, "an edit of %s is gone from %s on the day it was answered", item.Mutation.ID, s.name)
			case item.State == replica.Settled && shown && w.now.Add(s.device.skew).Sub(item.Settled) < weekly:
				w.fail(2, "an edit of %s is gone from %s within a week", item.Mutation.ID, s.name)
			}
			w.oracle.forget(item.Mutation)
		}
	}
}

// renumbered says whether an edit is there under another number.
func renumbered(items map[itemKey]replica.Item, item replica.Item) bool {
	for _, other := range items {
		if other.Mutation.ID == item.Mutation.ID && other.Mutation.HLC == item.Mutation.HLC {
			return true
		}
	}
	return false
}

// lapse ends the lease of some scopes on a phone that has not been in step for long: what stands in them goes (4), and the next sync
// brings back what may still be seen.
func (w *World) lapse(s *seat) {
	if s.await != 0 {
		return
	}
	ended := map[string]bool{}
	for _, scope := range allScopes {
		ended[scope] = w.rand.IntN(3) > 0
	}
	kept := w.edits(s)
	lapsed, err := s.phone.Lapse(func(scope string) bool { return !ended[scope] })
	kept()
	w.trace("lapse", s.name)
	if w.crashed(s, err) {
		return
	}
	w.must(err)
	if !lapsed {
		return
	}
	w.count("leases ended")
	s.epoch, s.checkup = "", nil
	for id, row := range s.shelf.state.base {
		if ended[row.Scope] {
			w.fail(4, "%s holds %s after its lease", s.name, id)
		}
	}
}
