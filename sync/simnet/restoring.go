package simnet

import (
	"slices"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// The mistakes about access after a restore of the server.
const (
	Unconfirmed     Broken = "a restore that holds nothing"   // what was revoked after the backup is good again
	HeldIsGone      Broken = "what is held is taken for gone" // the phone destroys what only it has
	ForgottenIsGone Broken = "a claim forgotten for good"     // so does the phone of an owner whom the backup does not know
)

// A backup may be older than a revocation, and older than the claim of a card. So a server that was restored shows nobody but the
// owner anything until he has confirmed it; and an owner who claimed his card after the backup is nobody to it until he claims it again.

// withhold is what the restored server does before it serves anybody.
func (w *World) withhold(c *cardWorld) {
	w.expire(c)
	forgotten := w.rand.IntN(4) == 0
	for _, p := range c.places {
		switch has := p.last().held; {
		case forgotten: // nobody else can have been let in before the claim
			if p.owner {
				w.count("forgotten")
			}
			w.hand(p, nil)
			p.wait(nil)
		case !p.owner && len(has) > 0:
			w.count("held")
			w.hand(p, nil)
			p.wait(append(slices.Clone(p.last().waiting), has...))
		}
	}
	w.committed(c)
}

// wait changes what waits for the owner's word. That alone is no commit: nobody sees more for it, or less.
func (p *place) wait(list []held) { p.grants[len(p.grants)-1].waiting = list }

// waits says whether the owner's word would let the person in.
func (w *World) waits(p *place) bool { return slices.ContainsFunc(p.last().waiting, w.runs) }

func (w *World) runs(h held) bool { return h.until.IsZero() || h.until.After(w.now) }

// own is the place of the card's owner.
func (c *cardWorld) own() *place {
	return c.places[slices.IndexFunc(c.places, func(p *place) bool { return p.owner })]
}

// unsettled lists the places about which a restore left something open.
func (w *World) unsettled(c *cardWorld) []*place {
	return slices.DeleteFunc(slices.Clone(c.places), func(p *place) bool { return len(p.last().waiting) == 0 && !(p.owner && p.lost()) })
}

// decide has an owner claim his card again, or say of one grant that is held whether it may go on.
func (w *World) decide(c *cardWorld) {
	if p := c.own(); p.lost() {
		w.count("claimed again")
		w.hand(p, []held{{scopes: replica.Scopes{"*"}}})
		return
	}
	open := w.unsettled(c)
	if len(open) == 0 {
		return
	}
	p := pick(w.rand, open)
	list := slices.Clone(p.last().waiting)
	i := w.rand.IntN(len(list))
	asked := list[i]
	p.wait(slices.Delete(list, i, i+1))
	switch {
	case !w.runs(asked):
		w.count("held until it ended")
	case w.rand.IntN(4) == 0:
		w.count("revoked while held")
		w.trace("revoked while held")
	default:
		w.count("confirmed")
		w.hand(p, append(slices.Clone(p.last().held), asked))
	}
}

// sight is what the server shows a place, shut whether that is nothing at all. The oracle asks the place itself.
func (w *World) sight(p *place) replica.Sight {
	s := p.sight()
	if w.Broken == Unconfirmed {
		s.Now = union(append(slices.Clone(p.last().held), p.last().waiting...))
	}
	return s
}

func (w *World) shut(p *place) bool { return len(w.sight(p).Now) == 0 }

// goodbye is what a phone is told whose person may not see the card, or not now.
func (w *World) goodbye(p *place) *wire.Gone {
	gone := &wire.Gone{Card: p.card.id, Held: w.waits(p) && w.Broken != HeldIsGone}
	if w.Broken != ForgottenIsGone {
		gone.Restored = p.card.restored
	}
	return gone
}

// leaving looks at a phone before it takes in that the card is not shown any more. After a restore of the server nothing of what its
// person wrote may go (2), for the server may have lost it; nor anything at all of an own card that was forgotten. Of a card that is
// held nothing else stays (4).
func (w *World) leaving(s *seat) (check func()) {
	before, p := s.shelf.state, s.place
	if !p.owner && !w.waits(p) {
		s.astray() // what it told of its low goes with the card, and an editor that is open outlives both
	}
	return func() {
		now := &s.shelf.state
		switch {
		case !p.lost(): // the answer was late
		case p.owner && before.meta.Own && before.meta.Synced.Before(s.card.restored): // one with its clock ahead takes itself for in step since
			w.count("forgotten told")
			if encode(now.base) != encode(before.base) || encode(now.meta) != encode(before.meta) {
				w.fail(2, "%s gave up a card that the restored server had forgotten", s.name)
			}
			w.keptAll(s, before)
		case w.waits(p):
			w.count("held told")
			w.keptAll(s, before)
			w.bare(s)
		}
	}
}

func (w *World) keptAll(s *seat, before shelfState) {
	for key, item := range before.items {
		if now, ok := s.shelf.state.items[key]; !ok || encode(now) != encode(item) {
			w.fail(2, "an edit of %s on %s did not outlive a restore of the server", item.Mutation.ID, s.name)
		}
	}
}

// bare sees that a phone holds nothing of a card but what its person wrote.
func (w *World) bare(s *seat) {
	if st := &s.shelf.state; len(st.base)+len(st.shadow) > 0 {
		w.fail(4, "%s keeps %d records of a card that is held", s.name, len(st.base)+len(st.shadow))
	}
}

// settle is for a world at rest in which owners have not said yet what becomes of held grants: phones hold nothing of such cards by
// now. Then all is decided, and the world comes to rest once more.
func (w *World) settle() {
	again := false
	for _, c := range w.cards {
		for _, s := range c.seats {
			if s.place.lost() && w.waits(s.place) {
				w.count("held to the end")
				w.bare(s)
			}
		}
		if len(w.unsettled(c)) > 0 { // their owner takes his time
			w.now = w.now.AddDate(0, 0, 60)
		}
		for len(w.unsettled(c)) > 0 {
			w.decide(c)
			again = true
		}
	}
	if again {
		w.rest()
	}
}
