package simnet

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// seat is one phone's place with one card: the phone of the card's owner, or of someone who may see part of it.
type seat struct {
	name   string
	device string
	card   *cardWorld
	skew   time.Duration // how wrong the phone's clock is
	grants []grant       // what it may see, by commit

	shelf  *Shelf
	phone  *replica.Phone
	backup *Shelf
	drafts []draft

	exchange *replica.Exchange
	await    int // id of the request whose answer is awaited; 0 = none
	patience int // steps until it gives up
	offline  bool
	done     bool // its last exchange left nothing to ask for

	could     map[string]bool          // what it could see after some commit
	rewritten map[string]wire.Mutation // for Broken ContextAtPush: what was made of a mutation the first time it was sent
}

// grant says what is visible from a commit on.
type grant struct {
	seq    uint64
	scopes replica.Scopes
}

// draft is an editor and what the person at it sees.
type draft struct {
	replica.Draft
	screen replica.Screen
}

var errCrash = errors.New("simnet: the phone crashed")

func (w *World) start(s *seat) {
	var store replica.PhoneStore = s.shelf
	switch w.Broken {
	case EarlyAt:
		store = hasty{store}
	case KeepLost:
		store = keeper{store}
	case MixedBase:
		store = mixer{store}
	case LostSave:
		store = silent{store}
	}
	s.phone = replica.NewPhone(s.card.id, store, func() time.Time { return w.now.Add(s.skew) })
	s.exchange, s.await = nil, 0
	s.shelf.Fault = func() (before, after error) {
		if w.calm || w.rand.IntN(60) != 0 {
			return nil, nil
		}
		if w.Broken == TornPage {
			return errTorn, nil
		}
		if w.rand.IntN(2) == 0 {
			return errCrash, nil
		}
		return nil, errCrash
	}
}

// crashed restarts the phone if err says that it crashed. Open editors are lost, or restored from what the app kept.
func (w *World) crashed(s *seat, err error) bool {
	if !errors.Is(err, errCrash) {
		return false
	}
	w.count("crash")
	w.trace("crash", s.name)
	w.must(s.shelf.crash())
	if w.rand.IntN(2) == 0 {
		s.drafts = nil
	}
	w.start(s)
	return true
}

// open opens an editor on some record.
func (w *World) open(s *seat) {
	ids := s.ids()
	if len(ids) == 0 || len(s.drafts) > 3 {
		return
	}
	id := pick(w.rand, ids)
	d, screen, err := s.phone.Open(id)
	if err != nil || screen.Kind == kindDocument && w.rand.IntN(8) != 0 {
		return
	}
	if w.rand.IntN(3) == 0 { // an app that keeps its editors over a restart
		raw, _ := json.Marshal(d)
		d = replica.Draft{}
		w.must(json.Unmarshal(raw, &d))
	}
	w.trace("open", s.name, id)
	s.drafts = append(s.drafts, draft{d, screen})
}

