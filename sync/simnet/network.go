package simnet

import (
	"slices"
	"strconv"
	"time"

	"github.com/medcard/medcard/sync/wire"
)

// envelope is a message on its way, about one card of a phone or several.
type envelope struct {
	id     int
	device *device
	seats  []*seat // one for each card of the request, in its order
	form   form
	reply  bool
	body   []byte
	parsed *parsed
}

// form says which request it is, or which one it answers.
type form string

const (
	formSync  form = "sync"
	formPush  form = "push"
	formEnrol form = "enrol"
)

// parsed is a request as the server reads it: once, however often it comes.
type parsed struct {
	done  bool
	err   error
	sync  wire.SyncRequest
	push  wire.PushRequest
	enrol wire.DevicesRequest
}

func (e envelope) parse() (*parsed, error) {
	p := e.parsed
	if p.done {
		return p, p.err
	}
	p.done = true
	switch e.form {
	case formSync:
		p.sync, p.err = wire.Decode[wire.SyncRequest](e.body)
	case formPush:
		p.push, p.err = wire.Decode[wire.PushRequest](e.body)
	case formEnrol:
		p.enrol, p.err = wire.Decode[wire.DevicesRequest](e.body)
	}
	return p, p.err
}

// send puts a request on the network.
func (w *World) send(d *device, seats []*seat, f form, body any) {
	raw, err := wire.Marshal(body)
	w.must(err)
	w.nextID++
	patience := 5 + w.rand.IntN(60)
	for _, s := range seats {
		s.await, s.patience = w.nextID, patience
	}
	if len(seats) > 1 {
		w.count("several cards in one request")
	}
	w.trace("send", d.name, strconv.Itoa(len(raw)))
	w.post(envelope{id: w.nextID, device: d, seats: seats, form: f, body: raw})
}

// post is the network: it may lose a message, deliver it twice, or cut it off at any byte.
func (w *World) post(e envelope) {
	e.parsed = &parsed{}
	if !w.calm {
		switch w.rand.IntN(12) {
		case 0:
			if e.reply {
				w.count("cut between commit and reply")
			} else {
				w.count("dropped")
			}
			return
		case 1:
			w.count("doubled")
			w.wires = append(w.wires, e)
		case 2:
			if len(e.body) > 0 && (e.reply || w.rand.IntN(2) == 0) {
				e.body = e.body[:w.rand.IntN(len(e.body))]
				e.parsed = &parsed{}
			}
		}
	}
	w.wires = append(w.wires, e)
}

// deliver takes one message off the network, in any order.
func (w *World) deliver(i int) {
	if i > 0 {
		w.count("overtaken")
	}
	e := w.wires[i]
	w.wires = slices.Delete(w.wires, i, i+1)
	if e.reply {
		w.hear(e)
		return
	}
	w.undone = false
	body := w.answer(e)
	if !w.undone {
		w.sent = append(w.sent, e)
	}
	if body != nil {
		e.reply, e.body = true, body
		w.post(e)
	}
}

// answer is what the server says to a request; nil: it gives no answer that a phone could use.
func (w *World) answer(e envelope) []byte {
	w.tracer.bytes("request "+e.device.name, e.body)
	body := w.serve(e)
	w.tracer.bytes("answer "+e.device.name, body)
	return body
}

// rest heals the network and lets every phone sync until it has nothing to say and nothing to hear.
func (w *World) rest() {
	w.calm = true
	for _, s := range w.seats {
		s.drafts = nil
	}
	for range 200 {
		before := w.state()
		w.now = w.now.Add(time.Second)
		for _, s := range w.seats {
			if s.await != 0 { // its answer may be older than what others did since
				w.hangUp(s)
			}
			s.done = false
		}
		for _, d := range w.devices {
			d.offline = false
			w.ask(d, d.seats)
		}
		for len(w.wires) > 0 {
			w.deliver(w.rand.IntN(len(w.wires)))
		}
		busy := func(s *seat) bool { return !s.done }
		if !slices.ContainsFunc(w.seats, busy) && w.state() == before {
			return // all have synced and nothing moved
		}
	}
}

// state is a hash of what replays must not change: the records, and which mutations were processed.
func (w *World) state() (sum uint64) {
	for _, c := range w.cards {
		sum = c.book.pages.fingerprint(sum)
	}
	return sum
}
