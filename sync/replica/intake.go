package replica

import (
	"maps"
	"time"

	"github.com/medcard/medcard/sync/wire"
)

// intake is one page on its way into the store. It collects; apply does.
type intake struct {
	card    wire.Card
	actor   uint32 // who asked
	results []wire.Result
	lines   []wire.Line
}

func (p *intake) add(line wire.Line) error {
	switch {
	case line.Res != nil:
		p.results = append(p.results, *line.Res)
	case line.Row != nil, line.Del != nil, line.Red != nil, line.Purge != nil:
		p.lines = append(p.lines, line)
	default:
		return ErrProtocol
	}
	return nil
}

// apply takes the whole page in, in the transaction that it is given.
func (p *intake) apply(tx PhoneTx, end wire.End, now time.Time) error {
	meta, err := tx.Meta()
	if err != nil {
		return err
	}
	switch meta.Actor {
	case p.actor:
	case 0:
		return ErrNotEnrolled
	default:
		return ErrProtocol // enrolled afresh meanwhile: these numbers are another actor's
	}
	if p.card.Resync {
		if err := tx.ClearShadow(); err != nil {
			return err
		}
		meta.Shadowing, meta.ShadowCursor, meta.ShadowPart, meta.ShadowView = true, "", "", ""
		if meta.Epoch != p.card.Epoch {
			meta.Low = Low{Gen: meta.Low.Gen} // its tokens say nothing there
		}
		meta.Epoch = p.card.Epoch
	}
	if meta.Epoch == "" {
		meta.Epoch = p.card.Epoch
	}
	if p.card.Epoch != meta.Epoch {
		return ErrProtocol
	}
	// Before the rows: of what was answered just now nothing may stay that the page takes out of sight.
	if err := answered(tx, &meta, p.results, shownUpTo(end), now); err != nil {
		return err
	}
	for _, line := range p.lines {
		if line.Purge != nil { // the base holds less than its view now, until the server says that it is whole again
			meta.View, meta.ShadowView = "", ""
		}
		if err := p.takeIn(tx, &meta, line); err != nil {
			return err
		}
	}
	fresh := meta.Shadowing && !end.More // a new base takes the old one's place
	if err := move(tx, &meta, end); err != nil {
		return err
	}
	if err := behind(tx, &meta, end.LMID); err != nil {
		return err
	}
	if !end.More {
		meta.Synced = now
		if err := doubt(tx, &meta, end.Sum, now); err != nil {
			return err
		}
		meta.Low.rise(meta, now)
		if err := settle(tx, meta, end.LMID, now); err != nil {
			return err
		}
	}
	if fresh && !meta.Own {
		if err := dropStrays(tx, &meta); err != nil {
			return err
		}
	}
	if p.card.Leases != nil {
		meta.Leases, meta.Own = p.card.Leases, p.card.Own
	}
	return tx.SaveMeta(meta)
}

// takeIn puts one line where it belongs. What vanishes vanishes from both bases; what comes goes to the one being built.
func (p *intake) takeIn(tx PhoneTx, meta *Meta, line wire.Line) error {
	switch {
	case line.Purge != nil:
		keep := Scopes(line.Purge.Keep)
		if !p.card.Resync { // else some may have to go again to a server that was restored; the rest goes with the old base
			if _, err := dropEdits(tx, meta, func(scope string) bool { return !keep.Holds(scope) }, false); err != nil {
				return err
			}
		}
		return tx.DropRowsOutside(keep)
	case line.Del != nil:
		return drop(tx, line.Del.ID)
	case line.Red != nil:
		if err := dropEditsOf(tx, meta, line.Red.ID); err != nil {
			return err
		}
		return drop(tx, line.Red.ID)
	}
	get, put := tx.Row, tx.PutRow
	if meta.Shadowing {
		get, put = tx.ShadowRow, tx.PutShadowRow
	}
	row := *line.Row
	if meta.At == "" || meta.Shadowing {
		return put(row) // the question named no At, so rows come whole: a first sync need not look for each of them
	}
	if old, ok, err := get(row.ID); err != nil {
		return err
	} else if ok {
		atoms := maps.Clone(old.Atoms)
		maps.Copy(atoms, row.Atoms)
		row.Atoms = atoms
	}
	return put(row)
}

// doubt notes whether the base came to something else than the server said. Nobody is troubled with it, and nothing is
// deleted: a Checkup finds out what differs.
func doubt(tx PhoneTx, meta *Meta, want *wire.Sum, now time.Time) error {
	if want == nil {
		return nil
	}
	have, err := tx.Sum()
	if meta.Doubt = have != *want; !meta.Doubt && meta.Checked.IsZero() {
		meta.Checked = now // it has all come just now
	}
	return err
}

func drop(tx PhoneTx, id string) error {
	if err := tx.DropRow(id); err != nil {
		return err
	}
	return tx.DropShadowRow(id)
}

