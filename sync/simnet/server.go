package simnet

import (
	"encoding/json"
	"errors"
	"slices"

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
	if w.expire(s.card); s.place.lost() {
		w.count("gone told")
		w.undone = true
		return line(wire.Line{Gone: &wire.Gone{Card: ask.Card}}), true
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
	in := replica.Pull{Device: s.device.id, Ask: ask.PullCard, Sight: s.sight(), Seal: w.sealer(s), Results: results, MaxBytes: maxBytes}
	for range 1 + w.rand.IntN(4) {
		if w.expire(s.card); s.place.lost() {
			w.count("gone between two pages")
			return append(out, line(wire.Line{Gone: &wire.Gone{Card: ask.Card}})...), true
		}
		if w.Broken != StaleSight {
			in.Sight = s.sight()
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
	committed, known := false, map[string]bool{}
	check := w.asBefore(s, ask)
	err := w.update(s.card, func(l replica.Ledger) (err error) {
		for _, m := range ask.Mutations {
			_, known[m.ID] = s.card.book.pages.records[m.ID]
		}
		out, err = w.Engine.Push(w.spoiltPush(counting{l, &cost}, ask), replica.Push{
			Device: s.device.id, Actor: ask.Actor, Epoch: ask.Epoch, Acked: ask.Acked, Low: ask.Low, Mutations: ask.Mutations,
			Sight: s.sight(), Seal: w.sealer(s), Now: w.now,
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
		w.oracle.judged(number{ask.Epoch, ask.Actor, m.N}, m, r)
		if r.Code == wire.CodeAccessEnded && known[m.ID] && !s.place.could[m.ID] {
			w.fail(4, "%s is told that access to %s ended, which it could never see", s.name, m.ID)
		}
	}
	return out.Results, err
}

// servePush answers a push alone.
func (w *World) servePush(e envelope, in wire.PushRequest) []byte {
	s := e.seats[0]
	if w.expire(s.card); s.place.lost() {
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
		if w.expire(s.card); s.place.lost() {
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
