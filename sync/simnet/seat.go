package simnet

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// seat is one phone's place with one card: the phone of the card's owner, or of someone who may see part of it.
type seat struct {
	name   string
	device *device
	place  *place
	card   *cardWorld
	hand   *hand // whose edits these are

	shelf  *Shelf
	phone  *replica.Phone
	backup *Shelf
	drafts []draft

	exchange *replica.Exchange
	await    int  // id of the request whose answer is awaited; 0 = none
	patience int  // steps until it gives up
	done     bool // its last exchange left nothing to ask for
	page     *incoming
	epoch    string           // of the base, once a page has told it
	asked    replica.Pull     // what it asked last, as the server understood it
	checkup  *replica.Checkup // under way
	stray    uint64           // see astray

	rewritten map[string]wire.Mutation // for Broken ContextAtPush: what was made of a mutation the first time it was sent
}

// draft is an editor and what the person at it sees.
type draft struct {
	replica.Draft
	screen replica.Screen
}

var errCrash = errors.New("simnet: the phone crashed")

func (w *World) start(s *seat) {
	s.phone = replica.NewPhone(s.card.id, w.spoiltStore(s.shelf), func() time.Time { return w.now.Add(s.device.skew) })
	s.exchange, s.await, s.page, s.epoch, s.checkup = nil, 0, nil, "", nil
	s.shelf.Fault = func() (before, after error) {
		switch {
		case !w.chance(60):
			return nil, nil
		case w.Broken == TornPage:
			return errTorn, nil
		case w.rand.IntN(2) == 0:
			return errCrash, nil
		}
		return nil, errCrash
	}
}

// crashed restarts the phone if err says that it crashed.
func (w *World) crashed(s *seat, err error) bool {
	if !errors.Is(err, errCrash) {
		return false
	}
	w.crash(s.device)
	return true
}

// open opens an editor on some record.
func (w *World) open(s *seat) {
	ids := s.ids()
	if len(ids) == 0 || len(s.drafts) > 3 || s.shelf.state.damaged {
		return
	}
	id := pick(w.rand, ids)
	if s.shelf.state.base[id].Kind == kindDocument {
		id = pick(w.rand, ids) // these are to be read, not to be edited
	}
	if torn := s.conflicts(); len(torn) > 0 && w.rand.IntN(4) > 0 {
		id = pick(w.rand, torn)
	}
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
	ids := make([]string, 0, len(s.shelf.state.base)+len(s.shelf.state.items))
	for id := range s.shelf.state.base {
		ids = append(ids, id)
	}
	for _, item := range s.shelf.state.items {
		ids = append(ids, item.Mutation.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// conflicts lists the records with open siblings.
func (s *seat) conflicts() (ids []string) {
	for id, row := range s.shelf.state.base {
		for _, versions := range row.Atoms {
			if len(versions) > 1 && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// create writes a new record.
func (w *World) create(s *seat) {
	kinds := []string{kindComment, kindComment, kindComment, kindMeasurement, kindMeasurement, kindRequest, kindDream}
	id := w.newID()
	d, err := s.phone.New(id, pick(w.rand, kinds))
	w.must(err)
	s.drafts = append(s.drafts, draft{Draft: d})
	w.save(s, len(s.drafts)-1)
}

// save ends an editor: values are written, or the record is deleted, or its siblings are resolved.
func (w *World) save(s *seat, i int) {
	d := s.drafts[i]
	s.drafts = slices.Delete(s.drafts, i, i+1)
	switch {
	case !d.New && w.rand.IntN(4) == 0 && (!d.screen.Conflicted() || w.rand.IntN(4) == 0):
		w.erase(s, d)
	case d.Kind == kindRequest && w.rand.IntN(8) > 0:
		w.demand(s, d)
	default:
		w.write(s, d)
	}
}

// write saves values in some of the atoms.
func (w *World) write(s *seat, d draft) {
	resolve := d.screen.Conflicted() && w.rand.IntN(8) > 0
	values := map[string]json.RawMessage{}
	var made []*write
	for _, atom := range atoms {
		if !d.New && !resolve && w.rand.IntN(2) == 0 {
			continue
		}
		wr := w.oracle.wrote(w.newValue(), &write{card: s.card.id, record: d.ID, atom: atom, hand: s.hand})
		values[atom] = quote(wr.value)
		if a, ok := d.screen.Atoms[atom]; ok {
			shown, beside := onScreen(a)
			wr.seen = append(wr.seen, shown)
			if resolve {
				wr.seen = append(wr.seen, beside...)
			}
		}
		made = append(made, wr)
	}
	if len(values) == 0 {
		return
	}
	if resolve {
		w.count("resolve")
	}
	var err error
	if resolve || w.Broken == SwallowSiblings && !d.New {
		_, err = s.phone.Resolve(d.Draft, values)
	} else {
		_, err = s.phone.Save(d.Draft, values)
	}
	w.saved(s, d, "save", made, err)
}

// demand asks the state machine of a record for another state.
func (w *World) demand(s *seat, d draft) {
	shown, _ := onScreen(d.screen.Atoms["text"])
	wr := w.oracle.wrote(w.newValue(), &write{card: s.card.id, record: d.ID, atom: "text", hand: s.hand})
	values := map[string]json.RawMessage{"text": quote(wr.value)}
	if shown != "" {
		wr.seen = []string{shown}
		values["value"] = quote(shown)
	}
	var err error
	if d.New {
		_, err = s.phone.Save(d.Draft, values)
	} else {
		_, err = s.phone.Command(d.Draft, values)
	}
	w.saved(s, d, "command", []*write{wr}, err)
}

// saved takes note of what became of an edit.
func (w *World) saved(s *seat, d draft, what string, made []*write, err error) {
	w.trace(what, s.name, d.ID, outcome(err))
	switch {
	case err == nil:
		w.count(what)
		w.written(s, d.ID, made)
		for _, wr := range made {
			wr.saved = true
		}
	case errors.Is(err, replica.ErrOutdated):
		w.count("outdated editor")
	case !w.crashed(s, err):
		w.must(err)
	}
}

// erase deletes the record.
func (w *World) erase(s *seat, d draft) {
	e := &erasure{card: s.card.id}
	for _, a := range d.screen.Atoms {
		shown, beside := onScreen(a)
		e.seen = append(append(e.seen, shown), beside...)
	}
	e.seen = w.oracle.under(e.seen)
	_, err := s.phone.Delete(d.Draft)
	w.trace("delete", s.name, d.ID, outcome(err))
	if item, ok := s.latest(d.Draft); ok { // also if the phone crashed right after
		e.key = identity(item.Mutation)
		w.oracle.deletes[d.ID] = append(w.oracle.deletes[d.ID], e)
	}
	switch {
	case err == nil:
		w.count("delete")
	case errors.Is(err, replica.ErrOutdated):
		w.count("outdated editor")
	case !w.crashed(s, err):
		w.must(err)
	}
}

// latest is the deletion that came of an editor, if it is in the outbox.
func (s *seat) latest(d replica.Draft) (replica.Item, bool) {
	for _, item := range s.shelf.state.items {
		if m := item.Mutation; m.ID == d.ID && m.Op == wire.OpDelete && m.HLC > d.HLC {
			return item, true
		}
	}
	return replica.Item{}, false
}

func quote(value string) json.RawMessage { return json.RawMessage(`"` + value + `"`) }

func outcome(err error) string {
	if err == nil {
		return "done"
	}
	return err.Error()
}
