package phone

import (
	"context"
	"net/http"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Enrol gives this phone a place on each of the person's cards, where it has none yet. Sync does so by itself; apps call
// Enrol to find out about cards that were claimed on another phone.
func (c *Client) Enrol(ctx context.Context) error {
	if err := c.syncing.enter(ctx); err != nil {
		return err
	}
	defer c.syncing.leave()
	if _, err := c.Me(ctx); err != nil {
		return err
	}
	cards, err := c.Cards()
	if err != nil {
		return err
	}
	_, err = c.enrol(ctx, cards)
	return err
}

// enrol asks for actors on those of the cards on which the phone has none, or may not go on under the one it had. A card that
// the answer leaves out is none that this phone may know of: it goes.
func (c *Client) enrol(ctx context.Context, cards []card.ID) (gone []card.ID, err error) {
	var ask wire.DevicesRequest
	for _, id := range cards {
		meta, err := c.Card(id).engine.Meta()
		if err != nil {
			return nil, err
		}
		if meta.Actor != 0 || len(ask.Cards) == wire.MaxCards {
			continue
		}
		ask.Cards = append(ask.Cards, wire.DeviceCard{Card: string(id), Fresh: meta.Epoch != ""})
	}
	if len(ask.Cards) == 0 {
		return nil, nil
	}
	ask.Device, ask.Key = c.self.ID, c.self.publicKey()
	var answer wire.DevicesResponse
	if err := c.do(ctx, call{method: http.MethodPost, path: "/v1/sync/devices", body: ask, into: &answer}); err != nil {
		return nil, err
	}
	c.time.told(answer.ServerTime)
	given := map[string]wire.Enrolment{}
	for _, e := range answer.Cards {
		given[e.Card] = e
	}
	for _, asked := range ask.Cards {
		k := c.Card(card.ID(asked.Card))
		e, ok := given[asked.Card]
		switch {
		case !ok:
			gone = append(gone, k.id)
			err = k.store.Update(replica.PhoneTx.Wipe)
		case e.Actor == 0:
			err = ErrAnswer
		default:
			err = k.engine.Enrolled(e)
		}
		if err != nil {
			return gone, err
		}
	}
	return gone, nil
}
