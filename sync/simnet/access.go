package simnet

import (
	"slices"
	"time"

	"github.com/medcard/medcard/sync/replica"
)

// place is what one person may see of one card: his phones share it.
type place struct {
	card   *cardWorld
	owner  bool
	grants []grant         // by commit
	backup []grant         // as they were when the server was backed up
	could  map[string]bool // records that he could see after some commit
}

// grant says what is visible from a commit on.
type grant struct {
	seq     uint64
	scopes  replica.Scopes // of all that is held together
	held    []held
	waiting []held // for the owner's word, after a restore of the server
}

// held is one grant as it was given; several may hold the same scope.
type held struct {
	scopes replica.Scopes
	until  time.Time // zero: it does not end by itself
}

// grantable is what grants name: scopes, classes of them, and one of which the card has nothing.
var grantable = append(slices.Clone(allScopes), "lab.*", "vitals.*", "rx.general")

func union(list []held) (scopes replica.Scopes) {
	for _, h := range list {
		scopes = append(scopes, h.scopes...)
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

func (p *place) last() grant { return p.grants[len(p.grants)-1] }

// lost says whether nothing is held any more: the card is gone for this person.
func (p *place) lost() bool { return len(p.last().held) == 0 }

func (s *seat) sight() replica.Sight { return s.place.sight() }

// sight is what the place may see, and could see at any commit.
func (p *place) sight() replica.Sight {
	return replica.Sight{Now: p.last().scopes, Changed: p.last().seq, Since: func(seq uint64) (span replica.Span, err error) {
		for _, g := range p.grants {
			if g.seq <= seq {
				span.At = g.scopes
			}
		}
		for _, scope := range allScopes {
			throughout, once := true, false
			for i, g := range p.grants {
				if i+1 < len(p.grants) && p.grants[i+1].seq <= seq {
					continue // over by then
				}
				throughout = throughout && g.scopes.Holds(scope)
				once = once || g.scopes.Holds(scope)
			}
			if throughout {
				span.Always = append(span.Always, scope)
			}
			if once {
				span.Ever = append(span.Ever, scope)
			}
		}
		return span, nil
	}}
}

// changeAccess changes the access of somebody who is not the owner.
func (w *World) changeAccess() {
	p := pick(w.rand, pick(w.rand, w.cards).places)
	if p.owner {
		return
	}
	w.regrant(p)
}

// regrant changes what a place may see: one grant more, one less, another instead, or none at all any more.
func (w *World) regrant(p *place) {
	has := slices.Clone(p.last().held)
	switch n := w.rand.IntN(8); {
	case len(has) == 0:
		w.count("given again")
		has = append(has, w.newGrant())
	case n == 0:
		w.count("taken altogether")
		has = nil
	case n < 3 && len(has) > 1:
		w.count("revoked")
		i := w.rand.IntN(len(has))
		has = slices.Delete(has, i, i+1)
	case n < 5 && len(has) < 4:
		w.count("granted")
		has = append(has, w.newGrant())
	default:
		w.count("replaced by another grant")
		has[w.rand.IntN(len(has))] = w.newGrant()
	}
	w.hand(p, has)
}

func (w *World) newGrant() (h held) {
	for range 1 + w.rand.IntN(3) {
		h.scopes = append(h.scopes, pick(w.rand, grantable))
	}
	switch w.rand.IntN(6) {
	case 0:
		h.until = w.now.Add(time.Duration(w.rand.IntN(300)) * time.Second)
	case 1, 2:
		h.until = w.now.AddDate(0, 0, w.rand.IntN(60))
	}
	return h
}

// hand gives a place what it has from now on: a commit of the card, like everything.
func (w *World) hand(p *place, has []held) {
	w.must(p.card.book.Update(func(l replica.Ledger) error {
		head, err := l.Lock()
		if err != nil {
			return err
		}
		p.grants = append(slices.Clip(p.grants), grant{head.Seq + 1, union(has), has, p.last().waiting})
		return l.Advance(head.Seq + 1)
	}))
	w.committed(p.card)
	w.trace(append([]string{"access"}, p.last().scopes...)...)
}

// expire commits the ends that have come: whoever asks next does it, before he looks.
func (w *World) expire(c *cardWorld) {
	for _, p := range c.places {
		over := func(h held) bool { return !h.until.IsZero() && !h.until.After(w.now) }
		if slices.ContainsFunc(p.last().held, over) {
			w.count("expired")
			w.hand(p, slices.DeleteFunc(slices.Clone(p.last().held), over))
		}
	}
}
