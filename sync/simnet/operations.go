package simnet

// operation is one thing that may happen in a step.
type operation struct {
	name string
	odds int // beside those of the others
	do   func(*World)
}

// operations is all that may happen in a step, other than that a message arrives.
func operations() []operation {
	return []operation{
		{"a phone asks", 48, func(w *World) { w.ask(pick(w.rand, w.seats)) }},
		{"an editor is opened", 24, func(w *World) { w.open(pick(w.rand, w.seats)) }},
		{"an editor is saved", 30, (*World).saveSome},
		{"a record is made", 6, (*World).createSome},
		{"a clinic publishes", 6, (*World).publishSome},
		{"a phone goes offline, or comes back", 6, (*World).toggle},
		{"access changes", 6, func(w *World) { w.regrant(pick(w.rand, w.seats)) }},
		{"fate strikes a phone", 12, func(w *World) { w.fate(pick(w.rand, w.seats)) }},
		{"fate strikes the server", 1, func(w *World) { w.calamity(pick(w.rand, w.cards)) }},
		{"an old request comes again", 6, (*World).replay},
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

func (w *World) saveSome() {
	if s := pick(w.rand, w.seats); len(s.drafts) > 0 {
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
	if c := pick(w.rand, w.cards); len(c.docs) < 3 || w.rand.IntN(4) == 0 {
		w.publish(c)
	}
}

func (w *World) toggle() {
	s := pick(w.rand, w.seats)
	s.offline = !s.offline && w.rand.IntN(2) == 0
}

func (w *World) replay() {
	if len(w.sent) > 0 {
		w.count("late replay")
		w.serve2(pick(w.rand, w.sent))
	}
}
