package phone

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// exchange brings one card in step, in as many rounds as it takes. The first may have been asked together with other cards'.
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
	same    bool  // there was no news

	first *round // that was asked already
	after rest   // what the last round left to do
}

// enough fresh actors or repairs for one sync. Whoever needs more has another trouble.
const enough = 3

// run makes rounds until nothing is left to ask for or to send.
func (e *exchange) run(ctx context.Context) error {
	pause, failures := firstPause, 0
	for {
		moved, done, err := e.next(ctx)
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
		left, later, err := e.client.enrol(ctx, []card.ID{e.card.id}, e.report)
		if err = errors.Join(later, err); err != nil {
			return false, err
		}
		e.left = len(left) > 0
		return !e.left, nil
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

// next makes a round. moved says that something was applied, done that nothing is left to ask for or to send.
func (e *exchange) next(ctx context.Context) (moved, done bool, err error) {
	r := e.first
	e.first = nil
	if r == nil {
		batch := wire.MaxMutations
		if e.pull {
			batch = 0
		}
		if r, err = e.begin(batch); err != nil {
			return false, false, err
		}
		_ = ask(ctx, e.client, r) // it stands in the round
	}
	if r.err != nil {
		return r.moved, false, r.err
	}
	if e.same = r.x.Same(); e.same {
		return true, true, nil
	}
	if !r.x.Done() {
		return true, false, nil
	}
	resume := e.pull && e.stuck == nil // the server has said what it knows: the edits may go now
	e.pull = e.stuck != nil
	if e.after, err = e.card.rest(); err != nil || !e.after.waits || e.stuck != nil {
		return true, true, err
	}
	if resume || r.results > 0 || r.held {
		return true, false, nil
	}
	// Nothing was answered. If the phone stands elsewhere now, because the server was restored or lost its last edits, another round
	// can send what this one could not.
	e.repairs++
	return true, standingOf(e.after.meta) == r.before || e.repairs > enough, nil
}

// standing is where the phone stands with the edits of the card.
type standing struct {
	epoch string
	actor uint32
	acked uint64
}

func standingOf(meta replica.Meta) standing { return standing{meta.Epoch, meta.Actor, meta.Acked} }

// rest is what is left to do for a card when the server has answered.
type rest struct {
	meta    replica.Meta
	waits   bool               // edits wait that the server has not answered
	unsaved bool               // there are files of edits that were never saved
	files   []vault.Attachment // that the server lacks
}

func (k *Card) rest() (out rest, err error) {
	old := k.client.time.now().Add(-heldFor)
	err = k.store.Read(func(tx *vault.Tx) (err error) {
		if out.meta, err = tx.Meta(); err != nil {
			return err
		}
		items, err := tx.Items(replica.Waiting)
		if out.waits = len(items) > 0; err != nil {
			return err
		}
		if out.unsaved, err = tx.HeldBefore(old); err != nil {
			return err
		}
		out.files, err = tx.Unsent(out.meta.Epoch)
		return err
	})
	return out, err
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
