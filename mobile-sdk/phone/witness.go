package phone

import (
	"context"
	"errors"
	"time"

	"github.com/medcard/medcard/mobile-sdk/problem"
)

// What Run does so that the server cannot rewrite its audit log unnoticed: the more phones keep a checkpoint, the less can be.

const (
	witnessEvery = 24 * time.Hour   // a phone that is left alone
	witnessSight = 15 * time.Minute // once the person looked who saw a card: what was just read shall stay in the log
	witnessAgain = time.Hour        // after the server could not be asked
)

// witness lets WitnessAuditLog have its turn. A log that does not hold is told to the app once a day, and to nobody else: it stops nothing. It
// costs two requests, together about 1 KB, and 50 bytes more each time the log doubles.
func (c *Client) witness(ctx context.Context) {
	var kept auditSetting
	if _, err := c.vault.Load(settingAudit, &kept); err != nil {
		return
	}
	now, every := c.time.now(), witnessEvery
	if c.sighted.Load() {
		every = witnessSight
	}
	if now.Sub(kept.Witnessed) < every || now.Sub(time.Unix(0, c.unwitnessed.Load())) < witnessAgain {
		return
	}
	c.sighted.Store(false)
	err := c.WitnessAuditLog(ctx)
	var wrong *AuditError
	switch {
	case err == nil:
	case errors.As(err, &wrong):
		c.log.Warn("the server's audit log does not hold", "why", wrong.Err.Error())
		if c.auditAlarm != nil {
			c.auditAlarm(wrong)
		}
		err = c.witnessed(ctx)
	default:
		c.unwitnessed.Store(now.UnixNano())
	}
	if err != nil && ctx.Err() == nil {
		c.log.Info("witnessing failed", "code", problem.CodeOf(err), "offline", errors.Is(err, ErrOffline))
	}
}

// witnessed notes when the log was looked at last, and nothing of what it is by now.
func (c *Client) witnessed(ctx context.Context) error {
	if err := c.auditing.enter(ctx); err != nil {
		return err
	}
	defer c.auditing.leave()
	var kept auditSetting
	if _, err := c.vault.Load(settingAudit, &kept); err != nil {
		return err
	}
	kept.Witnessed = c.time.now()
	return c.vault.Save(settingAudit, kept)
}
