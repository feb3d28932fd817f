package phone

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/sync/wire"
)

// Report is what a sync did.
type Report struct {
	Unchanged bool      // the server had no news, and this phone none for it
	Sent      int       // edits that the server answered
	Received  int       // records that came, new ones and new versions
	Removed   int       // records that went
	Uploaded  int       // files, attached here, that the server has now
	HandedIn  int       // documents, kept here, that are being checked now: see Client.KeepDocument
	New       []card.ID // cards that came to this phone: somebody let the person see them, or they were claimed on another phone
	Gone      []card.ID // cards to which this phone has no access any more: everything of them was deleted
	// After the server was restored from a backup. Held are cards of others, whose owners have to confirm first that the person may
	// still see them: nothing of them is here but what the person wrote. Forgotten are the person's own, claimed after the backup:
	// they stay, and Claim makes them the person's again.
	Held, Forgotten []card.ID

	news bool // of any card
}

// Sync brings all cards in step with the server: what was edited here goes there, what is new there comes here. It applies page
// by page, each in one transaction with its place in the stream, so that one that is cut off goes on where it stopped. Breaks of
// the network are tried again a few times; then Sync fails with ErrOffline, and the next one continues.
//
// Only one runs at a time, others wait for it.
func (c *Client) Sync(ctx context.Context) (Report, error) {
	if err := c.syncing.enter(ctx); err != nil {
		return Report{}, err
	}
	defer c.syncing.leave()
	defer c.time.keep()

	var report Report
	err := c.syncCards(ctx, &report)
	if !errors.Is(err, ErrOffline) && !errors.Is(err, ErrSignedOut) && ctx.Err() == nil {
		err = errors.Join(err, c.handIn(ctx, &report))
	}
	report.Unchanged = err == nil && !report.news && report.HandedIn == 0
	return report, err
}

func (c *Client) syncCards(ctx context.Context, report *Report) error {
	cards, err := c.known(ctx)
	if err != nil || len(cards) == 0 {
		return err
	}
	errs := []error{c.exchange(ctx, cards, report)}
	if len(report.New) > 0 { // which no answer names a second time, since they are known now
		errs = append(errs, c.exchange(ctx, slices.Clone(report.New), report))
	}
	return errors.Join(errs...)
}

// exchange brings the cards in step: first all of them with one request, then, one after the other, those with which that was not all.
func (c *Client) exchange(ctx context.Context, cards []card.ID, report *Report) error {
	var errs []error
	for some := range slices.Chunk(cards, wire.MaxCards) {
		begun := make([]*exchange, len(some))
		for i, id := range some {
			begun[i] = &exchange{client: c, card: c.Card(id), report: report}
		}
		begun, later, err := c.together(ctx, begun)
		if errs = append(errs, later, err); err != nil {
			return errors.Join(errs...)
		}
		report.news = report.news || len(begun) < len(some)
		for _, e := range begun {
			err := c.step(ctx, e) // one card's trouble is not the others'
			if !slices.ContainsFunc(errs, func(known error) bool { return errors.Is(known, err) }) {
				errs = append(errs, err)
			}
			e.card.lapsing.look()
			report.news = report.news || !e.same
		}
	}
	return errors.Join(errs...)
}

// step brings one card in step: its records, then its files. What is written while a file is on its way goes before the rest of the file.
func (c *Client) step(ctx context.Context, e *exchange) error {
	for {
		if err := e.run(ctx); err != nil || e.left || e.same {
			return err
		}
		err := c.mend(ctx, e.card, &e.after)
		if err == nil {
			err = c.upload(ctx, e.card, e.after, e.report)
		}
		if !errors.Is(err, errWritten) {
			return err
		}
		e = &exchange{client: c, card: e.card, report: e.report}
	}
}

// known lists the cards; a phone that knows none asks.
func (c *Client) known(ctx context.Context) ([]card.ID, error) {
	cards, err := c.Cards()
	if err != nil || len(cards) > 0 {
		return cards, err
	}
	if _, err := c.Me(ctx); err != nil {
		return nil, err
	}
	return c.Cards()
}

// Wake makes Run sync at once: a push came, the network is back, the app was opened.
func (c *Client) Wake() {
	select {
	case c.wake <- struct{}{}:
	default: // it will anyway
	}
}

// Background says how often Run syncs.
const (
	everySoOften = 15 * time.Minute
	soon         = 10 * time.Second // after the first failure; it doubles
)

// Run syncs now, whenever it is woken, and every quarter of an hour, until ctx ends, and indexes what came. Cards of a month ago
// it checks, and once a day it witnesses the server's audit log (Config.AuditAlarm). A failure is tried again after a while that
// grows; only the end of the session ends it.
func (c *Client) Run(ctx context.Context) error {
	pause := soon
	for {
		report, err := c.Sync(ctx)
		d := c.between(everySoOften*3/4, everySoOften)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrSignedOut), errors.Is(err, ErrClosed), errors.Is(err, ErrDamagedFile):
			return err
		case err != nil:
			c.log.Info("sync failed", "code", problem.CodeOf(err), "offline", errors.Is(err, ErrOffline))
			d = max(c.between(pause/2, pause), asked(err))
			pause = min(2*pause, everySoOften)
		default:
			c.log.Debug("synced", "sent", report.Sent, "received", report.Received, "removed", report.Removed)
			pause = soon
		}
		if err := c.Index(ctx); err != nil && ctx.Err() == nil {
			c.log.Info("indexing failed", "code", problem.CodeOf(err)) // Search will say what is wrong
		}
		if err == nil {
			c.examine(ctx)
			c.witness(ctx)
		}
		if err := c.idle(ctx, d); err != nil {
			return err
		}
	}
}

// asked is how long the server asks to stay away: it has drawn the time itself, so that not all phones come at once.
func asked(err error) time.Duration {
	var p *problem.Problem
	if errors.As(err, &p) {
		return min(p.RetryAfter, everySoOften)
	}
	return 0
}

// idle waits for the time to pass or for Wake.
func (c *Client) idle(ctx context.Context, d time.Duration) error {
	nap, end := context.WithCancel(ctx)
	defer end()
	passed := make(chan error, 1)
	go func() { passed <- c.wait(nap, d) }()
	select {
	case err := <-passed:
		return err
	case <-c.wake:
		return nil // and the wait ends with its context
	}
}
