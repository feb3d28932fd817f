package replica

import "time"

// Collected is what a collection did.
type Collected struct {
	Retired int  // actors that were silent for too long
	Emptied int  // deleted records of which no more than a stone is left
	Pruned  int  // records whose clock forgot retired actors
	More    bool // there is more to do: collect again
}

// silence is how long an actor may be silent before it is retired.
func (s Server) silence() time.Duration {
	if s.Silence == 0 {
		return 90 * 24 * time.Hour
	}
	return s.Silence
}

// SilentAt is until when the actor may be silent: after it a collection retires it.
func (s Server) SilentAt(a Actor) time.Time { return a.LastSeen.Add(s.silence()) }

// collectRows is how many records one collection touches at most.
func (s Server) collectRows() int {
	if s.CollectRows == 0 {
		return 500
	}
	return s.CollectRows
}

// Collect forgets what no device can ask for any more, in the Ledger's one transaction and a bounded part of it: call again while
// there is More.
//
// Devices that were silent for too long are retired; when they come back they get a fresh actor, and what was forgotten meanwhile
// has them start anew beside their old base. Then all up to the lowest commit that a live device still builds on (Actor.Low) is
// settled: nobody can send an edit any more that was opened before it. What was deleted up to there is emptied, moves between
// scopes are dropped, and clocks lose the entries of retired actors (see prune).
//
// Of a deleted record a stone stays for ever: a phone that comes back from an old backup sends its creation again, under
// whatever actor, and it must not rise.
func (s Server) Collect(l Ledger, now time.Time) (out Collected, err error) {
	head, err := l.Lock()
	if err != nil {
		return out, err
	}
	actors, err := l.Actors()
	if err != nil {
		return out, err
	}
	settled := head.Seq
	for i := range actors {
		a := &actors[i]
		switch {
		case !a.State.live():
		case now.After(s.SilentAt(*a)):
			a.State = Retired
			if err := l.SaveActor(*a); err != nil {
				return out, err
			}
			out.Retired++
		default:
			settled = min(settled, a.Low)
		}
	}
	if head.GC, err = s.empty(l, head.GC, settled, &out); err != nil {
		return out, err
	}
	return out, s.prune(l, head, actors, &out)
}

// empty makes stones of the records that were deleted after one commit and up to another, and notes how far it came.
func (s Server) empty(l Ledger, after, upto uint64, out *Collected) (uint64, error) {
	if upto <= after {
		return after, nil
	}
	records, err := l.Deleted(after, upto, s.collectRows())
	if err != nil {
		return after, err
	}
	if len(records) == s.collectRows() {
		upto, out.More = records[len(records)-1].Seq, true
	}
	last := map[string]uint64{}
	for i := range records {
		records[i].Atoms, records[i].Collected = map[string][]Version{}, true
		last[records[i].Scope] = records[i].Seq
	}
	out.Emptied = len(records)
	if err := l.SaveRecords(records); err != nil { // what stood in them stays among their versions
		return after, err
	}
	return upto, l.Forget(upto, last)
}
