package phone

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/domain/account"
)

// CodeLocked is the code of a Problem that says that an operator locked the account: ask Lock why. What is on the phone stays there.
const CodeLocked = "account.locked"

type lockAnswer struct {
	Reason   string    `json:"reason"`
	Words    string    `json:"words"`
	By       string    `json:"by"`
	Since    time.Time `json:"since"`
	Appeal   string    `json:"appeal"`
	Appealed time.Time `json:"appealed"`
}

type appealBody struct {
	Words string `json:"words"`
}

// Lock tells why the account is locked, and what became of an appeal so far. A Problem with the code lock.not_found says that it is not.
func (c *Client) Lock(ctx context.Context) (account.Lock, error) {
	var a lockAnswer
	if err := c.do(ctx, call{method: http.MethodGet, path: "/v1/me/lock", into: &a}); err != nil {
		return account.Lock{}, err
	}
	l := account.Lock{Reason: account.LockReason(a.Reason), Words: a.Words, By: a.By, Since: a.Since, Appeal: a.Appeal, Appealed: a.Appealed}
	l.Account, _ = c.SignedIn()
	return l, nil
}

// Appeal asks an operator to look at the lock again: why it is wrong, in 10 to 2,000 characters. Words that come later replace those of before.
func (c *Client) Appeal(ctx context.Context, words string) error {
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/me/lock/appeal", body: appealBody{Words: words}})
}
