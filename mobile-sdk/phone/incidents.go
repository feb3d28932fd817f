package phone

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/incident"
)

// Incidents asks the server what happened to the person's data that should not have, the newest first.
func (c *Client) Incidents(ctx context.Context) ([]incident.Notice, error) {
	var a struct {
		Incidents []struct {
			ID    string                      `json:"id"`
			Found time.Time                   `json:"found"`
			Told  time.Time                   `json:"told"`
			Read  time.Time                   `json:"read"`
			Words map[account.Language]string `json:"words"`
		} `json:"incidents"`
	}
	if err := c.do(ctx, call{method: http.MethodGet, path: "/v1/me/incidents", into: &a}); err != nil {
		return nil, err
	}
	list := make([]incident.Notice, len(a.Incidents))
	for i, n := range a.Incidents {
		list[i] = incident.Notice{Incident: incident.Incident{ID: incident.ID(n.ID), Found: n.Found, Words: n.Words}, Told: n.Told, Read: n.Read}
	}
	return list, nil
}

// ReadIncident says that the person read one.
func (c *Client) ReadIncident(ctx context.Context, id incident.ID) error {
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/me/incidents/" + url.PathEscape(string(id)) + "/read"})
}
