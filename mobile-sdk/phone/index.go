package phone

import (
	"context"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone/vault"
)

// Indexing tells how far the index for search is, after each portion of records.
type Indexing struct {
	Card card.ID
	Left int // records that search would have to index first; 0 = none
}

// Index makes what syncs brought ready for search. A sync leaves that for later, so that the records are there the sooner. Run
// does it after each sync, and Search does what was not done; an app that syncs without Run, in the background, calls it afterwards, as
// long as the system gives it time. Stopped at any point it goes on there the next time.
func (c *Client) Index(ctx context.Context) error {
	cards, err := c.Cards()
	if err != nil {
		return err
	}
	for _, id := range cards {
		if err := c.Card(id).index(ctx); err != nil {
			return err
		}
	}
	return nil
}

// index works off what waits of one card.
func (k *Card) index(ctx context.Context) error {
	waiting := false
	err := k.store.Read(func(tx *vault.Tx) (err error) {
		waiting, err = tx.Unindexed()
		return err
	})
	for err == nil && waiting {
		if err := ctx.Err(); err != nil {
			return err
		}
		var left int
		if left, err = k.store.Index(); err == nil && k.client.indexing != nil {
			k.client.indexing(Indexing{Card: k.id, Left: left})
		}
		waiting = left > 0
	}
	return err
}
