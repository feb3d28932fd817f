package phone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// round is one card's part of a request, and of its answer.
type round struct {
	*exchange
	x       *replica.Exchange
	before  standing
	held    bool // edits may wait that were not sent along: another card's went first
	page    pageCount
	results int   // that came
	moved   bool  // something was applied, or the server has no news
	err     error // what ended it
}

// freshEnough is how long the answer "no news" is enough. After it a whole answer renews the leases.
const freshEnough = 12 * time.Hour

// begin opens a round with at most so many edits. Where nothing waits here and the leases are young, "no news" will be answer enough.
func (e *exchange) begin(edits int) (*round, error) {
	x, err := e.card.engine.Exchange(edits)
	if err != nil {
		return nil, err
	}
	meta := x.Meta()
	unsent := false
	if e.total == 0 {
		err = e.resume(meta)
	}
	if err == nil {
		unsent, err = e.card.unsent(meta.Epoch)
	}
	if err != nil {
		x.Close()
		return nil, err
	}
	if !unsent && e.client.time.now().Sub(meta.Synced) < freshEnough {
		x.Calm()
	}
	return &round{exchange: e, x: x, before: standingOf(meta)}, nil
}

// together makes the first round of several cards with one request, and gives those that take part: a card may turn out not to be the phone's
// any more, or have to wait, as later says. Of edits it takes those of one card, which may be as many as a request holds; others' follow. A round that could not be
// opened is left to the exchange itself.
func (c *Client) together(ctx context.Context, all []*exchange) (taking []*exchange, later, err error) {
	edits := wire.MaxMutations
	var fresh []card.ID
	open := func() {
		for _, e := range all {
			if e.first != nil {
				continue
			}
			r, err := e.begin(edits)
			if errors.Is(err, replica.ErrNotEnrolled) {
				fresh = append(fresh, e.card.id)
			}
			if err != nil {
				continue
			}
			r.held = edits == 0
			if len(r.x.Request().Mutations) > 0 {
				edits = 0
			}
			e.first = r
		}
	}
	if open(); len(fresh) > 0 {
		var left []card.ID
		if left, later, err = c.enrol(ctx, fresh, all[0].report); err != nil {
			for _, e := range all {
				e.giveUp()
			}
			return nil, later, err
		}
		all = slices.DeleteFunc(all, func(e *exchange) bool { return slices.Contains(left, e.card.id) })
		open()
	}
	var rounds []*round
	for _, e := range all {
		if e.first != nil {
			rounds = append(rounds, e.first)
		}
	}
	if len(rounds) == 0 {
		return all, later, nil
	}
	var refusal *problem.Problem
	if errors.As(ask(ctx, c, rounds...), &refusal) && len(rounds) > 1 {
		for _, r := range rounds { // one of the questions was wrong: each by itself
			r.giveUp()
		}
	}
	return all, later, nil
}

// giveUp forgets the round that was opened first.
func (e *exchange) giveUp() {
	if e.first != nil {
		e.first.x.Close()
		e.first = nil
	}
}

// ask sends the rounds' questions in one request and takes in the answer, page by page. What became of each stands in the round; the error
// is that of the whole.
func ask(ctx context.Context, c *Client, rounds ...*round) error {
	defer func() {
		for _, r := range rounds {
			r.x.Close()
		}
	}()
	res, err := c.send(ctx, question(c, rounds))
	if err == nil {
		defer res.Body.Close()
		if res.StatusCode == http.StatusNoContent {
			err = noNews(rounds)
		} else {
			err = take(ctx, c, rounds, wire.NewLineReader(res.Body))
		}
	}
	for _, r := range rounds {
		switch {
		case r.err != nil:
		case err != nil && !r.x.Done():
			r.err = err
		case !r.moved:
			r.err = errCut
		case !r.x.Same():
			r.correctClock(res)
		}
	}
	return err
}

// question is their request. A pull alone does not say what was acknowledged: a server that has lost its memory of it could only refuse.
func question(c *Client, rounds []*round) call {
	if rounds[0].pull { // which is always asked by itself
		ask := rounds[0].x.Request().PullCard
		ask.Acked = 0
		return call{method: http.MethodPost, path: "/v1/sync/pull", body: wire.PullRequest{Device: c.self.ID, Cards: []wire.PullCard{ask}}}
	}
	body := wire.SyncRequest{Device: c.self.ID, Cards: make([]wire.SyncCard, len(rounds))}
	for i, r := range rounds {
		body.Cards[i] = r.x.Request()
	}
	return call{method: http.MethodPost, path: "/v1/sync", body: body}
}

// noNews takes in an answer without a line.
func noNews(rounds []*round) error {
	for _, r := range rounds {
		if err := r.line(wire.Line{Same: &wire.Same{Card: string(r.card.id)}}); err != nil {
			return err
		}
	}
	return nil
}

// take gives each line to the round of its card. What goes wrong with one card is noted there, and the lines of the others still count.
func take(ctx context.Context, c *Client, rounds []*round, lines *wire.LineReader) error {
	var now *round
	for {
		line, err := lines.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return broken(ctx, err)
		case line.Other != nil:
			if err := rounds[0].report.found(c, line.Other.Cards); err != nil {
				return err
			}
			continue
		case line.Err != nil && line.Err.Card == "": // of the whole stream
			for _, r := range rounds {
				if !r.x.Done() && r.err == nil {
					r.err = r.x.Line(line)
				}
			}
			return nil
		}
		if id := cardOf(line); id != "" {
			now = roundOf(rounds, id)
		}
		if now == nil {
			return replica.ErrProtocol
		}
		if now.err == nil {
			now.err = now.line(line)
		}
	}
}

// cardOf is the card that a line names; the lines of a page name none.
func cardOf(line wire.Line) string {
	switch {
	case line.Card != nil:
		return line.Card.Card
	case line.Same != nil:
		return line.Same.Card
	case line.Gone != nil:
		return line.Gone.Card
	case line.Err != nil:
		return line.Err.Card
	}
	return ""
}

func roundOf(rounds []*round, id string) *round {
	for _, r := range rounds {
		if string(r.card.id) == id {
			return r
		}
	}
	return nil
}

// line takes in one line.
func (r *round) line(line wire.Line) error {
	if err := r.x.Line(line); err != nil {
		return err
	}
	r.page.add(line)
	switch {
	case line.Card != nil:
		r.lent = r.lent || len(line.Card.Leases) > 0
		return r.expect(line.Card.Total)
	case line.Same != nil:
		r.moved = true
	case line.End != nil:
		r.moved = true
		r.results += r.page.results
		page := r.page
		r.page = pageCount{}
		return r.applied(page)
	}
	return nil
}

// pageCount counts what a page brings.
type pageCount struct{ results, rows, removed int }

func (p *pageCount) add(line wire.Line) {
	switch {
	case line.Res != nil:
		p.results++
	case line.Row != nil:
		p.rows++
	case line.Del != nil, line.Red != nil:
		p.removed++
	}
}

// errCut says that a stream ended in the middle. What came before counts, the rest is asked for again.
var errCut = fmt.Errorf("%w: the stream was cut", ErrOffline)

// broken tells a cut from a caller who gave up and from a server that speaks another language.
func broken(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, wire.ErrMalformed), errors.Is(err, wire.ErrTooLarge):
		return ErrAnswer
	}
	return fmt.Errorf("%w: %w", errCut, err)
}
