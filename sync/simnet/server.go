package simnet

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// errDown says that the server went down at a durable write, before it or after: the request gets no further answer.
var errDown = errors.New("simnet: the server went down")

// serve answers a request. nil: it gives no answer.
func (w *World) serve(e envelope) []byte {
	asked, err := e.parse()
	if err != nil {
		w.count("cut request")
		w.undone = true
		return nil
	}
	switch e.form {
	case formEnrol:
		return w.serveEnrol(e, asked.enrol)
	case formPush:
		return w.servePush(e, asked.push)
	}
	var out []byte
	for i, ask := range asked.sync.Cards {
		part, up := w.serveCard(e.seats[i], ask, asked.sync.MaxBytes)
		out = append(out, part...)
		if !up {
			w.undone = true
			break
		}
	}
	return out
}

// update is a transaction of the server, which may go down before or after it.
func (w *World) update(c *cardWorld, f func(replica.Ledger) error) error {
	down := w.chance(60)
	if down {
		w.count("server down")
	}
	if down && w.rand.IntN(2) == 0 {
		return errDown
	}
	err := c.book.Update(f)
	if err == nil && down {
		return errDown
	}
	return err
}

// serveCard answers for one card. It returns up = false where the server went down.
func (w *World) serveCard(s *seat, ask wire.SyncCard, maxBytes int) (out []byte, up bool) {
	if w.expire(s.card); w.shut(s.place) {
		w.count("gone told")
		w.undone = true
		return line(wire.Line{Gone: w.goodbye(s.place)}), true
	}
	if w.same(s, ask) {
		w.count("no news")
		return line(wire.Line{Same: &wire.Same{Card: ask.Card}}), true
	}
	results, err := w.push(s, ask)
	switch {
	case err == nil:
	case errors.Is(err, errDown):
		return nil, false
	case replica.Behind(err):
		w.count("epoch or hole") // the pull tells the phone where it stands
	default:
		return w.problem(err, ask.Card), true
	}
	in := replica.Pull{Device: s.device.id, Ask: ask.PullCard, Sight: w.sight(s.place), Seal: w.sealer(s), Results: results, MaxBytes: maxBytes}
	for range 1 + w.rand.IntN(4) {
		if w.expire(s.card); w.shut(s.place) {
			w.count("gone between two pages")
			return append(out, line(wire.Line{Gone: w.goodbye(s.place)})...), true
		}
		if w.Broken != StaleSight {
			in.Sight = w.sight(s.place)
		}
		if s.asked = in; in.Results != nil {
			s.asked.Results = nil
		}
		page, raw, err := w.watched(s, in)
		if err != nil {
			return append(out, w.problem(err, ask.Card)...), true
		}
		out = append(out, raw...)
		w.turned(page)
		if !page.More {
			break
		}
		in = in.NextPage(page)
		if !s.place.owner && !w.calm {
			w.count("access changes between two pages")
			w.regrant(s.place)
			if w.chance(2) {
				w.hand(s.place, nil)
			}
		}
		if w.chance(80) {
			w.count("server down")
			return out, false
		}
	}
	return out, true
}

// same says whether the server has nothing to tell a phone that is calm.
func (w *World) same(s *seat, ask wire.SyncCard) (same bool) {
	if len(ask.Mutations) > 0 {
		return false
	}
	in := replica.Pull{Device: s.device.id, Ask: ask.PullCard, Sight: w.sight(s.place), Seal: w.sealer(s)}
	if w.Broken == BlindCalm {
		in.Sight.Changed, in.Ask.View = 0, in.Sight.View()
	}
	var page replica.Page
	w.must(w.bookOf(s.card).View(func(l replica.Ledger) (err error) {
		if same, err = w.Engine.Same(w.spoilt(l), in); err != nil || !same {
			return err
		}
		in.Sight, in.Ask = w.sight(s.place), ask.PullCard
		page, err = w.Engine.Pull(l, in)
		return err
	}))
	for _, line := range page.Lines { // of the page in whose place it is said
		switch {
		case line.Purge != nil, line.Red != nil, line.Card != nil && line.Card.Resync:
			w.fail(4, "%s is told that nothing is new, and there is something to forget", s.name)
		case line.Row != nil, line.Del != nil:
			w.fail(7, "%s is told that nothing is new, and there are news", s.name)
		}
	}
	return same
}

// turned counts what is on a page.
func (w *World) turned(page replica.Page) {
	w.count("page")
	for _, line := range page.Lines {
		switch {
		case line.Purge != nil:
			w.count("purge")
		case line.Red != nil:
			w.count("red")
		case line.Del != nil:
			w.count("del")
		case line.Row != nil:
			w.count("row")
		case line.Card != nil && line.Card.Resync:
			w.count("resync")
		case line.End != nil && line.End.Part != "" && line.End.View == "":
			w.count("backfill in parts")
		}
	}
}

// problem is the line that ends a card's part.
func (w *World) problem(err error, card string) []byte {
	p := &wire.Problem{Card: card}
	switch {
	case errors.Is(err, replica.ErrForked):
		w.count("forked")
		p.Code = wire.ProblemActorForked
	case errors.Is(err, replica.ErrActor):
		w.count("actor unknown")
		p.Code = wire.ProblemActorUnknown
	default:
		w.must(err)
	}
	return line(wire.Line{Err: p})
}

