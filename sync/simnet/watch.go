package simnet

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// payload names a mutation as it may come only once.
type payload struct {
	card, epoch string
	actor       uint32
	n           uint64
}

// past is all that ever stood in one record: each state, and when it was the present one last.
type past struct {
	states map[state]int
	n      int
	seq    uint64 // of the last one noted
	actors int
	epoch  string
}

// state is what stood in a record: after a restore of the server the same may stand there anew.
type state struct {
	epoch string
	hash  uint64
}

// committed notes what a commit of the card changed: the states that its records went through, and what each person could
// see after it, of which alone he may ever be told anything.
func (w *World) committed(c *cardWorld) {
	head := c.book.pages.head
	for id, rec := range c.book.pages.records {
		for _, p := range c.places {
			if p.last().scopes.Holds(rec.Scope) {
				p.could[id] = true
			}
		}
		h := c.history[id]
		if h == nil {
			h = &past{states: map[state]int{}}
			c.history[id] = h
		}
		if h.seq != rec.Seq || h.actors != len(rec.VV) || h.epoch != head.Epoch {
			h.seq, h.actors, h.epoch = rec.Seq, len(rec.VV), head.Epoch
			h.n++
			h.states[state{head.Epoch, rowHash(project(rec))}] = h.n
			w.met(rec.VV)
		}
	}
	w.unrisen(c)
}

func rowHash(row wire.Row) uint64 {
	raw, err := wire.Marshal(row)
	if err != nil {
		return 0
	}
	return mix(1, raw)
}

// watched makes a page, now and then twice, and holds it against what a page may be: the same both times (6), with a cursor
// that does not go back (6), of no more than its reader may see at that moment (4), and at a cost that follows what it
// brings (18). raw is the page as it travels.
func (w *World) watched(s *seat, in replica.Pull) (page replica.Page, raw []byte, err error) {
	var cost reads
	page, raw, err = w.page(s, in, &cost)
	if err != nil {
		return page, raw, err
	}
	if w.rand.IntN(4) == 0 {
		var other reads
		again, same, err := w.page(s, in, &other)
		w.must(err)
		if !bytes.Equal(raw, same) || again.More != page.More || again.Ask != page.Ask || cost != other {
			w.fail(6, "the same question has two answers")
		}
	}
	told, resync := w.discreet(s, page)
	if in.Ask.Cursor == "" || resync {
		return page, raw, nil
	}
	from, err1 := in.Seal.Open(in.Ask.Cursor)
	to, err2 := in.Seal.Open(page.Ask.Cursor)
	if err1 != nil || err2 != nil || to < from {
		w.fail(6, "the cursor of %s goes from %d back to %d", s.name, from, to)
	}
	if from == 0 || in.Ask.View != in.Sight.View() {
		return page, raw, nil // a first sync, or a change of view: they look at all that is visible
	}
	if told == 0 {
		w.count("nothing new")
	}
	if told == 0 && cost.rows > 0 || cost.rows > told+w.Engine.PageRows+1 || cost.moves > 4*w.Engine.PageRows {
		w.fail(18, "a page of %d lines reads %d rows and %d moves", told, cost.rows, cost.moves)
	}
	return page, raw, nil
}

func (w *World) page(s *seat, in replica.Pull, cost *reads) (page replica.Page, raw []byte, err error) {
	err = w.bookOf(s.card).View(func(l replica.Ledger) (err error) {
		page, err = w.Engine.Pull(w.spoilt(counting{l, cost}), w.spoiltPull(in))
		return err
	})
	if err != nil {
		return page, nil, err
	}
	var out bytes.Buffer
	lines := wire.NewLineWriter(&out)
	for _, line := range page.Lines {
		if w.Broken == Wedge && line.Res != nil && line.Res.Outcome == wire.Refused {
			continue
		}
		w.must(lines.Write(line))
	}
	return page, out.Bytes(), nil
}

