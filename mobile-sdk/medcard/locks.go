package medcard

type lockShape struct {
	Reason   string `json:"reason"`
	Words    string `json:"words"`
	By       string `json:"by"`
	Since    int64  `json:"since"`
	Appeal   string `json:"appeal,omitempty"`
	Appealed int64  `json:"appealed,omitempty"`
}

// Lock tells why an operator locked the account (every other call fails with the code account.locked then). JSON: {"reason", "words", "by", "since",
// "appeal", "appealed"}. reason: foreignAccess, stolenAccess, falseDocuments, courtDecision. The code lock.not_found says that it is not locked.
func (c *Client) Lock() (lock []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	l, err := c.inner.Lock(ctx)
	if err != nil {
		return nil, err
	}
	return marshal(lockShape{Reason: string(l.Reason), Words: l.Words, By: l.By, Since: millis(l.Since), Appeal: l.Appeal, Appealed: millis(l.Appealed)})
}

// Appeal asks an operator to look at the lock again: say why it is wrong.
func (c *Client) Appeal(words string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.Appeal(ctx, words)
}
