package phone

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/sync/wire"
)

// heads is what the server said of where the cards stand, and what it said the last time a sync was complete.
type heads struct {
	unchanged bool
	etag      string
	now       map[string]string // card -> tag
	other     []string          // cards that were not asked for
	before    headSetting
}

type headSetting struct {
	Cards string            `json:"cards"` // the question that the ETag answers
	ETag  string            `json:"etag"`
	Tags  map[string]string `json:"tags"`
}

const settingHead = "head"

// errNoHead says that the head could not be had: a sync tells the same, at more cost.
var errNoHead = errors.New("phone: no head")

// same says that the card has no news. One that the answer leaves out has: the end of access.
func (h heads) same(id card.ID) bool {
	tag, ok := h.now[string(id)]
	return ok && tag != "" && tag == h.before.Tags[string(id)]
}

// head asks whether any of the cards has news. The common answer is a 304 of a few bytes.
func (c *Client) head(ctx context.Context, cards []card.ID) (heads, error) {
	names := strings.Join(sorted(cards), ",")
	var h heads
	if _, err := c.vault.Load(settingHead, &h.before); err != nil {
		return h, err
	}
	ask := call{method: http.MethodGet, path: "/v1/sync/head", query: url.Values{"cards": {names}}}
	if h.before.Cards == names && h.before.ETag != "" {
		ask.header = http.Header{"If-None-Match": {h.before.ETag}}
	}
	res, err := c.send(ctx, ask)
	var p *problem.Problem
	if errors.As(err, &p) && p.Status != http.StatusUnauthorized {
		return h, errNoHead
	}
	if err != nil {
		return h, err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotModified {
		h.unchanged = true
		return h, nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return h, offline(ctx, err)
	}
	var answer wire.HeadResponse
	if json.Unmarshal(body, &answer) != nil {
		return h, errNoHead
	}
	h.etag, h.now = res.Header.Get("ETag"), map[string]string{}
	for _, one := range answer.Cards {
		h.now[one.Card] = one.Tag
	}
	h.before.Cards, h.other = names, answer.Other
	return h, nil
}

// keepHead remembers a head, once all that it stands for is on the phone.
func (c *Client) keepHead(h heads) error {
	if h.etag == "" {
		return nil
	}
	return c.vault.Save(settingHead, headSetting{Cards: h.before.Cards, ETag: h.etag, Tags: h.now})
}
