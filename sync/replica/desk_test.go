package replica_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/simnet"
	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const cardID = "0195f3a1-0000-7000-8000-00000000000c"

// desk is a server with one card and devices at it.
type desk struct {
	t      testing.TB
	server replica.Server
	book   *simnet.Book
	epoch  string
	now    time.Time
	sights map[string]replica.Sight
}

func newDesk(t testing.TB) *desk {
	server := simnet.Engine()
	server.Silence, server.CollectRows, server.CheckRows = 0, 0, 0 // as in life
	return &desk{t: t, server: server, book: simnet.NewBook("e1"), epoch: "e1", now: noon, sights: map[string]replica.Sight{}}
}

func (d *desk) sight(device string) replica.Sight {
	if s, ok := d.sights[device]; ok {
		return s
	}
	return replica.Sight{Now: replica.Scopes{"*"}}
}

// span is a history of access that is the same whatever one asks.
func span(at, always, ever replica.Scopes) func(uint64) (replica.Span, error) {
	return func(uint64) (replica.Span, error) { return replica.Span{At: at, Always: always, Ever: ever}, nil }
}

// tag is the ETag of the card's head for a device.
func (d *desk) tag(device string) (tag string) {
	d.t.Helper()
	d.must(d.book.View(func(l replica.Ledger) error {
		newest, err := d.sight(device).Newest(l)
		tag = d.sight(device).Tag(newest, d.seal(device))
		return err
	}))
	return tag
}

