package server

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcard/medcard/app/auditing"
	"github.com/medcard/medcard/domain/fault"
)

// auditWatch keeps what this server found of the audit log, for somebody to be woken by. The sequencer sees whether the log is what its last checkpoint says; once a
// minute the newest entries are looked at as well, by the database role that reads them.
type auditWatch struct {
	sequencer, log *auditing.Service
	clock          func() time.Time

	looked             time.Time
	extended, tampered atomic.Bool // what the sequencer and the look found wrong
}

// lookEvery is the time between two looks at the newest entries.
const lookEvery = time.Minute

// sequence is the sequencer's beat. It runs once at a time.
func (w *auditWatch) sequence(ctx context.Context) error {
	err := w.sequencer.Sequence(ctx)
	note(&w.extended, err)
	if now := w.clock(); now.Sub(w.looked) >= lookEvery {
		w.looked = now
		found := w.log.Watch(ctx)
		note(&w.tampered, found)
		err = errors.Join(err, found)
	}
	return err
}

// note keeps what is known where the log could not be asked.
func note(wrong *atomic.Bool, err error) {
	if err == nil {
		wrong.Store(false)
		return
	}
	switch fault.From(err).Code {
	case auditing.ErrTampered.Code, "audit.log_damaged": // the store's word for hashes that are gone
		wrong.Store(true)
	}
}

// metrics are NaN while the database cannot be reached.
func (w *auditWatch) metrics() []prometheus.Collector {
	waiting := func(read func(n int, since time.Time) float64) func() float64 {
		return func() float64 {
			ctx, end := context.WithTimeout(context.Background(), time.Second)
			defer end()
			n, since, err := w.log.Waiting(ctx)
			if err != nil {
				return math.NaN()
			}
			return read(n, since)
		}
	}
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "medcard_audit_waiting", Help: "Entries that wait for the audit log, a million at most."},
			waiting(func(n int, _ time.Time) float64 { return float64(n) })),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "medcard_audit_waiting_seconds", Help: "For how long the oldest of them has waited; 0 = none does."},
			waiting(func(_ int, since time.Time) float64 {
				if since.IsZero() {
					return 0
				}
				return max(w.clock().Sub(since).Seconds(), 0)
			})),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "medcard_audit_tampered", Help: "1: this server found that the audit log is not what it signed, or the newest entries not what was hashed."},
			func() float64 {
				if w.extended.Load() || w.tampered.Load() {
					return 1
				}
				return 0
			}),
	}
}
