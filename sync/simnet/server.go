package simnet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// cardWorld is one card on the server, and all who have a place with it.
type cardWorld struct {
	id    string
	book  *Book
	seats []*seat
	docs  []string

	backup   *Book
	standing map[string]bool // what counted when the backup was made
	epochs   int
}

// The kinds and scopes of the simulated worlds.
const (
	kindComment     = "comment"
	kindMeasurement = "measurement"
	kindDocument    = "document"
)

var (
	atoms     = []string{"text", "value"}
	allScopes = []string{"lab.general", "lab.psychiatric", "note.general", "vitals.general"}
	secret    = bytes.Repeat([]byte{7}, 32)
)

// Engine is the server's engine as worlds have it: small pages, so that answers have many.
func Engine() replica.Server {
	return replica.Server{PageRows: 7, Rules: replica.Rules{
		kindComment:     {Policy: replica.Siblings, Scope: "note.general"},
		kindMeasurement: {Policy: replica.Siblings, Scope: "vitals.general"},
		kindDocument:    {Policy: replica.Immutable},
	}}
}

func (s *seat) sight() replica.Sight {
	now := s.grants[len(s.grants)-1].scopes
	return replica.Sight{Now: now, Changed: s.grants[len(s.grants)-1].seq, Since: func(seq uint64) (span replica.Span, err error) {
		for _, g := range s.grants {
			if g.seq <= seq {
				span.At = g.scopes
			}
		}
		for _, scope := range allScopes {
			throughout, once := true, false
			for i, g := range s.grants {
				if i+1 < len(s.grants) && s.grants[i+1].seq <= seq {
					continue // over by then
				}
				throughout = throughout && g.scopes.Holds(scope)
				once = once || g.scopes.Holds(scope)
			}
			if throughout {
				span.Always = append(span.Always, scope)
			}
			if once {
				span.Ever = append(span.Ever, scope)
			}
		}
		return span, nil
	}}
}

// serve answers a request.
func (w *World) serve(s *seat, e envelope) []byte {
	if e.enrol {
		return w.serveEnrol(s, e.body)
	}
	req, err := wire.Decode[wire.SyncRequest](e.body)
	w.must(err)
	ask := req.Cards[0]
	var out bytes.Buffer
	lines := wire.NewLineWriter(&out)
	results, err := w.push(s, req.Device, ask)
	switch {
	case errors.Is(err, replica.ErrForked):
		w.count("forked")
		w.must(lines.Write(wire.Line{Err: &wire.Problem{Code: wire.ProblemActorForked, Card: ask.Card}}))
		return out.Bytes()
	case errors.Is(err, replica.ErrActor):
		return w.unknownActor(lines, &out, ask.Card)
	case replica.Behind(err):
		w.count("epoch or hole") // the pull tells the phone where it stands
	default:
		w.must(err)
	}
	seal := replica.NewBlockSealer(secret, ask.Card, req.Device, w.epochOf(s))
	in := replica.Pull{Device: req.Device, Ask: ask.PullCard, Sight: s.sight(), Seal: seal, Results: results, MaxBytes: req.MaxBytes}
	for range 1 + w.rand.IntN(4) {
		if w.Broken != StaleSight {
			in.Sight = s.sight()
		}
		page, err := w.watched(s, in)
		if errors.Is(err, replica.ErrActor) {
			return w.unknownActor(lines, &out, ask.Card)
		}
		w.must(err)
		for _, line := range page.Lines {
			if line.Purge != nil {
				w.count("purge")
			}
			if line.Red != nil {
				w.count("red")
			}
			if line.Card != nil && line.Card.Resync {
				w.count("resync")
			}
			w.must(lines.Write(line))
		}
		w.count("page")
		if !page.More {
			break
		}
		if page.Ask.Part != "" {
			w.count("backfill in parts")
		}
		in = in.NextPage(page)
		if !w.calm && w.rand.IntN(20) == 0 {
			w.count("regrant between two pages")
			w.regrant(s)
		}
	}
	return out.Bytes()
}

func (w *World) unknownActor(lines *wire.LineWriter, out *bytes.Buffer, card string) []byte {
	w.count("actor unknown")
	w.must(lines.Write(wire.Line{Err: &wire.Problem{Code: wire.ProblemActorUnknown, Card: card}}))
	return out.Bytes()
}

func (w *World) epochOf(s *seat) string { return s.card.book.pages.head.Epoch }

