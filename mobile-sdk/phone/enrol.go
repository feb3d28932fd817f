package phone

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/problem"
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
	_, later, err := c.enrol(ctx, cards, new(Report))
	return errors.Join(later, err)
}

// enrol asks for actors on those of the cards on which the phone has none, or may not go on under the one it had. A card that
// the answer leaves out is none that this phone may know of: left are those, and the report says how. Left are also those on which it can
// have none just now; later says so. They stay as they are.
func (c *Client) enrol(ctx context.Context, cards []card.ID, report *Report) (left []card.ID, later, err error) {
	var ask wire.DevicesRequest
	for _, id := range cards {
		meta, err := c.Card(id).engine.Meta()
		if err != nil {
			return nil, nil, err
		}
		if meta.Actor != 0 || len(ask.Cards) == wire.MaxCards {
			continue
		}
		ask.Cards = append(ask.Cards, wire.DeviceCard{Card: string(id), Fresh: meta.Epoch != ""})
	}
	if len(ask.Cards) == 0 {
		return nil, nil, nil
	}
	ask.Device, ask.Key = c.self.ID, c.self.publicKey()
	var answer wire.DevicesResponse
	if err := c.do(ctx, call{method: http.MethodPost, path: "/v1/sync/devices", body: ask, into: &answer}); err != nil {
		return nil, nil, err
	}
	c.time.told(answer.ServerTime)
	given := map[string]wire.Enrolment{}
	for _, e := range answer.Cards {
		given[e.Card] = e
	}
	why := map[string]wire.Gone{}
	for _, g := range answer.Gone {
		why[g.Card] = g
	}
	spent := map[string]wire.Problem{}
	for _, p := range answer.Later {
		spent[p.Card] = p
	}
	for _, asked := range ask.Cards {
		if p, wait := spent[asked.Card]; wait {
			left = append(left, card.ID(asked.Card))
			later = errors.Join(later, &problem.Problem{Code: p.Code, RetryAfter: time.Duration(p.RetryAfter) * time.Second})
			continue
		}
		k := c.Card(card.ID(asked.Card))
		e, ok := given[asked.Card]
		switch {
		case !ok:
			if err = k.engine.Leave(why[asked.Card]); report.left(k.id, err) {
				left, err = append(left, k.id), nil
			}
		case e.Actor == 0:
			err = ErrAnswer
		default:
			err = k.engine.Enrolled(e)
		}
		k.lapsing.look()
		if err != nil {
			return left, later, err
		}
	}
	return left, later, nil
}
