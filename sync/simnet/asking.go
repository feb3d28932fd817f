package simnet

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// ask has a phone speak to the server about some of its cards: for actors on those where it lacks one, and in one request a
// sync of the others.
func (w *World) ask(d *device, seats []*seat) {
	if d.offline {
		return
	}
	var bare, ready []*seat
	enrol := wire.DevicesRequest{Device: d.id}
	sync := wire.SyncRequest{Device: d.id, MaxBytes: w.rand.IntN(2000)}
	for _, s := range seats {
		if s.await != 0 {
			continue
		}
		need, needed, err := s.phone.Enrolment()
		w.must(err)
		if needed {
			bare, enrol.Cards = append(bare, s), append(enrol.Cards, need)
		} else {
			ready, sync.Cards = append(ready, s), append(sync.Cards, w.question(s))
		}
	}
	if len(bare) > 0 {
		w.send(d, bare, formEnrol, enrol)
	}
	switch {
	case len(ready) == 1 && len(sync.Cards[0].Mutations) > 0 && w.chance(6):
		w.count("push alone")
		w.send(d, ready, formPush, ready[0].exchange.PushRequest(d.id))
	case len(ready) > 0:
		w.send(d, ready, formSync, sync)
	}
}

// question opens an exchange about one card.
func (w *World) question(s *seat) wire.SyncCard {
	x, err := s.phone.Exchange(1 + w.rand.IntN(6))
	w.must(err)
	s.exchange = x
	if w.chance(2) {
		x.Calm()
	}
	card := x.Request()
	if w.Broken == ContextAtPush {
		card.Mutations = w.refreshed(s, card.Mutations)
	}
	if w.Broken == CursorAsLow {
		card.Low = s.shelf.state.meta.At
	}
	if w.Broken == LostItem {
		_ = s.shelf.Update(func(tx replica.PhoneTx) error {
			for _, m := range card.Mutations {
				w.must(tx.DropItem(card.Actor, m.N))
			}
			return nil
		})
	}
	return card
}

// hear takes in an answer, which may have been cut anywhere.
func (w *World) hear(e envelope) {
	waiting := func(s *seat) bool { return s.await == e.id }
	if !slices.ContainsFunc(e.seats, waiting) {
		w.count("late answer")
		return
	}
	switch e.form {
	case formEnrol:
		w.enrolled(e)
	case formPush:
		w.pushed(e)
	case formSync:
		w.lines(e)
	}
	for _, s := range e.seats {
		if waiting(s) { // it did not crash
			w.finish(s)
		}
	}
}

// finish ends an exchange.
func (w *World) finish(s *seat) {
	s.await, s.page = 0, nil
	if s.exchange == nil {
		return
	}
	open, _ := s.shelf.state.Open()
	s.done = s.done || s.exchange.Done() && len(open) == 0 && s.shelf.state.meta.Actor != 0
	s.exchange.Close()
	s.exchange = nil
}

// hangUp gives up waiting.
func (w *World) hangUp(s *seat) {
	w.count("gave up")
	s.await, s.page = 0, nil
	if s.exchange != nil {
		s.exchange.Close()
		s.exchange = nil
	}
}

// enrolled takes up the actors. A card that the answer leaves out is none that this phone may know of.
func (w *World) enrolled(e envelope) {
	var r wire.DevicesResponse
	if json.Unmarshal(e.body, &r) != nil {
		w.count("cut answer")
		return
	}
	for _, s := range e.seats {
		i := slices.IndexFunc(r.Cards, func(c wire.Enrolment) bool { return c.Card == s.card.id })
		if i < 0 {
			if w.gone(s, r.Gone) {
				return
			}
			continue
		}
		s.astray() // its old actor may be retired, and it may have crashed when it was told so
		s.astray() // what it wrote under another actor, a clone of it may have left behind
		if w.crashed(s, s.phone.Enrolled(r.Cards[i])) {
			return
		}
	}
}

// pushed takes in the answer to a push alone.
func (w *World) pushed(e envelope) {
	var r wire.PushResponse
	if json.Unmarshal(e.body, &r) != nil {
		w.count("cut answer")
		return
	}
	s := e.seats[0]
	kept := w.edits(s)
	err := s.exchange.Pushed(r)
	if kept(); !w.crashed(s, err) {
		w.must(err)
	}
}

// lines takes in a stream: pages of one card after the other.
func (w *World) lines(e envelope) {
	var s *seat // whose page it is
	lines := wire.NewLineReader(bytes.NewReader(e.body))
	for {
		line, err := lines.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				w.count("cut answer")
			}
			return
		}
		if card := about(line); card != "" {
			s = e.seats[slices.IndexFunc(e.seats, func(s *seat) bool { return s.card.id == card })]
		}
		if s.await != e.id || s.exchange == nil {
			continue // it has given up, or has been told that this leads nowhere
		}
		if crashed := w.take(s, line); crashed {
			return
		}
	}
}

// about is the card that a line names.
func about(line wire.Line) string {
	switch {
	case line.Card != nil:
		return line.Card.Card
	case line.Same != nil:
		return line.Same.Card
	case line.Gone != nil:
		return line.Gone.Card
	case line.Err != nil:
		return line.Err.Card
	}
	return ""
}

// take takes in one line.
func (w *World) take(s *seat, line wire.Line) (crashed bool) {
	if line.Res != nil {
		w.count(strings.TrimSuffix("result "+string(line.Res.Outcome)+" "+line.Res.Code, " "))
	}
	kept := w.edits(s)
	check := w.expect(s, line)
	err := s.exchange.Line(line)
	kept()
	if line.Err != nil { // it was retired, say, whether it lives to hear it or not
		s.astray()
	}
	switch {
	case err == nil:
		check()
	case w.crashed(s, err):
		return true
	case errors.Is(err, replica.ErrNotEnrolled):
		w.count("fresh actor")
		w.finish(s)
	case left(err):
		check()
		w.count("gone")
		w.finish(s)
		s.done = true
	default:
		w.must(err)
	}
	return false
}

// gone takes in that the answer to an enrolment leaves a card out.
func (w *World) gone(s *seat, list []wire.Gone) (crashed bool) {
	i := slices.IndexFunc(list, func(g wire.Gone) bool { return g.Card == s.card.id })
	kept, check := w.edits(s), w.leaving(s)
	err := s.phone.Leave(list[i])
	if kept(); w.crashed(s, err) {
		return true
	}
	if !left(err) {
		w.must(err)
	}
	check()
	w.count("gone at enrolment")
	s.done = true
	return false
}

// left says whether a phone has done what it does when a card is not shown any more.
func left(err error) bool {
	return errors.Is(err, replica.ErrGone) || errors.Is(err, replica.ErrHeld) || errors.Is(err, replica.ErrForgotten)
}