func line(l wire.Line) []byte {
	raw, err := wire.Marshal(l)
	if err != nil {
		panic(err)
	}
	return append(raw, '\n')
}

func (w *World) epochOf(s *seat) string { return s.card.book.pages.head.Epoch }

func (w *World) sealer(s *seat) replica.Sealer {
	return replica.NewBlockSealer(secret, s.card.id, s.device.id, w.epochOf(s))
}

// push judges what a phone sent.
func (w *World) push(s *seat, ask wire.SyncCard) ([]wire.Result, error) {
	if len(ask.Mutations) == 0 && w.rand.IntN(2) == 0 {
		return nil, nil // a mere look
	}
	var out replica.Pushed
	var cost reads
	committed, known, stood := false, map[string]bool{}, make([]bool, len(ask.Mutations))
	check := w.asBefore(s, ask)
	err := w.update(s.card, func(l replica.Ledger) (err error) {
		for i, m := range ask.Mutations {
			_, known[m.ID] = s.card.book.pages.records[m.ID]
			stood[i] = stands(s.card.book.pages.records[m.ID], m)
		}
		out, err = w.Engine.Push(w.spoiltPush(counting{l, &cost}, ask), replica.Push{
			Device: s.device.id, Actor: ask.Actor, Epoch: ask.Epoch, Acked: ask.Acked, Low: ask.Low, Mutations: ask.Mutations,
			Sight: w.sight(s.place), Seal: w.sealer(s), Now: w.now,
		})
		committed = err == nil
		return err
	})
	if !committed {
		w.undone = true
		return nil, err
	}
	if n := len(ask.Mutations); cost.records > n || cost.decisions > n {
		w.fail(18, "%d edits read %d records and %d decisions", n, cost.records, cost.decisions)
	}
	check(out.Results)
	w.committed(s.card)
	w.numbers(s, ask)
	for i, r := range out.Results {
		m := ask.Mutations[i]
		w.met(m.Ctx)
		as := number{epoch: ask.Epoch, actor: ask.Actor, n: m.N, late: m.HLC.Clamp(w.now, time.Minute) != m.HLC}
		if w.oracle.repeats(as, m) {
			w.count("an edit comes again")
			if !stood[i] && stands(s.card.book.pages.records[m.ID], m) {
				w.fail(8, "an edit of %s was accepted once and replaced, and comes back under another number", m.ID)
			}
		}
		w.oracle.judged(as, m, r)
		if r.Code == wire.CodeAccessEnded && known[m.ID] && !s.place.could[m.ID] {
			w.fail(4, "%s is told that access to %s ended, which it could never see", s.name, m.ID)
		}
	}
	return out.Results, err
}

// stands says whether a record holds a value of the mutation, be it deleted: whether one rises is another question.
func stands(rec replica.Record, m wire.Mutation) bool {
	for atom, c := range m.Atoms {
		if slices.ContainsFunc(rec.Atoms[atom], func(v replica.Version) bool { return bytes.Equal(v.Value, c.V) }) {
			return true
		}
	}
	return false
}

// servePush answers a push alone.
func (w *World) servePush(e envelope, in wire.PushRequest) []byte {
	s := e.seats[0]
	if w.expire(s.card); w.shut(s.place) {
		w.undone = true
		return nil // a refusal that the phone does not read: the next sync tells it why
	}
	results, err := w.push(s, wire.SyncCard{Mutations: in.Mutations,
		PullCard: wire.PullCard{Card: in.Card, Actor: in.Actor, Epoch: in.Epoch, Acked: in.Acked}})
	if err != nil {
		return nil
	}
	raw, err := json.Marshal(wire.PushResponse{Results: results})
	w.must(err)
	return raw
}

// serveEnrol gives actors on the cards that the phone may know of.
func (w *World) serveEnrol(e envelope, req wire.DevicesRequest) []byte {
	answer := wire.DevicesResponse{Device: req.Device, ServerTime: w.now}
	for i, ask := range req.Cards {
		s := e.seats[i]
		if w.expire(s.card); w.shut(s.place) {
			answer.Gone = append(answer.Gone, *w.goodbye(s.place))
			continue
		}
		var actor replica.Actor
		err := w.update(s.card, func(l replica.Ledger) (err error) {
			actor, err = w.Engine.Enrol(l, req.Device, req.Key, ask.Fresh, w.now)
			return err
		})
		if errors.Is(err, errDown) {
			w.undone = true
			return nil
		}
		w.must(err)
		w.count("enrolled")
		answer.Cards = append(answer.Cards, wire.Enrolment{Card: ask.Card, Epoch: w.epochOf(s), Actor: actor.Ordinal, LMID: actor.LMID,
			Own: s.place.owner})
	}
	raw, err := json.Marshal(answer)
	w.must(err)
	return raw
}

// touched lists scopes that an update of a record concerns.
func touched(scopes ...string) replica.Scopes {
	return slices.DeleteFunc(scopes, func(s string) bool { return s == "" })
}
