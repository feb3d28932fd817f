package replica

import (
	"errors"
	"fmt"

	"github.com/medcard/medcard/sync/wire"
)

// Exchange is one question to the server about one card, and the taking in of its answer. Only one is open at a time: a
// pull that overtook a push under way would show the person his own edit as somebody else's.
type Exchange struct {
	phone *Phone
	ask   wire.SyncCard
	page  *intake // the page that is coming in; nil between pages
	done  bool    // a whole answer was applied: nothing more to ask for
	more  bool
	same  bool // the answer was that nothing is new

	meta  Meta // the phone's place when it was opened
	waits bool // edits are on their way to the base
}

// ProblemError is a problem that the server reported for this card.
type ProblemError struct{ wire.Problem }

// Error names the code.
func (e *ProblemError) Error() string { return "replica: server answers " + e.Code }

// Exchange starts one, with at most maxMutations edits of the outbox. The caller must Close it. ErrBusy, ErrNotEnrolled.
func (p *Phone) Exchange(maxMutations int) (*Exchange, error) {
	if !p.busy.CompareAndSwap(false, true) {
		return nil, ErrBusy
	}
	x := &Exchange{phone: p}
	err := p.store.View(func(tx PhoneTx) error {
		return x.fill(tx, maxMutations)
	})
	if err != nil {
		p.busy.Store(false)
		return nil, err
	}
	return x, nil
}

// fill makes the card's part of a request.
func (x *Exchange) fill(tx PhoneTx, maxMutations int) error {
	meta, err := tx.Meta()
	if err != nil {
		return err
	}
	if x.meta = meta; meta.Actor == 0 {
		return ErrNotEnrolled
	}
	x.ask = wire.SyncCard{PullCard: wire.PullCard{
		Card: x.phone.card, Actor: meta.Actor, Epoch: meta.Epoch, Cursor: meta.Cursor, At: meta.At, Part: meta.Part, View: meta.View,
		Acked: meta.Acked, Low: meta.Low.At,
	}}
	out := &x.ask
	if meta.Shadowing {
		out.Cursor, out.At, out.Part, out.View = meta.ShadowCursor, "", meta.ShadowPart, meta.ShadowView
	}
	items, err := tx.Open()
	if err != nil {
		return err
	}
	x.waits = len(items) > 0
	low, size := meta.Low.Gen, 0
	for _, item := range items {
		if item.State != Waiting {
			continue
		}
		if item.Gen < low {
			low, out.Low = item.Gen, item.Mutation.At
		}
		if item.Actor != meta.Actor || len(out.Mutations) == maxMutations || size > wire.MaxBody/2 {
			continue
		}
		for _, c := range item.Mutation.Atoms {
			size += len(c.V) + 64*len(c.Seen) + 64
		}
		size += 256
		out.Mutations = append(out.Mutations, item.Mutation)
	}
	return nil
}

// Request is the card's part of a SyncRequest (its PullCard alone: of a PullRequest).
func (x *Exchange) Request() wire.SyncCard { return x.ask }

// Meta is where the phone stood when the exchange was opened.
func (x *Exchange) Meta() Meta { return x.meta }

// PushRequest is the same as a push alone.
func (x *Exchange) PushRequest(device string) wire.PushRequest {
	return wire.PushRequest{Device: device, Card: x.ask.Card, Epoch: x.ask.Epoch, Actor: x.ask.Actor, Acked: x.ask.Acked,
		Mutations: x.ask.Mutations}
}

// Close ends the exchange, whatever has come. What was applied by then stays; the rest never was.
func (x *Exchange) Close() {
	if x.phone != nil {
		x.phone.busy.Store(false)
		x.phone = nil
	}
}

// Done says whether the answer was complete and nothing waits on the server. If not, ask again.
func (x *Exchange) Done() bool { return x.done && !x.more }

// Pushed takes in the answer to a PushRequest.
func (x *Exchange) Pushed(answer wire.PushResponse) error {
	if x.phone == nil {
		return ErrProtocol
	}
	return x.phone.store.Update(func(tx PhoneTx) error {
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		if meta.Actor != x.ask.Actor {
			return ErrProtocol
		}
		if err := answered(tx, &meta, answer.Results, 0, x.phone.clock()); err != nil {
			return err
		}
		return tx.SaveMeta(meta)
	})
}

// Line takes in the next line of a stream, those of this card only. Nothing is applied before the page's end line came,
// and then all of it in one transaction.
//
// A problem of the server comes back as *ProblemError. ErrNotEnrolled: the phone must ask for a fresh actor, then ask
// again. ErrGone: the card is gone from this phone. ErrHeld, ErrForgotten: see Leave.
func (x *Exchange) Line(line wire.Line) error {
	switch {
	case x.phone == nil:
		return ErrProtocol
	case line.Err != nil:
		return x.problem(*line.Err)
	case line.Gone != nil:
		x.page = nil
		return x.phone.Leave(*line.Gone)
	case line.Same != nil:
		if line.Same.Card != x.ask.Card {
			return ErrProtocol
		}
		return x.nothingNew()
	case line.Card != nil:
		if x.page != nil || line.Card.Card != x.ask.Card {
			return ErrProtocol
		}
		x.page = &intake{card: *line.Card, actor: x.ask.Actor}
		return nil
	case x.page == nil:
		return ErrProtocol
	case line.End == nil:
		return x.page.add(line)
	}
	page := x.page
	x.page = nil
	now := x.phone.clock()
	err := x.phone.store.Update(func(tx PhoneTx) error { return page.apply(tx, *line.End, now) })
	if err == nil {
		x.done, x.more = true, line.End.More
	}
	return err
}

func (x *Exchange) problem(problem wire.Problem) error {
	x.page = nil
	if problem.Code != wire.ProblemActorForked && problem.Code != wire.ProblemActorUnknown {
		return &ProblemError{problem}
	}
	err := x.phone.store.Update(func(tx PhoneTx) error {
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		meta.Actor = 0
		return tx.SaveMeta(meta)
	})
	return errors.Join(err, fmt.Errorf("%w: %w", ErrNotEnrolled, &ProblemError{problem}))
}
