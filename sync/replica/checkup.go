package replica

import (
	"cmp"
	"maps"
	"slices"

	"github.com/medcard/medcard/sync/wire"
)

// Checkup holds the base of a phone against the server, and repairs it: what is missing or other than on the server is fetched
// and replaced, and only when all of that has come, what the server does not know is dropped. The outbox is not touched.
//
// It takes some rounds, each one question and its answer; between them the phone may sync, and must where a round ends
// with ErrBehind. What was found by then stays found.
type Checkup struct {
	phone  *Phone
	todo   []span   // where the two may differ
	want   []string // records to fetch
	stray  []string // records that the server did not list
	Report CheckReport
}

// CheckReport says what a Checkup found and did.
type CheckReport struct {
	Rounds   int // questions that were answered
	Damaged  int // records that were not any more what had been stored
	Repaired int // records that were fetched, missing ones and others
	Dropped  int // records that the server does not show
}

// span is the ids from <= id < to; an empty bound is none.
type span struct{ from, to string }

func (s span) holds(o span) bool {
	return o.from >= s.from && (s.to == "" || o.to != "" && o.to <= s.to)
}

// Checkup begins one. It reads every row of the base and notes what each really holds.
func (p *Phone) Checkup() (*Checkup, error) {
	c := &Checkup{phone: p, todo: []span{{}}}
	err := p.store.Update(func(tx PhoneTx) (err error) {
		c.Report.Damaged, err = tx.Recount()
		return err
	})
	return c, err
}

// Done says whether nothing is left to ask.
func (c *Checkup) Done() bool { return len(c.todo)+len(c.want)+len(c.stray) == 0 }

// Round is one question to the server and its answer. No exchange can be under way meanwhile.
type Round struct {
	checkup *Checkup
	ask     wire.CheckRequest
	open    bool
}

// Round begins one. The caller must Close it. ErrBusy, ErrNotEnrolled, ErrBehind.
func (c *Checkup) Round() (*Round, error) {
	p := c.phone
	if !p.busy.CompareAndSwap(false, true) {
		return nil, ErrBusy
	}
	r := &Round{checkup: c, open: true}
	err := p.store.View(func(tx PhoneTx) error {
		meta, err := tx.Meta()
		switch {
		case err != nil:
			return err
		case meta.Actor == 0:
			return ErrNotEnrolled
		case !whole(meta):
			return ErrBehind
		}
		r.ask = wire.CheckRequest{Card: p.card, Actor: meta.Actor, Epoch: meta.Epoch, Cursor: meta.Cursor, View: meta.View}
		for _, s := range c.todo[:min(len(c.todo), wire.MaxRanges)] {
			entries, err := tx.Digests(s.from, s.to)
			if err != nil {
				return err
			}
			r.ask.Ranges = append(r.ask.Ranges, wire.Range{From: s.from, To: s.to, Sum: sumOf(entries)})
		}
		return nil
	})
	if err != nil {
		r.Close()
		return nil, err
	}
	ids := c.want
	if len(c.todo)+len(c.want) == 0 {
		ids = c.stray // last of all, when everything that might take their place has come
	}
	r.ask.IDs = ids[:min(len(ids), wire.MaxChecked)]
	return r, nil
}

// whole says whether the base is what one complete answer left.
func whole(meta Meta) bool {
	return !meta.Synced.IsZero() && meta.Cursor == meta.At && meta.Part == "" && meta.View != "" && !meta.Shadowing
}

// Request is the question.
func (r *Round) Request(device string) wire.CheckRequest {
	r.ask.Device = device
	return r.ask
}

// Close ends the round, answered or not.
func (r *Round) Close() {
	if r.open {
		r.open = false
		r.checkup.phone.busy.Store(false)
	}
}

// Answer takes the answer in, all of it in one transaction. ErrBehind: sync, then begin another round.
func (r *Round) Answer(answer wire.CheckResponse) error {
	switch {
	case !r.open:
		return ErrProtocol
	case answer.Behind:
		return ErrBehind
	}
	c := r.checkup
	next := Checkup{phone: c.phone, stray: c.stray, Report: c.Report}
	next.Report.Rounds++
	err := c.phone.store.Update(func(tx PhoneTx) error {
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		if meta.Actor != r.ask.Actor || meta.Epoch != r.ask.Epoch || meta.Cursor != r.ask.Cursor || meta.View != r.ask.View || !whole(meta) {
			return ErrBehind
		}
		if err := r.repair(tx, answer, &next); err != nil {
			return err
		}
		if err := r.narrow(tx, answer, &next); err != nil {
			return err
		}
		if !next.Done() {
			return nil
		}
		meta.Doubt, meta.Checked = false, c.phone.clock()
		return tx.SaveMeta(meta)
	})
	if err == nil {
		*c = next
	}
	return err
}