// ids lists what is on the phone, in a fixed order.
func (s *seat) ids() []string {
	var ids []string
	for id := range s.shelf.state.base {
		ids = append(ids, id)
	}
	for _, item := range s.shelf.state.items {
		ids = append(ids, item.Mutation.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// create writes a new record.
func (w *World) create(s *seat) {
	id := w.newID()
	d, err := s.phone.New(id, pick(w.rand, []string{kindComment, kindMeasurement}))
	w.must(err)
	s.drafts = append(s.drafts, draft{Draft: d})
	w.save(s, len(s.drafts)-1)
}

// save ends an editor: values are written, or the record is deleted, or its siblings are resolved.
func (w *World) save(s *seat, i int) {
	d := s.drafts[i]
	s.drafts = slices.Delete(s.drafts, i, i+1)
	if !d.New && w.rand.IntN(12) == 0 {
		w.erase(s, d)
		return
	}
	resolve := d.screen.Conflicted() && w.rand.IntN(2) == 0
	values, shown := map[string]json.RawMessage{}, map[string]string{}
	var made []*write
	for _, atom := range atoms {
		if !d.New && w.rand.IntN(2) == 0 {
			continue
		}
		value := w.newValue()
		shown[atom] = value
		values[atom] = json.RawMessage(`"` + value + `"`)
		wr := &write{card: s.card.id, record: d.ID, atom: atom, seat: s.name}
		if a, ok := d.screen.Atoms[atom]; ok {
			shown, beside := onScreen(a)
			wr.seen = append(wr.seen, shown)
			if resolve {
				wr.seen = append(wr.seen, beside...)
			}
		}
		w.oracle.wrote(value, wr)
		made = append(made, wr)
	}
	if len(values) == 0 {
		return
	}
	var err error
	switch {
	case resolve, w.Broken == SwallowSiblings && !d.New:
		_, err = s.phone.Resolve(d.Draft, values)
	default:
		_, err = s.phone.Save(d.Draft, values)
	}
	if resolve {
		w.count("resolve")
	}
	w.trace("save", s.name, d.ID, err)
	switch {
	case err == nil:
		w.count("save")
		w.written(s, d.ID, shown)
		for _, wr := range made {
			wr.saved = true
		}
	case errors.Is(err, replica.ErrOutdated):
		w.count("outdated editor")
	case !w.crashed(s, err):
		w.must(err)
	}
}

func (w *World) erase(s *seat, d draft) {
	e := erasure{seat: s.name}
	for _, a := range d.screen.Atoms {
		shown, beside := onScreen(a)
		e.seen = append(append(e.seen, shown), beside...)
		for _, v := range append(beside, shown) {
			if wr := w.oracle.writes[v]; wr != nil && wr.seat == s.name {
				e.seen = append(e.seen, w.oracle.knew(wr)...)
			}
		}
	}
	w.oracle.deletes[d.ID] = append(w.oracle.deletes[d.ID], e)
	_, err := s.phone.Delete(d.Draft)
	w.trace("delete", s.name, d.ID, err)
	switch {
	case err == nil:
		w.count("delete")
	case errors.Is(err, replica.ErrOutdated):
		list := w.oracle.deletes[d.ID]
		w.oracle.deletes[d.ID] = list[:len(list)-1]
	case !w.crashed(s, err):
		w.must(err)
	}
}

// ask sends a request: for an actor if the phone has none, else a sync.
func (w *World) ask(s *seat) {
	if s.await != 0 || s.offline {
		return
	}
	need, needed, err := s.phone.Enrolment()
	w.must(err)
	if needed {
		w.send(s, envelope{enrol: true}, wire.DevicesRequest{Device: s.device, Cards: []wire.DeviceCard{need}})
		return
	}
	x, err := s.phone.Exchange(1 + w.rand.IntN(6))
	w.must(err)
	s.exchange = x
	card := x.Request()
	if w.Broken == ContextAtPush {
		card.Mutations = w.refreshed(s, card.Mutations)
	}
	if w.Broken == LostItem {
		_ = s.shelf.Update(func(tx replica.PhoneTx) error {
			for _, m := range card.Mutations {
				w.must(tx.DropItem(card.Actor, m.N))
			}
			return nil
		})
	}
	w.send(s, envelope{}, wire.SyncRequest{Device: s.device, Cards: []wire.SyncCard{card}, MaxBytes: w.rand.IntN(2000)})
}

// hear takes in an answer, which may have been cut anywhere.
func (w *World) hear(s *seat, e envelope) {
	if s.await != e.id {
		w.count("late answer")
		return
	}
	s.await = 0
	if e.enrol {
		var r wire.DevicesResponse
		if json.Unmarshal(e.body, &r) != nil {
			return
		}
		w.crashed(s, s.phone.Enrolled(r.Cards[0]))
		return
	}
	x := s.exchange
	s.exchange = nil
	defer func() {
		open, _ := s.shelf.state.Open()
		s.done = x.Done() && len(open) == 0 && s.shelf.state.meta.Actor != 0
		x.Close()
	}()
	lines := wire.NewLineReader(bytes.NewReader(e.body))
	for {
		line, err := lines.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				w.count("cut answer")
			}
			return
		}
		if line.Res != nil {
			w.count("result " + string(line.Res.Outcome) + " " + line.Res.Code)
		}
		check := w.resyncing(s)
		err = x.Line(line)
		check()
		w.trace("line", s.name, err)
		switch {
		case err == nil:
		case w.crashed(s, err):
			return
		case errors.Is(err, replica.ErrNotEnrolled):
			w.count("fresh actor")
			return
		default:
			w.must(err)
		}
	}
}

// hangUp gives up waiting.
func (w *World) hangUp(s *seat) {
	w.count("gave up")
	s.await = 0
	if s.exchange != nil {
		s.exchange.Close()
		s.exchange = nil
	}
}