// bookOf is where pages of a card are read.
func (w *World) bookOf(c *cardWorld) *Book {
	if w.Broken != LaggingReplica || w.calm || w.nextID%2 == 0 {
		return c.book
	}
	if seq := c.book.pages.head.Seq; c.replica == nil || seq > c.replica.pages.head.Seq+3 {
		c.replica = c.book.Copy()
	}
	return c.replica
}

// discreet sees that a page tells its reader nothing that he may not know (4), and counts the lines that tell something.
func (w *World) discreet(s *seat, page replica.Page) (told int, resync bool) {
	now, could := s.sight().Now, s.place.could
	for _, line := range page.Lines {
		switch {
		case line.Card != nil:
			resync = line.Card.Resync
			continue
		case line.Row == nil && line.Red == nil && line.Del == nil && line.Purge == nil:
			continue
		case line.Row != nil && !now.Holds(line.Row.Scope):
			w.fail(4, "%s is sent a row of %s", s.name, line.Row.Scope)
		case line.Red != nil && !could[line.Red.ID]:
			w.fail(4, "%s is told that %s went, which it could never see", s.name, line.Red.ID)
		case line.Del != nil && !could[line.Del.ID]:
			w.fail(4, "%s is told that %s is deleted, which it could never see", s.name, line.Del.ID)
		}
		told++
	}
	return told, resync
}

// unmovedBy sees that a commit in scopes that somebody may not see changes nothing of what he is answered (4).
func (w *World) unmovedBy(c *cardWorld, commit func() (touched replica.Scopes)) {
	s := pick(w.rand, c.seats)
	before := w.peek(s)
	touched := commit()
	if before == nil || slices.ContainsFunc(touched, s.sight().Now.Holds) {
		return
	}
	w.count("a commit out of sight")
	if after := w.peek(s); after != nil && !bytes.Equal(before, after) { // nil: its actor was retired
		w.fail(4, "%s notices a commit in %v:\n%s%s", s.name, touched, before, after)
	}
}

// peek is the page that the phone would get if it asked now as it asked last; nil if it would get none.
func (w *World) peek(s *seat) []byte {
	if s.asked.Device == "" || w.shut(s.place) {
		return nil
	}
	in := s.asked
	in.Sight, in.Seal = w.sight(s.place), w.sealer(s)
	_, raw, err := w.page(s, in, new(reads))
	if errors.Is(err, replica.ErrActor) || errors.Is(err, replica.ErrForked) {
		return nil
	}
	w.must(err)
	return raw
}

// numbers sees that no two mutations ever pass under one number (16).
func (w *World) numbers(s *seat, ask wire.SyncCard) {
	for _, m := range ask.Mutations {
		key := payload{s.card.id, w.epochOf(s), ask.Actor, m.N}
		hash := m.Hash()
		if old, ok := w.taken[key]; ok && old != hash {
			w.fail(16, "two payloads passed as %d of actor %d", m.N, ask.Actor)
		}
		w.taken[key] = hash
	}
}

// incoming is a page on its way into a phone.
type incoming struct {
	resync  bool
	swapped bool            // with it a new base took the old one's place
	keep    replica.Scopes  // what a purge leaves
	named   map[string]bool // records that come or go
	reds    []string
}

// hides says whether the page takes a record, or a whole scope, out of sight.
func (p *incoming) hides(id string) bool {
	return p != nil && (p.keep != nil || slices.Contains(p.reds, id))
}

// expect looks at a line before the phone takes it in, and returns what to ask after.
func (w *World) expect(s *seat, line wire.Line) (check func()) {
	switch p := s.page; {
	case line.Card != nil:
		s.page = &incoming{resync: line.Card.Resync, named: map[string]bool{}}
	case line.Gone != nil:
		return w.leaving(s)
	case p == nil:
	case line.Purge != nil:
		p.keep = line.Purge.Keep
	case line.Row != nil:
		p.named[line.Row.ID] = true
	case line.Del != nil:
		p.named[line.Del.ID] = true
	case line.Red != nil:
		p.named[line.Red.ID] = true
		p.reds = append(p.reds, line.Red.ID)
	case line.End != nil:
		s.page = nil
		st := &s.shelf.state
		shadowing := st.meta.Shadowing || p.resync
		before := maps.Clone(st.base)
		return func() {
			if shadowing && st.meta.Shadowing {
				w.beside(s, before)
			}
			p.swapped = shadowing && !st.meta.Shadowing
			if p.keep != nil && !p.swapped {
				w.spared(s, p, before)
			}
			if w.unhurt(s, *line.End); !st.damaged {
				w.whole(s, p, before)
			}
		}
	}
	return func() {}
}

