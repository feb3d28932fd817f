package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcard/medcard/app/alerting"
	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/dispensing"
	"github.com/medcard/medcard/app/jobs"
	"github.com/medcard/medcard/app/notifying"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/syncing"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/push"
	"github.com/medcard/medcard/push/fcm"
)

// notices assembles what reaches phones.
func notices(ctx context.Context, db *store.DB, cfg config.Config, o Options, metrics prometheus.Registerer) (*notifying.Service, error) {
	sender, err := carrier(ctx, cfg, o)
	if err != nil {
		return nil, err
	}
	sent := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "medcard_pushes_total", Help: "Answers of the push carrier, by what the push was about, what became of it and why.",
	}, []string{"about", "outcome", "reason"})
	metrics.MustRegister(sent)
	return notifying.New(notifying.Parts{
		Store: acting[notifying.Tx]{db, func(tx *store.Tx) notifying.Tx { return tx }}, Sender: sender, Clock: o.Clock, Log: o.Log,
		Count: func(about notice.Kind, r push.Result) {
			sent.WithLabelValues(string(about), r.Outcome.String(), string(r.Reason)).Inc()
		},
	}), nil
}

// carrier is FCM, or a log where there are no credentials for it.
func carrier(ctx context.Context, cfg config.Config, o Options) (push.Sender, error) {
	if cfg.FCMCredentials == "" && cfg.FCMEndpoint == "" {
		return push.LogSender{Log: o.Log}, nil
	}
	settings := fcm.Config{Project: cfg.FCMProject, Endpoint: cfg.FCMEndpoint, Clock: o.Clock}
	if cfg.FCMCredentials != "" {
		var err error
		if settings.Credentials, err = os.ReadFile(filepath.Clean(cfg.FCMCredentials)); err != nil {
			return nil, fmt.Errorf("configuration: MEDCARD_FCM_CREDENTIALS: %w", err)
		}
	}
	sender, err := fcm.New(ctx, settings)
	if err != nil {
		return nil, fmt.Errorf("configuration: MEDCARD_FCM_*: %w", err)
	}
	return push.NewBreaker(sender, o.Clock), nil
}

// sweeper deletes what has run out in its part of the house.
type sweeper interface{ Sweep(context.Context) error }

// runner assembles the workers of the queue.
func runner(db *store.DB, notify *notifying.Service, sync *syncing.Service, dispense *dispensing.Service, alert *alerting.Service, watch *auditWatch, o Options, sweepers ...sweeper) (*jobs.Runner, error) {
	return jobs.New(jobs.Config{Queue: db.Queue(), Log: o.Log, Work: jobs.Work{
		News: func(ctx context.Context, j jobs.News) error { return notify.Announce(ctx, j.Card, j.Account, j.About) },
		Push: func(ctx context.Context, j jobs.Push) error {
			return notify.Deliver(ctx, notice.Push{ID: j.ID, Device: j.Device, Kind: j.About, Ends: j.Ends})
		},
		Reminder: func(ctx context.Context, j jobs.Reminder) error { return notify.Remind(ctx, j.Card, j.ID) },
		Supply:   func(ctx context.Context, j jobs.Supply) error { return dispense.SupplyDue(ctx, j.Card, j.Prescription) },
		Alert:    func(ctx context.Context, j jobs.Alert) error { return alert.Send(ctx, j.Incident, j.Account) },
		Destruction: func(ctx context.Context, j jobs.Destruction) error {
			return alert.SendDestruction(ctx, j.Card, j.Account)
		},
		Upkeep: func(ctx context.Context) error {
			var failed []error
			for _, s := range sweepers { // one that fails keeps no other from its work
				failed = append(failed, s.Sweep(ctx))
			}
			return errors.Join(failed...)
		},
		Collect:  sync.Collect,
		Sequence: watch.sequence,
	}})
}