func (w *World) push(s *seat, device string, ask wire.SyncCard) ([]wire.Result, error) {
	if len(ask.Mutations) == 0 && w.rand.IntN(2) == 0 {
		return nil, nil // a mere look
	}
	var out replica.Pushed
	err := s.card.book.Update(func(l replica.Ledger) (err error) {
		if w.Broken == ReplayApplies && len(ask.Mutations) > 0 {
			l = forgetful{l, ask.Mutations[0].N}
		}
		if w.Broken == ClockCursor {
			l = clockwork{l, w.tick()}
		}
		if w.Broken == TrustedNumber {
			l = trusting{l, ask.Mutations}
		}
		out, err = w.Engine.Push(l, replica.Push{
			Device: device, Actor: ask.Actor, Epoch: ask.Epoch, Acked: ask.Acked, Low: ask.Low, Mutations: ask.Mutations,
			Sight: s.sight(), Seal: replica.NewBlockSealer(secret, ask.Card, device, w.epochOf(s)), Now: w.now,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	s.card.glimpse()
	w.payloads(s, ask)
	for i, r := range out.Results {
		w.oracle.judged(s.name, ask.Mutations[i], r)
	}
	return out.Results, nil
}

func (w *World) serveEnrol(s *seat, body []byte) []byte {
	req, err := wire.Decode[wire.DevicesRequest](body)
	w.must(err)
	var actor replica.Actor
	w.must(s.card.book.Update(func(l replica.Ledger) (err error) {
		actor, err = w.Engine.Enrol(l, req.Device, req.Key, req.Cards[0].Fresh, w.now)
		return err
	}))
	raw, err := json.Marshal(wire.DevicesResponse{Device: req.Device, ServerTime: w.now, Cards: []wire.Enrolment{{
		Card: s.card.id, Epoch: w.epochOf(s), Actor: actor.Ordinal, LMID: actor.LMID,
	}}})
	w.must(err)
	return raw
}

// calamity backs the server's card up, or brings an old backup back. What phones had sent in between they send again;
// what clinics had posted is the clinics' to post again.
func (w *World) calamity(c *cardWorld) {
	if c.backup == nil {
		c.backup, c.standing = c.book.Copy(), w.oracle.standing(c.id)
		return
	}
	w.count("server restored")
	w.trace("server restored", c.id)
	c.epochs++
	c.book.Restored(c.backup, fmt.Sprintf("e%d", c.epochs+1))
	c.backup = nil
	w.must(c.book.Update(func(l replica.Ledger) error { return w.Engine.Restored(l, w.now) }))
	for _, s := range c.seats {
		s.grants = slices.DeleteFunc(s.grants, func(g grant) bool { return g.seq > c.book.pages.head.Seq })
	}
	w.oracle.restored(c, c.standing)
}

// publish has a clinic post a document, new or anew, or take one back.
func (w *World) publish(c *cardWorld) {
	w.must(c.book.Update(func(l replica.Ledger) error {
		if w.Broken == ClockCursor {
			l = clockwork{l, w.tick()}
		}
		if len(c.docs) > 0 && w.rand.IntN(10) == 0 {
			return w.withdraw(l, c)
		}
		id := w.newID()
		if len(c.docs) > 0 && w.rand.IntN(2) == 0 {
			id = pick(w.rand, c.docs)
		} else {
			c.docs = append(c.docs, id)
		}
		known, err := l.Records([]string{id})
		if err != nil {
			return err
		}
		scope := allScopes[w.rand.IntN(2)]
		if rec, ok := known[id]; ok && w.rand.IntN(3) > 0 {
			scope = rec.Scope
		} else if ok && rec.Scope != scope {
			w.count("moved to another scope")
		}
		fact := replica.Fact{ID: id, Kind: kindDocument, Scope: scope,
			Date: time.UnixMilli(w.now.UnixMilli()).UTC(), Atoms: map[string]json.RawMessage{}}
		for _, atom := range atoms {
			value := w.newValue()
			fact.Atoms[atom] = json.RawMessage(`"` + value + `"`)
			wr := &write{card: c.id, record: id, atom: atom, saved: true, answered: true, accepted: true}
			for _, v := range known[id].Atoms[atom] {
				wr.seen = append(wr.seen, text(v.Value))
			}
			w.oracle.wrote(value, wr)
		}
		effects, err := w.Engine.Publish(l, []replica.Fact{fact, fact}, w.now)
		if err == nil && effects[1] != replica.Same {
			w.fail(8, "publishing the same twice changed something")
		}
		w.count("publish " + string(effects[0]))
		w.trace("publish", id)
		return err
	}))
	c.glimpse()
}

func (w *World) withdraw(l replica.Ledger, c *cardWorld) error {
	id := pick(w.rand, c.docs)
	known, err := l.Records([]string{id})
	if err != nil {
		return err
	}
	e := erasure{accepted: true}
	for _, versions := range known[id].Atoms {
		for _, v := range versions {
			e.seen = append(e.seen, text(v.Value))
		}
	}
	w.oracle.deletes[id] = append(w.oracle.deletes[id], e)
	w.count("withdraw")
	w.trace("withdraw", id)
	_, err = w.Engine.Withdraw(l, []string{id})
	return err
}

// regrant changes what a seat that is not the owner's may see: a commit of the card, like everything.
func (w *World) regrant(s *seat) {
	if s.grants[0].scopes[0] == "*" {
		return
	}
	var scopes replica.Scopes
	for _, scope := range allScopes {
		if w.rand.IntN(2) == 0 {
			scopes = append(scopes, scope)
		}
	}
	w.must(s.card.book.Update(func(l replica.Ledger) error {
		head, err := l.Lock()
		if err != nil {
			return err
		}
		s.grants = append(slices.Clip(s.grants), grant{head.Seq + 1, scopes})
		return l.Advance(head.Seq + 1)
	}))
	s.card.glimpse()
	w.count("regrant")
	w.trace("regrant", s.name, len(scopes))
}