// beside sees that a base beside which a new one grows does not change, except that rows go (17).
func (w *World) beside(s *seat, before map[string]wire.Row) {
	for id, row := range s.shelf.state.base {
		if old, ok := before[id]; !ok || rowHash(old) != rowHash(row) {
			w.fail(17, "%s of %s changed before the new base was whole", id, s.name)
		}
	}
}

// spared sees that a purge leaves what is visible through another grant (5).
func (w *World) spared(s *seat, p *incoming, before map[string]wire.Row) {
	for id, row := range before {
		if _, ok := s.shelf.state.base[id]; !ok && p.keep.Holds(row.Scope) && !p.named[id] {
			w.fail(5, "a purge took %s of %s, which was to stay", row.Scope, s.name)
		}
	}
}

// whole sees that what a page brings is a state that the record has been in, all of it, so that the atoms of one mutation
// become visible together (11), and that a phone which saw a state never sees an earlier one again (10).
func (w *World) whole(s *seat, p *incoming, before map[string]wire.Row) {
	st := &s.shelf.state
	base := st.base
	if st.meta.Shadowing {
		base = st.shadow
	}
	for id, row := range base {
		old, had := before[id]
		if !p.named[id] && (!had || !p.swapped) {
			continue
		}
		states := s.card.history[id].states
		now := states[state{st.meta.Epoch, rowHash(row)}]
		if now == 0 {
			w.fail(11, "%s shows a state of %s that never was: %s", s.name, id, encode(row))
		}
		if had && s.epoch == st.meta.Epoch && states[state{s.epoch, rowHash(old)}] > now {
			w.fail(10, "%s goes back to an earlier state of %s", s.name, id)
		}
	}
	if !st.meta.Shadowing {
		s.epoch = st.meta.Epoch
	}
}

// written sees that a person finds on his screen what he just saved (10).
func (w *World) written(s *seat, id string, made []*write) {
	screen, err := s.phone.Screen(id)
	if errors.Is(err, replica.ErrUnknown) && w.Broken != LostSave {
		return // it went while the editor was open; what was saved waits in the outbox and shows if it comes back
	}
	if err != nil {
		w.fail(10, "%s saved %s and cannot see it: %v", s.name, id, err)
	}
	for _, wr := range made {
		if got := text(screen.Atoms[wr.atom].Value); got != wr.value {
			w.fail(10, "%s saved %s and sees %s", s.name, wr.value, got)
		}
	}
}

// reads counts what the engine reads of a card.
type reads struct{ rows, moves, records, decisions int }

// counting is a Ledger that counts.
type counting struct {
	replica.Ledger
	reads *reads
}

func (c counting) Scan(scopes replica.Scopes, after uint64, limit int) ([]replica.Record, error) {
	out, err := c.Ledger.Scan(scopes, after, limit)
	c.reads.rows += len(out)
	return out, err
}

func (c counting) Moves(after uint64, limit int) ([]replica.Move, error) {
	out, err := c.Ledger.Moves(after, limit)
	c.reads.moves += len(out)
	return out, err
}

func (c counting) Records(ids []string) (map[string]replica.Record, error) {
	out, err := c.Ledger.Records(ids)
	c.reads.records += len(ids)
	return out, err
}

func (c counting) Decisions(actor uint32, from, to uint64) ([]replica.Decision, error) {
	out, err := c.Ledger.Decisions(actor, from, to)
	c.reads.decisions += len(out)
	return out, err
}