// repair puts the rows that came and drops what is not there, of what was asked for and of nothing else.
func (r *Round) repair(tx PhoneTx, answer wire.CheckResponse, next *Checkup) error {
	open := make(map[string]bool, len(r.ask.IDs))
	for _, id := range r.ask.IDs {
		open[id] = true
	}
	for _, row := range answer.Rows {
		if !open[row.ID] {
			return ErrProtocol
		}
		delete(open, row.ID)
		if err := tx.PutRow(row); err != nil {
			return err
		}
		next.Report.Repaired++
	}
	for _, id := range answer.Drop {
		if !open[id] {
			return ErrProtocol
		}
		delete(open, id)
		if err := tx.DropRow(id); err != nil {
			return err
		}
		next.Report.Dropped++
	}
	if len(r.ask.IDs) > 0 && len(open) == len(r.ask.IDs) {
		return ErrProtocol // no answer at all: it would be asked for ever
	}
	answered := func(id string) bool { return slices.Contains(r.ask.IDs, id) && !open[id] }
	next.want = slices.DeleteFunc(slices.Clone(r.checkup.want), answered)
	next.stray = slices.DeleteFunc(slices.Clone(next.stray), answered)
	return nil
}

// narrow takes over where the ranges that were asked about differ. Those that the answer does not mention are alike.
func (r *Round) narrow(tx PhoneTx, answer wire.CheckResponse, next *Checkup) error {
	asked := func(s span) bool {
		return slices.ContainsFunc(r.ask.Ranges, func(a wire.Range) bool { return span{a.From, a.To}.holds(s) })
	}
	next.todo = slices.Clone(r.checkup.todo[len(r.ask.Ranges):])
	open, err := r.rest(answer.Rest)
	if err != nil {
		return err
	}
	next.todo = append(next.todo, open...)
	for _, part := range answer.Ranges {
		s := span{part.From, part.To}
		if !asked(s) || slices.ContainsFunc(r.ask.Ranges, func(a wire.Range) bool { return s == span{a.From, a.To} }) {
			return ErrProtocol
		}
		entries, err := tx.Digests(s.from, s.to)
		if err != nil {
			return err
		}
		if sumOf(entries) != part.Sum {
			next.todo = append(next.todo, s)
		}
	}
	for _, list := range answer.Lists {
		s := span{list.From, list.To}
		if !asked(s) {
			return ErrProtocol
		}
		entries, err := tx.Digests(s.from, s.to)
		if err != nil {
			return err
		}
		want, stray := compare(entries, list.Entries)
		next.want = append(next.want, want...)
		for _, id := range stray {
			if wire.ValidID(id) {
				next.stray = append(next.stray, id)
			} else if err := tx.DropRow(id); err != nil { // no record ever had it, so there is nobody to ask: the id itself is damaged
				return err
			}
		}
	}
	slices.SortFunc(next.todo, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	return nil
}

// rest is what the answer left open of what was asked about. That the server got anywhere is what keeps a check from going on for ever.
func (r *Round) rest(from string) (open []span, err error) {
	if from == "" {
		return nil, nil
	}
	for _, asked := range r.ask.Ranges {
		if asked.To == "" || asked.To > from {
			open = append(open, span{max(asked.From, from), asked.To})
		}
	}
	if !wire.ValidID(from) || len(open) == 0 || from <= r.ask.Ranges[0].From {
		return nil, ErrProtocol
	}
	return open, nil
}

// compare holds the phone's records of a range against the server's: want are those that the phone lacks or has otherwise,
// stray those that the server lacks.
func compare(have, server []wire.Entry) (want, stray []string) {
	mine := make(map[string]wire.Digest, len(have))
	for _, e := range have {
		mine[e.ID] = e.Digest
	}
	for _, e := range server {
		if d, ok := mine[e.ID]; !ok || d != e.Digest {
			want = append(want, e.ID)
		}
		delete(mine, e.ID)
	}
	return want, slices.Sorted(maps.Keys(mine))
}
