package medcard

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

// WitnessAuditLog checks that the server's audit log continues what this phone saw before. Call it now and then, say once a day.
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
