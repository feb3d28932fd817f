package medcard

import (
	"log/slog"

	"github.com/medcard/medcard/mobile-sdk/phone"
)

// AuditAlarm is told when StartSync, which witnesses the server's audit log once a day, finds that it was cut, rewritten or signed by somebody
// else. It is called on a thread of the SDK, once a day until the log holds again; syncing goes on. What it throws is written to the
// log and otherwise does nothing.
type AuditAlarm interface {
	// OnAuditAlarm has what is wrong (sdk.audit_forked or sdk.audit_signer) and the evidence: the signed checkpoint that the phone kept, and the server's.
	// Keep both: whoever has them can show to anybody that the log forked.
	OnAuditAlarm(code, kept, got string) error
}

// alarmTo hands the SDK's alarm to an app.
func alarmTo(to AuditAlarm, log *slog.Logger) func(*phone.AuditError) {
	if to == nil {
		return nil
	}
	return func(wrong *phone.AuditError) {
		if err := safely(func() error { return to.OnAuditAlarm(failureOf(wrong).Code, wrong.Kept, wrong.Got) }); err != nil {
			log.Warn("the audit alarm callback failed")
		}
	}
}

type accessProofShape struct {
	Proven  int   `json:"proven"`
	Waiting int   `json:"waiting"`
	Older   int   `json:"older"`
	LogSize int64 `json:"logSize"`
	Newest  int64 `json:"newest,omitempty"`
}

// VerifyAccessLog proves that each line of the access log stands in the server's signed audit log, that none is missing, and that the log
// continues what this phone saw before. JSON: {"proven", "waiting", "older", "logSize", "newest"}: lines that are proven, those of the last
// seconds, those from before the log, lines of all cards, time of the newest that is proven. What was tampered with fails with
// sdk.audit_signer, sdk.audit_forked, sdk.audit_missing or sdk.audit_changed.
func (k *Card) VerifyAccessLog() (proof []byte, err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	p, err := k.inner.VerifyAccessLog(ctx)
	if err != nil {
		return nil, err
	}
	return marshal(accessProofShape{Proven: p.Proven, Waiting: p.Waiting, Older: p.Older, LogSize: p.LogSize, Newest: millis(p.Newest)})
}

// WitnessAuditLog checks that the server's audit log continues what this phone saw before. StartSync does it by itself, once a day; an app that
// only calls Sync calls it as often.
func (c *Client) WitnessAuditLog() (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.WitnessAuditLog(ctx)
}

// AcceptAuditLog begins anew, after the person was told of sdk.audit_forked and why: the server was restored from a backup.
func (c *Client) AcceptAuditLog() (err error) {
	defer guard(&err)
	return c.inner.AcceptAuditLog()
}

// AccessNotices says whether the owner's phones are told, by push, each time somebody else opens the card.
func (k *Card) AccessNotices() (on bool, err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	return k.inner.AccessNotices(ctx)
}

// SetAccessNotices changes that. The push says neither who opened the card nor what was seen: AccessLog does.
func (k *Card) SetAccessNotices(on bool) (err error) {
	defer guard(&err)
	ctx, end := k.client.term()
	defer end()
	return k.inner.SetAccessNotices(ctx, on)
}
