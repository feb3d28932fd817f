package server

import (
	"context"
	"io"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcard/medcard/app/alerting"
	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/notifying"
	"github.com/medcard/medcard/app/store"
)

// Alert assembles what tells people of incidents; console is where mails go that nothing else carries.
func Alert(db *store.DB, cfg config.Config, console io.Writer, clock func() time.Time) (*alerting.Service, error) {
	send, err := carriers(cfg, notifying.NewOutbox(console, clock))
	if err != nil {
		return nil, err
	}
	return &alerting.Service{
		Store: acting[alerting.Tx]{db, func(tx *store.Tx) alerting.Tx { return tx }}, Mail: send.Email, Clock: clock, NewID: store.NewID,
	}, nil
}

// overdue counts what somebody should be woken for. While the database cannot be reached nobody knows.
func overdue(alert *alerting.Service) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "medcard_incident_duties_overdue", Help: "Duties towards the supervisory authority (report, conclude) whose term is over.",
	}, func() float64 {
		ctx, end := context.WithTimeout(context.Background(), time.Second)
		defer end()
		n, err := alert.Overdue(ctx)
		if err != nil {
			return math.NaN()
		}
		return float64(n)
	})
}
