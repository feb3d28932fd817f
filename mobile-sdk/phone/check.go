package phone

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// CheckReport says what a check of a card found and did. All zero: every record was as it should be.
type CheckReport struct {
	Damaged  int // records of which the file holds something else than what was stored
	Repaired int // records that were fetched anew: damaged ones, missing ones
	Dropped  int // records that stood on the phone and that the server does not show
}

const (
	checkEvery = 30 * 24 * time.Hour // how often Run looks at a card of which nobody has any doubt
	checkAgain = time.Hour           // and how soon at one that was looked at and is doubted again
	unproven   = 8                   // one sync of so many looks at one that no sum ever matched
)

// Check holds all that this phone has of the card against the server, each record's content too, and repairs what differs; only that
// is fetched. Edits that wait are not touched. It reads every record of the card, so it takes a moment.
//
// Nobody has to call it: Sync does when the sums that it compares differ, and Run once a month.
func (k *Card) Check(ctx context.Context) (CheckReport, error) {
	if err := k.client.syncing.enter(ctx); err != nil {
		return CheckReport{}, err
	}
	defer k.client.syncing.leave()
	return k.check(ctx)
}

// check is Check for those who hold the turnstile.
func (k *Card) check(ctx context.Context) (CheckReport, error) {
	k.examined = k.client.time.now()
	checkup, err := k.engine.Checkup()
	if err != nil {
		return CheckReport{}, err
	}
	for late := 0; err == nil && !checkup.Done(); {
		if err = k.round(ctx, checkup); err == nil {
			late = 0
			continue
		}
		if late++; late > enough || !outOfStep(err) {
			break
		}
		var report Report
		e := exchange{client: k.client, card: k, report: &report}
		if err = e.run(ctx); err == nil && len(report.Gone) > 0 {
			break // there is nothing left to check
		}
	}
	r := checkup.Report
	return CheckReport{Damaged: r.Damaged, Repaired: r.Repaired, Dropped: r.Dropped}, err
}

// round asks one question.
func (k *Card) round(ctx context.Context, checkup *replica.Checkup) error {
	r, err := checkup.Round()
	if err != nil {
		return err
	}
	defer r.Close()
	var answer wire.CheckResponse
	ask := call{method: http.MethodPost, path: "/v1/sync/check", body: r.Request(k.client.self.ID), into: &answer}
	if err := k.client.do(ctx, ask); err != nil {
		return err
	}
	return r.Answer(answer)
}

// outOfStep says whether the phone must sync before it can go on.
func outOfStep(err error) bool {
	if errors.Is(err, replica.ErrBehind) || errors.Is(err, replica.ErrNotEnrolled) {
		return true
	}
	var p *problem.Problem
	return errors.As(err, &p) && (p.Status == http.StatusConflict || p.Status == http.StatusNotFound)
}

// mend checks a card that is doubted. It is nothing that the person asked for, so what fails there is tried another time.
func (c *Client) mend(ctx context.Context, k *Card, left *rest) (err error) {
	if !left.meta.Doubt || c.time.now().Sub(k.examined) < checkAgain {
		return nil
	}
	// Such a base was most likely made by a version that knew no sums. All phones of a country may get this one in the same night, and
	// each check has the server read the whole card.
	if left.meta.Checked.IsZero() && c.between(1, unproven) > 1 {
		return nil
	}
	c.report(k.check(ctx))
	*left, err = k.rest()
	return err
}

// examine checks the cards whose turn has come.
func (c *Client) examine(ctx context.Context) {
	cards, err := c.Cards()
	if err != nil {
		return
	}
	now := c.time.now()
	for _, id := range cards {
		k := c.Card(id)
		meta, err := k.engine.Meta()
		if err == nil && !meta.Checked.IsZero() && now.Sub(meta.Checked) > checkEvery && ctx.Err() == nil {
			c.report(k.Check(ctx))
		}
	}
}

func (c *Client) report(r CheckReport, err error) {
	if err != nil {
		c.log.Info("check failed", "code", problem.CodeOf(err), "offline", errors.Is(err, ErrOffline))
	} else {
		c.log.Info("checked", "damaged", r.Damaged, "repaired", r.Repaired, "dropped", r.Dropped)
	}
}
