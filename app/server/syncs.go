package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/syncing"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
)

// syncs assembles what phones sync with.
func syncs(db *store.DB, custody *keys.Custody, o Options, metrics prometheus.Registerer) *syncing.Service {
	collected := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "medcard_collected_total", Help: "What cards have forgotten: phones retired after a long silence, deleted records emptied, clocks pruned.",
	}, []string{"what"})
	metrics.MustRegister(collected)
	return &syncing.Service{
		Store: acting[syncing.Tx]{db, func(tx *store.Tx) syncing.Tx { return tx }}, Clock: o.Clock,
		Engine: replica.Server{Rules: cardsync.Rules()}, Secret: custody.Cursors(),
		Collected: func(c replica.Collected) {
			collected.WithLabelValues("phones").Add(float64(c.Retired))
			collected.WithLabelValues("records").Add(float64(c.Emptied))
			collected.WithLabelValues("clocks").Add(float64(c.Pruned))
		},
	}
}
