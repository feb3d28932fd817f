package phone

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/domain/card"
)

// DestroyedCards asks the server which cards of the person were destroyed, by what order and whom to ask, the newest first. The phone deletes such a card at
// its next sync (Report.Gone); a push of the topic security tells that there is something to read.
func (c *Client) DestroyedCards(ctx context.Context) ([]card.Destroyed, error) {
	var a struct {
		Cards []struct {
			Card  string    `json:"card"`
			At    time.Time `json:"at"`
			Order string    `json:"order"`
			Ask   string    `json:"ask"`
		} `json:"cards"`
	}
	if err := c.do(ctx, call{method: http.MethodGet, path: "/v1/me/destroyed-cards", into: &a}); err != nil {
		return nil, err
	}
	list := make([]card.Destroyed, len(a.Cards))
	for i, d := range a.Cards {
		list[i] = card.Destroyed{Card: card.ID(d.Card), At: d.At, Order: d.Order, Ask: d.Ask}
	}
	return list, nil
}
