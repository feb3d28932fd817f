package simnet

import "slices"

// operation is one thing that may happen in a step.
type operation struct {
	name string
	odds int // beside those of the others
	do   func(*World)
}

// operations is all that may happen in a step, other than that a message arrives.
func operations() []operation {
	return []operation{
		{"a phone asks", 48, (*World).askSome},
		{"an editor is opened", 28, func(w *World) { w.open(pick(w.rand, w.seats)) }},
		{"an editor is saved", 36, (*World).saveSome},
		{"a record is made", 8, (*World).createSome},
		{"a clinic publishes", 6, (*World).publishSome},
		{"a clinic withdraws", 2, func(w *World) { w.withdraw(pick(w.rand, w.cards)) }},
		{"a phone goes offline, or comes back", 4, (*World).toggle},
		{"access changes", 8, (*World).changeAccess},
		{"a clock jumps", 4, func(w *World) { w.jump(pick(w.rand, w.devices)) }},
		{"time passes", 3, (*World).wait},
		{"weeks pass", 2, (*World).season},
		{"a phone is backed up", 4, func(w *World) { w.backUp(pick(w.rand, w.devices)) }},
		{"a phone is restored", 2, func(w *World) { w.restore(pick(w.rand, w.devices)) }},
		{"a phone is cloned", 1, func(w *World) { w.clone(pick(w.rand, w.devices)) }},
		{"the server collects", 8, func(w *World) { w.collect(pick(w.rand, w.cards)) }},
		{"a lease ends", 2, func(w *World) { w.lapse(pick(w.rand, w.seats)) }},
		{"a phone is switched off", 2, func(w *World) { w.crash(pick(w.rand, w.devices)) }},
		{"fate strikes the server", 3, func(w *World) { w.calamity(pick(w.rand, w.cards)) }},
		{"an owner decides", 4, func(w *World) { w.decide(pick(w.rand, w.cards)) }},
		{"an old request comes again", 6, (*World).replay},
		{"a base is damaged", 3, (*World).damage},
		{"a check goes on", 10, (*World).checkSome},
	}
}

// operate lets one thing happen.
func (w *World) operate() {
	n := w.rand.IntN(w.odds)
	for _, op := range w.operations {
		if n -= op.odds; n < 0 {
			w.count(op.name)
			op.do(w)
			return
		}
	}
}

func (w *World) askSome() {
	d := pick(w.rand, w.devices)
	if w.rand.IntN(2) == 0 {
		w.ask(d, d.seats)
	} else {
		w.ask(d, []*seat{pick(w.rand, d.seats)})
	}
}

func (w *World) saveSome() {
	open := slices.DeleteFunc(slices.Clone(w.seats), func(s *seat) bool { return len(s.drafts) == 0 })
	if len(open) > 0 {
		s := pick(w.rand, open)
		w.save(s, w.rand.IntN(len(s.drafts)))
	}
}

func (w *World) createSome() {
	s := pick(w.rand, w.seats)
	if len(s.ids()) < 4 || w.rand.IntN(8) == 0 { // few records, so that people meet at them
		w.create(s)
	}
}

func (w *World) publishSome() {
	if c := pick(w.rand, w.cards); len(c.docs) < 3 || w.rand.IntN(2) == 0 {
		w.publish(c)
	}
}

func (w *World) toggle() {
	d := pick(w.rand, w.devices)
	d.offline = !d.offline && w.rand.IntN(2) == 0
	w.trace("offline", d.name)
}

func (w *World) replay() {
	if len(w.sent) > 0 {
		w.count("late replay")
		w.answer(pick(w.rand, w.sent))
	}
}
