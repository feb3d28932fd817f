package simnet

import (
	"fmt"
	"slices"
	"time"

	"github.com/medcard/medcard/sync/replica"
)

// jump sets a phone's clock: somewhat wrong, wrong by days in either direction, or to the second what the server's is.
func (w *World) jump(d *device) {
	switch w.rand.IntN(4) {
	case 0:
		d.skew = 0
	case 1:
		d.skew = time.Duration(w.rand.IntN(60*24)-30*24) * time.Hour
		w.count("clock jump of days")
	default:
		d.skew = time.Duration(w.rand.IntN(7200)-3600) * time.Second
	}
	w.count("clock jump")
	w.trace("clock", d.name, d.skew.String())
}

// wait lets time pass for everybody: hours, days, or as long as a phone lies in a drawer.
func (w *World) wait() {
	switch w.rand.IntN(3) {
	case 0:
		w.now = w.now.Add(time.Duration(w.rand.IntN(24*60)) * time.Minute)
	case 1:
		w.now = w.now.AddDate(0, 0, w.rand.IntN(20))
	case 2:
		w.now = w.now.AddDate(0, 0, 60+w.rand.IntN(60))
		w.count("months pass")
	}
	w.trace("time", w.now.String())
}

// backUp keeps a phone as it stands.
func (w *World) backUp(d *device) {
	for _, s := range d.seats {
		s.backup = s.shelf.Copy()
	}
}

// restore puts an old backup in a phone's place. Nobody promised that an edit outlives the phone it was made on.
func (w *World) restore(d *device) {
	if d.seats[0].backup == nil {
		return
	}
	w.count("phone restored")
	for _, s := range d.seats {
		w.trace("restored", s.name)
		w.forgetAll(s)
		w.retire(s.shelf)
		s.shelf, s.drafts = s.backup.Copy(), nil
		for _, item := range s.shelf.state.items {
			w.oracle.remember(item.Mutation)
		}
		w.start(s)
		s.astray()
	}
}

// forgetAll is for edits that are lost with the phone, or that a phone gave up with the card, having told its owner.
func (w *World) forgetAll(s *seat) {
	for _, item := range s.shelf.state.items {
		w.oracle.forget(item.Mutation)
	}
}

// crash ends the app on a phone, between two writes or at one: all that was only in its memory is gone. Open editors are
// lost, or restored from what the app kept.
func (w *World) crash(d *device) {
	w.count("crash")
	w.trace("crash", d.name)
	for _, s := range d.seats {
		w.must(s.shelf.crash())
		if w.rand.IntN(2) == 0 {
			s.drafts = nil
		}
		w.start(s)
	}
}

// calamity backs the server's card up, or brings an old backup back. What phones had sent in between they send again;
// what clinics had posted is the clinics' to post again.
func (w *World) calamity(c *cardWorld) {
	if c.backup == nil {
		c.backup, c.standing = c.book.Copy(), w.oracle.standing(c.id)
		for _, p := range c.places {
			p.backup = slices.Clone(p.grants)
		}
		return
	}
	w.count("server restored")
	w.trace("server restored", c.id)
	c.epochs++
	c.book.Restored(c.backup, fmt.Sprintf("e%d", c.epochs+1))
	c.backup, c.restored = nil, w.now
	w.must(c.book.Update(func(l replica.Ledger) error { return w.Engine.Restored(l, w.now) }))
	for _, p := range c.places {
		p.grants = p.backup
	}
	for _, s := range c.seats {
		s.astray()
	}
	// No answer outlives the server that gave it: one that came after weeks would have a phone let go of what it keeps for a week.
	w.wires = slices.DeleteFunc(w.wires, func(e envelope) bool {
		return e.reply && slices.ContainsFunc(e.seats, func(s *seat) bool { return s.card == c })
	})
	w.oracle.restored(c, c.standing)
	w.withhold(c)
}
