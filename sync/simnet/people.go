package simnet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// cardWorld is one card on the server, and all who have a place with it.
type cardWorld struct {
	id     string
	book   *Book
	places []*place
	seats  []*seat
	docs   []string // what clinics published

	backup   *Book
	standing standing // what counted when the backup was made
	epochs   int
	restored time.Time        // from a backup, last
	history  map[string]*past // of each record
	replica  *Book            // for Broken LaggingReplica
}

// device is one installation, with its seats at one card or several. A clone has the same id.
type device struct {
	id      string
	name    string
	seats   []*seat
	offline bool
	skew    time.Duration // how wrong the phone's clock is
}

// The kinds and scopes of the simulated worlds.
const (
	kindComment     = "comment"
	kindMeasurement = "measurement"
	kindRequest     = "request"
	kindDocument    = "document"
	kindDream       = "dream" // no rule knows it
)

var (
	atoms     = []string{"text", "value"}
	allScopes = []string{"lab.general", "lab.psychiatric", "note.general", "request.general", "vitals.general"}
	secret    = bytes.Repeat([]byte{7}, 32)
)

// Engine is the server's engine as worlds have it: small pages, so that answers have many.
func Engine() replica.Server {
	return replica.Server{PageRows: 4, CheckRows: 6, CollectRows: 3, Silence: silence, Rules: replica.Rules{
		kindComment:     {Policy: replica.Siblings, Scope: "note.general", Check: poison},
		kindMeasurement: {Policy: replica.Siblings, Scope: "vitals.general", Check: poison},
		kindRequest:     {Policy: replica.Command, Scope: "request.general", Command: compareAndSet},
		kindDocument:    {Policy: replica.Immutable},
	}}
}

// poison refuses every seventeenth value.
func poison(atoms map[string]json.RawMessage) (code string) {
	for _, value := range atoms {
		var n int
		if _, err := fmt.Sscanf(text(value), "v%d", &n); err == nil && n > 0 && n%17 == 0 {
			return wire.CodeInvalid
		}
	}
	return ""
}

// compareAndSet is a state machine in which every state has one successor: who asks for a new text must name the old one, in
// "value". So a command that comes twice, even under another actor, has its effect once.
func compareAndSet(current, asked map[string]json.RawMessage) (next map[string]json.RawMessage, code string) {
	if text(current["text"]) != text(asked["value"]) {
		return nil, wire.CodeInvalid
	}
	return asked, ""
}

// people seats two people with two phones each: all four at their own cards, one of each also at the other's, where he
// sees a part.
func (w *World) people() {
	for range 2 {
		id := w.newID()
		w.cards = append(w.cards, &cardWorld{id: id, book: w.book(id), history: map[string]*past{}})
	}
	for person := range 2 {
		own := w.place(w.cards[person], []held{{scopes: replica.Scopes{"*"}}})
		guest := held{scopes: replica.Scopes{"note.general", "lab.general"}}
		if w.rand.IntN(2) == 0 {
			guest.until = w.now.AddDate(0, 0, 10+w.rand.IntN(50))
		}
		other := w.place(w.cards[1-person], []held{guest})
		for phone := range 2 {
			d := w.device(w.newID(), fmt.Sprintf("p%d.%d", person, phone))
			w.seat(d, d.name, own, w.shelf(own.card.id))
			if phone == 0 {
				w.seat(d, d.name+"/other", other, w.shelf(other.card.id))
			}
		}
	}
}

func (w *World) place(c *cardWorld, has []held) *place {
	p := &place{card: c, owner: has[0].scopes[0] == "*", could: map[string]bool{}}
	p.grants = []grant{{scopes: union(has), held: has}}
	c.places = append(c.places, p)
	return p
}

func (w *World) device(id, name string) *device {
	d := &device{id: id, name: name, skew: time.Duration(w.rand.IntN(600)-300) * time.Second}
	w.devices = append(w.devices, d)
	return d
}

func (w *World) seat(d *device, name string, p *place, shelf *Shelf) *seat {
	s := &seat{name: name, device: d, place: p, card: p.card, shelf: shelf, hand: &hand{}, rewritten: map[string]wire.Mutation{}}
	d.seats = append(d.seats, s)
	p.card.seats = append(p.card.seats, s)
	w.seats = append(w.seats, s)
	w.start(s)
	return s
}

// clone copies a phone with all that is on it: from now on two installations believe that they are this one.
func (w *World) clone(d *device) {
	if len(w.devices) > 5 {
		return
	}
	w.count("phone cloned")
	twin := w.device(d.id, d.name+"'")
	for _, s := range slices.Clone(d.seats) {
		w.trace("cloned", s.name)
		t := w.seat(twin, s.name+"'", s.place, s.shelf.Copy())
		t.hand = s.hand.fork(w.oracle)
		s.hand = s.hand.fork(w.oracle)
		s.astray()
		t.astray()
	}
}