func (d *desk) seal(device string) replica.Sealer {
	return replica.NewBlockSealer(make([]byte, 32), cardID, device, d.epoch)
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// enrol gives a device an actor.
func (d *desk) enrol(device string) uint32 {
	d.t.Helper()
	var a replica.Actor
	d.must(d.book.Update(func(l replica.Ledger) (err error) {
		a, err = d.server.Enrol(l, device, "", false, d.now)
		return err
	}))
	return a.Ordinal
}

// push sends mutations as a device that acknowledged nothing yet.
func (d *desk) push(device string, actor uint32, list ...wire.Mutation) (replica.Pushed, error) {
	return d.pushAcked(device, actor, 0, list...)
}

func (d *desk) pushAcked(device string, actor uint32, acked uint64, list ...wire.Mutation) (out replica.Pushed, err error) {
	err = d.book.Update(func(l replica.Ledger) error {
		out, err = d.server.Push(l, replica.Push{Device: device, Actor: actor, Epoch: d.epoch, Acked: acked, Mutations: list,
			Sight: d.sight(device), Seal: d.seal(device), Now: d.now})
		return err
	})
	return out, err
}

// one sends one mutation and returns its result.
func (d *desk) one(device string, actor uint32, m wire.Mutation) wire.Result {
	d.t.Helper()
	out, err := d.push(device, actor, m)
	d.must(err)
	return out.Results[0]
}

func (d *desk) publish(facts ...replica.Fact) []replica.Effect {
	d.t.Helper()
	var out []replica.Effect
	d.must(d.book.Update(func(l replica.Ledger) (err error) {
		out, err = d.server.Publish(l, facts, d.now)
		return err
	}))
	return out
}

func (d *desk) record(id string) replica.Record {
	d.t.Helper()
	var rec replica.Record
	d.must(d.book.View(func(l replica.Ledger) error {
		all, err := l.Records([]string{id})
		rec = all[id]
		return err
	}))
	return rec
}

func (d *desk) head() replica.Head {
	d.t.Helper()
	var head replica.Head
	d.must(d.book.View(func(l replica.Ledger) (err error) {
		head, err = l.Head()
		return err
	}))
	return head
}

// restored brings a backup of the server back, as its command does.
func (d *desk) restored(backup *simnet.Book, epoch string) {
	d.t.Helper()
	d.epoch = epoch
	d.book.Restored(backup, epoch)
	d.must(d.book.Update(func(l replica.Ledger) error { return d.server.Restored(l, d.now) }))
}

// pull makes one page.
func (d *desk) pull(device string, ask wire.PullCard) replica.Page {
	d.t.Helper()
	var page replica.Page
	d.must(d.book.View(func(l replica.Ledger) (err error) {
		page, err = d.server.Pull(l, replica.Pull{Device: device, Ask: ask, Sight: d.sight(device), Seal: d.seal(device)})
		return err
	}))
	return page
}

// pullAll follows the pages to the end.
func (d *desk) pullAll(device string, ask wire.PullCard) (lines []wire.Line, next wire.PullCard) {
	d.t.Helper()
	for range 1000 {
		page := d.pull(device, ask)
		lines, ask = append(lines, page.Lines...), page.Ask
		if !page.More {
			return lines, ask
		}
	}
	d.t.Fatal("the pull has no end")
	return nil, ask
}

// phone is a device with a store and an engine.
func (d *desk) phone(device string) *handset {
	d.t.Helper()
	h := &handset{desk: d, device: device, shelf: simnet.NewShelf()}
	h.boot()
	h.enrol()
	return h
}

// handset is a phone at the desk, on a network without faults.
type handset struct {
	*replica.Phone
	desk   *desk
	device string
	shelf  *simnet.Shelf
}

func (h *handset) boot() {
	h.Phone = replica.NewPhone(cardID, h.shelf, func() time.Time { return h.desk.now })
}

func (h *handset) enrol() {
	h.desk.t.Helper()
	ask, needed, err := h.Enrolment()
	h.desk.must(err)
	if !needed {
		return
	}
	var a replica.Actor
	h.desk.must(h.desk.book.Update(func(l replica.Ledger) (err error) {
		a, err = h.desk.server.Enrol(l, h.device, "", ask.Fresh, h.desk.now)
		return err
	}))
	h.desk.must(h.Enrolled(wire.Enrolment{Card: cardID, Epoch: h.desk.epoch, Actor: a.Ordinal, LMID: a.LMID}))
}

// answer is what the server says to a request of the phone: all pages.
func (h *handset) answer(ask wire.SyncCard) []wire.Line {
	h.desk.t.Helper()
	var out replica.Pushed
	err := h.desk.book.Update(func(l replica.Ledger) (err error) {
		out, err = h.desk.server.Push(l, replica.Push{Device: h.device, Actor: ask.Actor, Epoch: ask.Epoch, Acked: ask.Acked,
			Low: ask.Low, Mutations: ask.Mutations, Sight: h.desk.sight(h.device), Seal: h.desk.seal(h.device), Now: h.desk.now})
		return err
	})
	problem := func(err error) []wire.Line {
		switch {
		case errors.Is(err, replica.ErrForked):
			return []wire.Line{{Err: &wire.Problem{Code: wire.ProblemActorForked}}}
		case errors.Is(err, replica.ErrActor):
			return []wire.Line{{Err: &wire.Problem{Code: wire.ProblemActorUnknown}}}
		}
		h.desk.t.Fatal(err)
		return nil
	}
	if err != nil && !replica.Behind(err) {
		return problem(err)
	}
	var lines []wire.Line
	in := replica.Pull{Device: h.device, Ask: ask.PullCard, Sight: h.desk.sight(h.device), Seal: h.desk.seal(h.device), Results: out.Results}
	for {
		var page replica.Page
		if err := h.desk.book.View(func(l replica.Ledger) (err error) {
			page, err = h.desk.server.Pull(l, in)
			return err
		}); err != nil {
			return append(lines, problem(err)...)
		}
		lines = append(lines, page.Lines...)
		if !page.More {
			return lines
		}
		in = in.NextPage(page)
	}
}

// sync does one whole exchange, and returns what the phone said to a line that it did not like.
func (h *handset) sync() error {
	h.desk.t.Helper()
	x, err := h.Exchange(100)
	if err != nil {
		return err
	}
	defer x.Close()
	for _, line := range h.answer(x.Request()) {
		if err := x.Line(line); err != nil {
			return err
		}
	}
	if !x.Done() {
		h.desk.t.Fatal("an answer with all pages leaves the exchange open")
	}
	return nil
}

func (h *handset) mustSync() {
	h.desk.t.Helper()
	h.desk.must(h.sync())
}

func (h *handset) save(d replica.Draft, atom, value string) replica.Item {
	h.desk.t.Helper()
	item, err := h.Save(d, map[string]json.RawMessage{atom: quote(value)})
	h.desk.must(err)
	return item
}

func (h *handset) create(id, value string) {
	h.desk.t.Helper()
	d, err := h.New(id, "comment")
	h.desk.must(err)
	h.save(d, "text", value)
}

func (h *handset) open(id string) (replica.Draft, replica.Screen) {
	h.desk.t.Helper()
	d, screen, err := h.Open(id)
	h.desk.must(err)
	return d, screen
}

// sees says what stands on the screen: the value, then its siblings in brackets.
func (h *handset) sees(id string) string {
	h.desk.t.Helper()
	screen, err := h.Screen(id)
	if err != nil {
		return err.Error()
	}
	return face(screen, "text")
}

func face(screen replica.Screen, atom string) string {
	a := screen.Atoms[atom]
	out := unquote(a.Value)
	for _, v := range a.Siblings {
		out += " [" + unquote(v.Value) + "]"
	}
	return out
}

func quote(s string) json.RawMessage { return json.RawMessage(`"` + s + `"`) }

func unquote(v json.RawMessage) string {
	var s string
	_ = json.Unmarshal(v, &s)
	return s
}

// rec makes a record's id out of a small number.
func rec(n int) string { return fmt.Sprintf("0195f3a1-0000-7000-8000-%012x", n) }

// edit makes a mutation of one atom.
func edit(n uint64, op wire.Op, id, value string, ctx vclock.Clock, seen ...vclock.Dot) wire.Mutation {
	m := wire.Mutation{N: n, Op: op, ID: id, Kind: "comment", Epoch: "e1", Ctx: ctx, HLC: vclock.At(noon)}
	if op != wire.OpDelete {
		m.Atoms = map[string]wire.Change{"text": {V: quote(value), Seen: seen}}
	}
	return m
}

// values lists what an atom of a record holds, in the order of dots.
func values(r replica.Record, atom string) string {
	out := ""
	for _, v := range r.Atoms[atom] {
		out += unquote(v.Value) + "@" + v.Dot.String() + " "
	}
	return out
}
