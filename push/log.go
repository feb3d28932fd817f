package push

import (
	"context"
	"log/slog"
)

// LogSender writes a line instead of sending. It stands in where there are no credentials, so that a developer sees what
// would have gone out. The line holds the id and the topic; the token would let a reader of the log wake the phone.
type LogSender struct{ Log *slog.Logger }

// Send logs each delivery and calls it delivered: nobody is there who could get it later.
func (s LogSender) Send(ctx context.Context, deliveries []Delivery) []Result {
	results := make([]Result, len(deliveries))
	for i, d := range deliveries {
		if err := d.Message.Check(); err != nil {
			results[i] = Result{Outcome: Refused, Reason: BadMessage}
			continue
		}
		s.Log.InfoContext(ctx, "push without credentials: it is only logged",
			"push", d.Message.ID.String(), "topic", d.Message.Topic.String(), "carrier", string(d.To.Carrier))
		results[i] = Result{Outcome: Delivered, Reason: Logged}
	}
	return results
}

var _ Sender = LogSender{}
