package phone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// exchange brings one card in step, in as many rounds as it takes.
type exchange struct {
	client *Client
	card   *Card
	report *Report

	pull    bool  // without the edits: the server must first say what it knows
	stuck   error // why the edits are not sent in this sync
	fresh   int   // how often a fresh actor was asked for
	repairs int   // how often the edits did not join on to what the server has
	total   int   // of a first sync
	lent    bool  // the server has renewed the leases
	left    bool  // the server does not show the card any more
}

// errCut says that a stream ended in the middle. What came before counts, the rest is asked for again.
var errCut = fmt.Errorf("%w: the stream was cut", ErrOffline)

// enough fresh actors or repairs for one sync. Whoever needs more has another trouble.
const enough = 3

// run makes rounds until nothing is left to ask for or to send.
func (e *exchange) run(ctx context.Context) error {
	if err := e.resume(); err != nil {
		return err
	}
	pause, failures := firstPause, 0
	for {
		moved, done, err := e.round(ctx)
		switch {
		case err == nil && done:
			return e.stuck
		case moved:
			pause, failures = firstPause, 0
		}
		if err == nil {
			continue
		}
		again, err := e.overcome(ctx, err)
		switch {
		case again:
			continue
		case err == nil || ctx.Err() != nil || !errors.Is(err, errCut) && !errors.Is(err, errBusy):
			return err
		}
		if failures++; failures == tries {
			return err
		}
		if err := e.client.rest(ctx, err, &pause); err != nil {
			return err
		}
	}
}

// resume takes up a first sync where the last one left it.
func (e *exchange) resume() error {
	meta, err := e.card.engine.Meta()
	if err != nil || !meta.Synced.IsZero() {
		return err
	}
	_, err = e.client.vault.Load(settingTotal+string(e.card.id), &e.total)
	return err
}

const settingTotal = "total:"

// overcome does what can be done about a failure: again says that another round may do better.
func (e *exchange) overcome(ctx context.Context, err error) (again bool, _ error) {
	var line *replica.ProblemError
	var refusal *problem.Problem
	switch {
	case e.report.left(e.card.id, err):
		e.left = true
		return false, nil
	case errors.Is(err, replica.ErrNotEnrolled):
		if e.fresh++; e.fresh > enough {
			return false, err
		}
		left, err := e.client.enrol(ctx, []card.ID{e.card.id}, e.report)
		e.left = len(left) > 0
		return err == nil && !e.left, err
	case errors.As(err, &line):
		switch line.Code {
		case wire.ProblemHole, wire.ProblemEpoch:
			e.repairs++
			e.pull = true
			return e.repairs <= enough, &problem.Problem{Code: line.Code}
		case wire.ProblemUnavailable:
			return false, fmt.Errorf("%w: %w", errBusy, &problem.Problem{Code: line.Code, RetryAfter: time.Duration(line.RetryAfter) * time.Second})
		}
		return false, &problem.Problem{Code: line.Code}
	case errors.As(err, &refusal) && e.stuck == nil && (refusal.Status == http.StatusUnprocessableEntity || refusal.Status == http.StatusRequestEntityTooLarge):
		// The server does not take the edits as they are. That must not keep the person from what is new: read on without
		// them, and say so in the end.
		e.stuck, e.pull = err, true
		return true, nil
	}
	return false, err
}

// errBusy says that the server asks for patience in the middle of a stream.
var errBusy = errors.New("phone: the server is busy")

// round asks once. moved says that something was applied, done that nothing is left to ask for or to send.
func (e *exchange) round(ctx context.Context) (moved, done bool, err error) {
	batch := wire.MaxMutations
	if e.pull {
		batch = 0
	}
	before, err := e.standing()
	if err != nil {
		return false, false, err
	}
	x, err := e.card.engine.Exchange(batch)
	if err != nil {
		return false, false, err
	}
	defer x.Close()
	res, err := e.client.send(ctx, e.question(x))
	if err != nil {
		return false, false, err
	}
	defer res.Body.Close()
	sent := e.report.Sent
	if moved, err = e.take(ctx, x, wire.NewLineReader(res.Body)); err != nil {
		return moved, false, err
	}
	if !moved {
		return false, false, errCut
	}
	e.correctClock(res)
	if !x.Done() {
		return true, false, nil
	}
	resume := e.pull && e.stuck == nil // the server has said what it knows: the edits may go now
	e.pull = e.stuck != nil
	waits, err := e.waiting()
	if err != nil || !waits || e.stuck != nil {
		return true, true, err
	}
	if resume || e.report.Sent > sent {
		return true, false, nil
	}
	// Nothing was answered. If the phone stands elsewhere now, because the server was restored or lost its last edits, another round
	// can send what this one could not.
	after, err := e.standing()
	e.repairs++
	return true, after == before || e.repairs > enough, err
}