// move takes over cursor, part and view, of the base or of its shadow, and swaps the two when the shadow is complete.
func move(tx PhoneTx, meta *Meta, end wire.End) error {
	if meta.Shadowing {
		meta.ShadowCursor, meta.ShadowPart = end.Cursor, end.Part
		if end.View != "" {
			meta.ShadowView = end.View
		}
		if end.More {
			return nil
		}
		meta.Cursor, meta.Part, meta.View = meta.ShadowCursor, meta.ShadowPart, meta.ShadowView
		meta.Shadowing, meta.ShadowCursor, meta.ShadowPart, meta.ShadowView, meta.Lapsed = false, "", "", "", nil
		meta.At = meta.Cursor
		meta.Gen++
		return tx.SwapShadow()
	}
	if !end.More && meta.At != end.Cursor {
		meta.At = end.Cursor
		meta.Gen++
	}
	meta.Cursor, meta.Part = end.Cursor, end.Part
	if end.View != "" {
		meta.View = end.View
	}
	return nil
}

// shownUpTo is the n up to which the base shows what this actor wrote, once the page is in.
func shownUpTo(end wire.End) uint64 {
	if end.More {
		return 0
	}
	return end.LMID
}

// answered writes down results. Acked follows: every n before the first that still waits. What the base shows already is settled at
// once, not written twice. Most results are alike, so those of a whole push are one write.
func answered(tx PhoneTx, meta *Meta, results []wire.Result, shown uint64, now time.Time) error {
	refused := map[uint64]wire.Result{}
	for first := 0; first < len(results); {
		r, last := results[first], first
		if r.Outcome == wire.Refused {
			refused[r.N] = r
			first++
			continue
		}
		for next := last + 1; next < len(results) && follows(results[last], results[next], shown); next++ {
			last = next
		}
		var settled time.Time
		if r.N <= shown {
			settled = now
		}
		if err := tx.Answer(meta.Actor, r.N, results[last].N, r.Outcome, r.Code, settled); err != nil {
			return err
		}
		first = last + 1
	}
	if err := rejected(tx, *meta, refused); err != nil {
		return err
	}
	waits, err := tx.FirstWaiting(meta.Actor)
	if err != nil {
		return err
	}
	acked := meta.Next - 1
	if waits > 0 {
		acked = waits - 1
	}
	meta.Acked = max(meta.Acked, acked)
	return nil
}

// follows says whether b is of the next mutation after a's and says the same, on the same side of shown.
func follows(a, b wire.Result, shown uint64) bool {
	return b.N == a.N+1 && b.Outcome == a.Outcome && b.Code == a.Code && (a.N <= shown) == (b.N <= shown)
}

// rejected keeps what the server refused for the person to see, unless access to it has ended.
func rejected(tx PhoneTx, meta Meta, refused map[uint64]wire.Result) error {
	if len(refused) == 0 {
		return nil
	}
	items, err := tx.Open()
	if err != nil {
		return err
	}
	for _, item := range items {
		r, ok := refused[item.Mutation.N]
		if !ok || item.Actor != meta.Actor || item.State != Waiting {
			continue
		}
		hidden := item.Code == wire.CodeAccessEnded // its record went out of sight while it waited
		item.State, item.Outcome, item.Code = Rejected, r.Outcome, r.Code
		if hidden || r.Code == wire.CodeAccessEnded && item.Mutation.Op != wire.OpCreate {
			err = withdraw(tx, item)
		} else {
			err = tx.PutItem(item) // the person keeps the text. A new record has nothing of the card in it
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// behind handles a server that knows less, or more, than it should. Less: it was restored from a backup, and what it lost
// is sent again. More: someone else writes under this actor (this phone was cloned, or restored), and it needs a fresh one.
func behind(tx PhoneTx, meta *Meta, lmid uint64) error {
	if lmid >= meta.Next {
		meta.Actor = 0
		return nil
	}
	if lmid >= meta.Acked {
		return nil
	}
	var lost []Item
	for _, state := range []ItemState{Settled, Answered} {
		items, err := tx.Items(state)
		if err != nil {
			return err
		}
		for _, item := range items {
			if item.Actor == meta.Actor && item.Mutation.N > lmid {
				lost = append(lost, item)
			}
		}
	}
	for _, item := range lost {
		item.State, item.Outcome, item.Code, item.Settled = Waiting, "", "", time.Time{}
		if err := tx.PutItem(item); err != nil {
			return err
		}
	}
	if uint64(len(lost)) < meta.Acked-lmid {
		meta.Actor = 0 // some are not here any more: numbers without a gap need a fresh actor
	}
	meta.Acked = lmid
	return nil
}

// settle marks what the base shows by now, and forgets what has been so for long.
func settle(tx PhoneTx, meta Meta, lmid uint64, now time.Time) error {
	items, err := tx.Open()
	if err != nil {
		return err
	}
	for _, item := range items {
		if item.State != Answered || item.Actor == meta.Actor && item.Mutation.N > lmid {
			continue
		}
		item.State, item.Settled = Settled, now
		if err := tx.PutItem(item); err != nil {
			return err
		}
	}
	return tx.DropSettled(now.Add(-keepSettled))
}
