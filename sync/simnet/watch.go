package simnet

import (
	"errors"
	"maps"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// payload names a mutation as it may come only once.
type payload struct {
	card, epoch string
	actor       uint32
	n           uint64
}

// glimpse notes what each seat could see after a commit of its card: only of that may it ever be told anything.
func (c *cardWorld) glimpse() {
	for _, s := range c.seats {
		now := s.sight().Now
		for id, rec := range c.book.pages.records {
			if now.Holds(rec.Scope) {
				s.could[id] = true
			}
		}
	}
}

// watched makes a page twice and holds it against what a page may be: the same both times (6), with a cursor that does not
// go back (6), of no more than its reader may see at that moment (4), and at a cost that follows what it brings (18).
func (w *World) watched(s *seat, in replica.Pull) (page replica.Page, err error) {
	var rows int
	for again := range 2 {
		before := encode(page)
		rows = 0
		err = s.card.book.View(func(l replica.Ledger) (err error) {
			page, err = w.Engine.Pull(counting{w.spoilt(l), &rows}, in)
			return err
		})
		if err != nil {
			return page, err
		}
		if again > 0 && encode(page) != before {
			w.fail(6, "the same question has two answers")
		}
	}
	now, told := s.sight().Now, 0
	resync := false
	for _, line := range page.Lines {
		switch {
		case line.Card != nil:
			resync = line.Card.Resync
			continue
		case line.End != nil, line.Res != nil:
			continue
		case line.Row != nil && !now.Holds(line.Row.Scope):
			w.fail(4, "%s is sent a row of %s", s.name, line.Row.Scope)
		case line.Red != nil && !s.could[line.Red.ID]:
			w.fail(4, "%s is told that %s went, which it could never see", s.name, line.Red.ID)
		case line.Del != nil && !s.could[line.Del.ID]:
			w.fail(4, "%s is told that %s is deleted, which it could never see", s.name, line.Del.ID)
		}
		told++
	}
	if in.Ask.Cursor == "" || resync {
		return page, nil
	}
	from, err1 := in.Seal.Open(in.Ask.Cursor)
	to, err2 := in.Seal.Open(page.Ask.Cursor)
	if err1 != nil || err2 != nil || to < from {
		w.fail(6, "%s goes from %d back to %d", s.name, from, to)
	}
	if told == 0 && from > 0 && in.Ask.View == in.Sight.View() && rows > 0 {
		w.fail(18, "a page of nothing reads %d rows", rows)
	}
	return page, nil
}

// spoilt gives the ledger the mistake of the day.
func (w *World) spoilt(l replica.Ledger) replica.Ledger {
	switch w.Broken {
	case KeepMoved:
		return unmoved{l}
	case RedForAll:
		return gossip{l}
	case FullScan:
		return thorough{l}
	}
	return l
}

// payloads sees that no two mutations ever pass under one number (16).
func (w *World) payloads(s *seat, ask wire.SyncCard) {
	for _, m := range ask.Mutations {
		key := payload{s.card.id, w.epochOf(s), ask.Actor, m.N}
		if old, ok := w.taken[key]; ok && old != m.Hash() {
			w.fail(16, "two payloads passed as %d of actor %d", m.N, ask.Actor)
		}
		w.taken[key] = m.Hash()
	}
}

// resyncing sees that a base beside which a new one grows does not change, except that rows go (17). It returns what to ask
// after the next line.
func (w *World) resyncing(s *seat) (check func()) {
	if !s.shelf.state.meta.Shadowing {
		return func() {}
	}
	before := maps.Clone(s.shelf.state.base)
	return func() {
		if !s.shelf.state.meta.Shadowing {
			return
		}
		for id, row := range s.shelf.state.base {
			if old, ok := before[id]; !ok || encode(old) != encode(row) {
				w.fail(17, "%s of %s changed before the new base was whole", id, s.name)
			}
		}
	}
}

// written sees that a person finds on his screen what he just saved (10).
func (w *World) written(s *seat, id string, values map[string]string) {
	screen, err := s.phone.Screen(id)
	if errors.Is(err, replica.ErrUnknown) && w.Broken != LostSave {
		return // it went while the editor was open; what was saved waits in the outbox and shows if it comes back
	}
	w.must(err)
	for atom, value := range values {
		if got := text(screen.Atoms[atom].Value); got != value {
			w.fail(10, "%s saved %s and sees %s", s.name, value, got)
		}
	}
}

// anew sees that a phone that comes today holds what one holds that was there all the time (15).
func (w *World) anew(c *cardWorld, s *seat) {
	fresh := &seat{name: s.name + " anew", device: w.newID(), card: c, shelf: w.shelf(c.id), grants: s.grants, could: s.could, rewritten: map[string]wire.Mutation{}}
	w.start(fresh)
	if len(s.sight().Now) == 0 {
		return
	}
	w.seats = append(w.seats, fresh)
	for range 200 {
		if fresh.done {
			break
		}
		w.ask(fresh)
		for len(w.wires) > 0 {
			w.deliver(0)
		}
	}
	w.seats = w.seats[:len(w.seats)-1]
	if a, b := encode(fresh.shelf.state.base), encode(s.shelf.state.base); a != b {
		w.fail(15, "a new phone has %s, %s has %s", a, s.name, b)
	}
	w.retire(fresh.shelf)
}

// counting counts the rows that are read.
type counting struct {
	replica.Ledger
	rows *int
}

func (c counting) Scan(scopes replica.Scopes, after uint64, limit int) ([]replica.Record, error) {
	out, err := c.Ledger.Scan(scopes, after, limit)
	*c.rows += len(out)
	return out, err
}