// standing is where the phone stands with the edits of the card.
type standing struct {
	epoch string
	actor uint32
	acked uint64
}

func (e *exchange) standing() (standing, error) {
	meta, err := e.card.engine.Meta()
	return standing{meta.Epoch, meta.Actor, meta.Acked}, err
}

// take applies a stream page by page.
func (e *exchange) take(ctx context.Context, x *replica.Exchange, lines *wire.LineReader) (moved bool, err error) {
	var page pageCount
	for {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return moved, nil
		}
		if err != nil {
			return moved, e.broken(ctx, err)
		}
		if line.Other != nil {
			if err := e.report.found(e.client, line.Other.Cards); err != nil {
				return moved, err
			}
			continue
		}
		if err := x.Line(line); err != nil {
			return moved, err
		}
		page.add(line)
		if line.Card != nil {
			e.lent = e.lent || len(line.Card.Leases) > 0
			if err := e.expect(line.Card.Total); err != nil {
				return moved, err
			}
		}
		if line.End != nil {
			moved = true
			if err := e.applied(page); err != nil {
				return moved, err
			}
			page = pageCount{}
		}
	}
}

// expect notes how many records a first sync will bring; over a restart of the app, too.
func (e *exchange) expect(total int) error {
	if total == 0 || total == e.total {
		return nil
	}
	e.total = total
	return e.client.vault.Save(settingTotal+string(e.card.id), total)
}

// question is the request of a round. A pull alone does not say what was acknowledged: a server that has lost its memory of it
// could only refuse.
func (e *exchange) question(x *replica.Exchange) call {
	ask := x.Request()
	if e.pull {
		ask.Acked = 0
		return call{method: http.MethodPost, path: "/v1/sync/pull", body: wire.PullRequest{Device: e.client.self.ID, Cards: []wire.PullCard{ask.PullCard}}}
	}
	return call{method: http.MethodPost, path: "/v1/sync", body: wire.SyncRequest{Device: e.client.self.ID, Cards: []wire.SyncCard{ask}}}
}

// broken tells a cut from a caller who gave up and from a server that speaks another language.
func (e *exchange) broken(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, wire.ErrMalformed), errors.Is(err, wire.ErrTooLarge):
		return ErrAnswer
	}
	return fmt.Errorf("%w: %w", errCut, err)
}

// waiting says whether edits wait that the server has not answered.
func (e *exchange) waiting() (waits bool, err error) {
	err = e.card.store.View(func(tx replica.PhoneTx) error {
		items, err := tx.Items(replica.Waiting)
		waits = len(items) > 0
		return err
	})
	return waits, err
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

// applied counts a page that is in the file, and tells whoever watches.
func (e *exchange) applied(p pageCount) error {
	e.report.Sent += p.results
	e.report.Received += p.rows
	e.report.Removed += p.removed
	if e.client.progress == nil {
		return nil
	}
	done := 0
	err := e.card.store.Read(func(tx *vault.Tx) error {
		counts, err := tx.Count()
		for _, scopes := range counts {
			for _, n := range scopes {
				done += n
			}
		}
		return err
	})
	if err == nil {
		e.client.progress(Progress{Card: e.card.id, Done: done, Total: e.total})
	}
	return err
}

// correctClock helps a phone whose clock once stood far in the future: the server has just lent the scopes, so if none of
// the leases runs it is our time that is wrong.
func (e *exchange) correctClock(res *http.Response) {
	if !e.lent {
		return
	}
	meta, err := e.card.engine.Meta()
	if err != nil || len(e.card.leased(meta).general) > 0 {
		return
	}
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		e.client.time.told(at)
	}
}
