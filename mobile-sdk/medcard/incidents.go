package medcard

import (
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/incident"
)

// Incidents asks the server what happened to the person's data that should not have, the newest first. JSON: [{"id", "found", "told", "read",
// "ru", "en"}]; ru and en: what happened, and what to do; read: missing until ReadIncident.
func (c *Client) Incidents() (list []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	all, err := c.inner.Incidents(ctx)
	if err != nil {
		return nil, err
	}
	type incidentShape struct {
		ID      string `json:"id"`
		Found   int64  `json:"found"`
		Told    int64  `json:"told"`
		Read    int64  `json:"read,omitempty"`
		Russian string `json:"ru"`
		English string `json:"en"`
	}
	shape := make([]incidentShape, len(all))
	for i, n := range all {
		shape[i] = incidentShape{ID: string(n.ID), Found: millis(n.Found), Told: millis(n.Told), Read: millis(n.Read), Russian: n.In(account.Russian), English: n.In(account.English)}
	}
	return marshal(shape)
}

// ReadIncident says that the person read one.
func (c *Client) ReadIncident(incidentID string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.ReadIncident(ctx, incident.ID(incidentID))
}
