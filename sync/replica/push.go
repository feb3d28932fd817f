package replica

import (
	"time"

	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// Push is a batch of one actor's edits, as the door hands it in.
type Push struct {
	Device    string // who is asking, as authenticated
	Actor     uint32
	Epoch     string
	Acked     uint64
	Low       string // token
	Mutations []wire.Mutation
	Sight     Sight
	Seal      Sealer
	Now       time.Time
}

// Pushed is what became of it.
type Pushed struct {
	LMID    uint64
	Results []wire.Result // one for each mutation of the batch, old ones too
	Changed []Record      // records that this batch changed: for the audit trail and for waking other devices
}

// Push judges a batch, all of it in the Ledger's one transaction. It answers for mutations it has seen before without
// doing anything, records refusals as it records successes (so nothing ever waits behind a refused edit), and touches
// the card's sequence only if something changed. With no mutations it just notes Acked and Low.
//
// It fails as a whole with ErrActor, ErrEpoch, ErrForked or ErrHole.
func (s Server) Push(l Ledger, in Push) (Pushed, error) {
	head, err := l.Lock()
	if err != nil {
		return Pushed{}, err
	}
	actor, err := liveActor(l, in.Actor, in.Device)
	if err != nil {
		return Pushed{}, err
	}
	if in.Epoch != head.Epoch {
		return Pushed{}, actor.stale(ErrEpoch)
	}
	results, fresh, err := sift(l, actor, in)
	if err != nil {
		return Pushed{}, err
	}
	out := Pushed{Results: results}
	if len(fresh) > 0 {
		actor.State = Writing
		if out.Changed, err = s.apply(l, head, &actor, in, fresh, &out.Results); err != nil {
			return Pushed{}, err
		}
	}
	out.LMID = actor.LMID
	return out, s.note(l, actor, in, len(fresh) > 0)
}

// seenEvery is how exactly LastSeen is kept: near enough for retiring devices that are silent for months.
const seenEvery = time.Hour

// Quiet says that a request brings nothing to write, so that a mere look does not take the card's lock.
func (s Server) Quiet(actor Actor, in Push) bool {
	return len(in.Mutations) == 0 && in.Acked <= actor.Acked && in.Now.Sub(actor.LastSeen) < seenEvery
}

func liveActor(l Ledger, ordinal uint32, device string) (Actor, error) {
	actor, ok, err := l.Actor(ordinal)
	if err != nil {
		return Actor{}, err
	}
	if !ok || ordinal == vclock.Server || actor.Device != device || !actor.State.live() {
		return Actor{}, ErrActor
	}
	return actor, nil
}

// stale is what to say to a device that comes with an epoch of the past. Has its actor written in the present one already,
// then that was another installation, a clone: it may have used the very numbers under which this one had written before the
// server was restored, and this one would believe that they stand for its own edits.
func (a Actor) stale(err error) error {
	if a.State == Writing {
		return ErrForked
	}
	return err
}

// sift checks the identity of every mutation, gives the stored results of those that were processed before, and returns
// the ones that were not.
func sift(l Ledger, actor Actor, in Push) (results []wire.Result, fresh []wire.Mutation, err error) {
	if in.Acked > actor.LMID {
		return nil, nil, ErrHole // it has results that we never gave, or lost
	}
	if len(in.Mutations) == 0 {
		return nil, nil, nil
	}
	first := in.Mutations[0].N
	for i, m := range in.Mutations {
		if m.N != first+uint64(i) {
			return nil, nil, ErrHole
		}
	}
	switch {
	case first == 0, first > actor.LMID+1:
		return nil, nil, ErrHole
	case first <= actor.Acked:
		return nil, nil, ErrForked // the device said that it has the result, and asks again: it is not that device
	}
	last := first + uint64(len(in.Mutations)) - 1
	known := min(last, actor.LMID)
	results = make([]wire.Result, 0, len(in.Mutations))
	if known < first {
		return results, in.Mutations, nil
	}
	decisions, err := l.Decisions(actor.Ordinal, first, known)
	if err != nil {
		return nil, nil, err
	}
	old := in.Mutations[:known-first+1]
	if len(decisions) != len(old) {
		return nil, nil, ErrForked
	}
	for i, d := range decisions {
		if d.N != old[i].N || d.Hash != old[i].Hash() {
			return nil, nil, ErrForked
		}
		results = append(results, wire.Result{N: d.N, Outcome: wire.Outcome(d.Outcome), Code: d.Code})
	}
	return results, in.Mutations[len(old):], nil
}

// apply judges the mutations one after the other, each on what the one before left.
func (s Server) apply(l Ledger, head Head, actor *Actor, in Push, fresh []wire.Mutation, results *[]wire.Result) ([]Record, error) {
	ids := make([]string, 0, len(fresh))
	seen := make(map[string]bool, len(fresh))
	for _, m := range fresh {
		if !seen[m.ID] {
			seen[m.ID] = true
			ids = append(ids, m.ID)
		}
	}
	records, err := l.Records(ids)
	if err != nil {
		return nil, err
	}
	seq := head.Seq
	touched := make(map[string]bool, len(ids))
	var between []Record // what records were within this batch
	decisions := make([]Decision, 0, len(fresh))
	for _, m := range fresh {
		rec, exists := records[m.ID]
		e := edit{Mutation: m, actor: actor.Ordinal, seq: seq + 1, now: in.Now}
		e.open(in.Seal, head.Epoch)
		v, err := s.judge(rec, exists, e, in.Sight)
		if err == nil && v.outcome == wire.Conflict {
			v, err = s.again(l, rec, between, e, v)
		}
		if err != nil {
			return nil, err
		}
		if v.changed {
			seq++
			if touched[m.ID] {
				between = append(between, rec)
			}
			records[m.ID] = v.record
			touched[m.ID] = true
		}
		actor.LMID = m.N
		decisions = append(decisions, Decision{N: m.N, Hash: m.Hash(), Outcome: string(v.outcome), Code: v.code})
		*results = append(*results, wire.Result{N: m.N, Outcome: v.outcome, Code: v.code})
	}
	changed := make([]Record, 0, len(touched))
	for _, id := range ids {
		if touched[id] {
			changed = append(changed, records[id])
		}
	}
	if len(changed) > 0 {
		if err := l.Advance(seq); err != nil {
			return nil, err
		}
		if err := l.SaveRecords(changed); err != nil {
			return nil, err
		}
	}
	if len(between) > 0 {
		if err := l.Keep(between); err != nil {
			return nil, err
		}
	}
	return changed, l.SaveDecisions(actor.Ordinal, decisions)
}

// note writes down what the request tells about its device.
func (s Server) note(l Ledger, actor Actor, in Push, changed bool) error {
	if !changed && s.Quiet(actor, in) {
		return nil
	}
	if in.Acked > actor.Acked {
		actor.Acked = in.Acked
		if err := l.DropDecisions(actor.Ordinal, in.Acked); err != nil {
			return err
		}
	}
	low, err := reached(l, in)
	if err != nil {
		return err
	}
	actor.Low, actor.LastSeen = max(actor.Low, low), in.Now
	return l.SaveActor(actor)
}

// reached is the commit that the device has left behind, as it says. Where nothing that it may see has changed since, that is where
// the card stands now: else one that sees a quiet scope only would keep the whole card from being collected.
func reached(l Ledger, in Push) (uint64, error) {
	low, bad := in.Seal.Open(in.Low)
	if bad != nil {
		return 0, nil // none, or of another epoch
	}
	newest, err := in.Sight.Newest(l)
	if err != nil || low < newest {
		return low, err
	}
	head, err := l.Head()
	return head.Seq, err
}
