// Package server is the composition root: it puts the parts of the house together and takes them apart again. It is the
// only place with constructors in a row, and it has no logic of its own.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/medcard/medcard/app/attaching"
	"github.com/medcard/medcard/app/charting"
	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/httpapi"
	"github.com/medcard/medcard/app/jobs"
	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/app/proving/clamd"
	"github.com/medcard/medcard/app/store"
)

// Options are what main, or a test, decides beside the configuration.
type Options struct {
	Version string
	Clock   func() time.Time // nil = the machine's
	Log     *slog.Logger     // nil = silence
	Console io.Writer        // where development shows one-time codes; nil = nowhere
}

// Server is one assembled instance.
type Server struct {
	Store   *store.DB
	API     *httpapi.API
	Clients *oauth.Service // registers organisations: an operator's act, without a route

	logDB *store.DB // of the audit's sequencer: Store, or the same database by another role
	jobs  *jobs.Runner
	sent  func()      // waits for messages to people that are on their way
	tls   *tls.Config // nil: plain HTTP
	log   *slog.Logger
	grace time.Duration

	metrics string // where they are served by themselves; "" = not
}

// New assembles a server. The database need not be reachable yet.
func New(ctx context.Context, cfg config.Config, o Options) (*Server, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Console == nil {
		o.Console = io.Discard
	}
	secure, err := ending(cfg, o.Log)
	if err != nil {
		return nil, err
	}
	custody, err := Custody(cfg, o.Clock)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Config{Postgres: cfg.Postgres, SQLite: cfg.Database(), Keys: custody, Log: o.Log})
	if err != nil {
		return nil, err
	}
	authority, err := Authority(db, custody, cfg.URL(), o.Clock)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	sign, err := signatures(ctx, db, custody, cfg, o)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	enrolment, err := people(db, custody, authority, sign, cfg, o)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "medcard_rows_read_total", Help: "Rows that the database handed to the server's transactions."},
			func() float64 { return float64(db.RowsRead()) }))
	issue, dispense, scanner, err := papers(db, custody, cfg, o, registry)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	notify, err := notices(ctx, db, cfg, o, registry)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	grants := Grant(db, o.Clock)
	prove, err := Prove(db, custody, cfg, o.Clock)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	attach := &attaching.Service{Store: acting[attaching.Tx]{db, func(tx *store.Tx) attaching.Tx { return tx }}, Clock: o.Clock}
	if cfg.Clamd != "" {
		attach.Scan = clamd.Scanner{Address: cfg.Clamd}.Scan
	}
	sync := syncs(db, custody, o, registry)
	log, err := Audit(db, custody, cfg.Issuer, o.Clock)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	alert, err := Alert(db, cfg, o.Console, o.Clock)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	registry.MustRegister(overdue(alert))
	sequencer, logDB := log, db
	if cfg.Sequencer != "" {
		if logDB, err = db.ByRole(ctx, cfg.Sequencer); err != nil {
			return nil, errors.Join(err, db.Close())
		}
		if sequencer, err = Audit(logDB, custody, cfg.Issuer, o.Clock); err != nil {
			return nil, errors.Join(err, logDB.Close(), db.Close())
		}
	}
	watch := &auditWatch{sequencer: sequencer, log: log, clock: o.Clock}
	registry.MustRegister(watch.metrics()...)
	queue, err := runner(db, notify, sync, dispense, alert, watch, o, notify, enrolment, authority, grants, attach, dispense, sign, prove)
	if err != nil {
		return nil, errors.Join(err, logDB.Close(), db.Close())
	}
	services := httpapi.Services{
		Notifying: notify,
		Issuing:   issue, Dispensing: dispense, Scanning: scanner,
		Attaching: attach,
		OAuth:     authority, Enrolling: enrolment, Exchanging: Exchange(db, o.Clock),
		Granting: grants,
		Auditing: log,
		Charting: &charting.Service{Store: acting[charting.Tx]{db, func(tx *store.Tx) charting.Tx { return tx }}, Clock: o.Clock},
		Syncing:  sync,
		Signing:  sign,
		Proving:  prove,
		Alerting: alert,
	}
	api := httpapi.New(httpapi.Config{
		Services: services, Verify: authority.Verify, Version: o.Version, Clock: o.Clock, Log: o.Log, Metrics: registry, Ready: db.Ready,
		ShowMetrics: cfg.Metrics == "" && cfg.Local(), Plain: !cfg.TLS() && len(cfg.TrustedProxies) > 0,
		TrustedProxies: cfg.TrustedProxies, Secure: strings.HasPrefix(cfg.URL(), "https://"),
	})
	return &Server{Store: db, logDB: logDB, API: api, Clients: authority, jobs: queue, sent: enrolment.Wait, tls: secure, log: o.Log, grace: cfg.ShutdownGrace, metrics: cfg.Metrics}, nil
}

// Run serves on the listener until ctx ends, then lets the requests in work finish and closes the store.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	unwatch, err := s.watch(ctx)
	if err != nil {
		return errors.Join(err, l.Close(), s.Close())
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	working := make(chan struct{})
	go func() {
		defer close(working)
		if err := s.work(running); err != nil {
			stop(err)
		}
	}()

	if s.tls != nil {
		l = tls.NewListener(l, s.tls)
	}
	failed := make(chan error, 1)
	go func() { failed <- s.API.Serve(l) }()
	select {
	case err = <-failed:
	case <-running.Done():
		if ctx.Err() == nil {
			err = context.Cause(running)
		}
		s.log.Info("stopping")
	}
	stop(nil)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.grace)
	defer cancel()
	err = errors.Join(err, s.API.Shutdown(grace), unwatch())
	<-working
	s.sent()
	return errors.Join(err, s.Close())
}

// Close closes the store. Run does it itself.
func (s *Server) Close() error {
	if s.logDB == s.Store {
		return s.Store.Close()
	}
	return errors.Join(s.logDB.Close(), s.Store.Close())
}

// work prepares the database and then runs jobs until ctx ends. It fails when it would be wrong to serve at all.
func (s *Server) work(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	if err := s.jobs.Run(ctx); err != nil {
		s.log.Error("jobs did not stop cleanly; what was in work will run again")
	}
	return nil
}

// prepare migrates as soon as the database can be reached; until then the server is live but not ready.
func (s *Server) prepare(ctx context.Context) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		applied, err := s.Store.Migrate(ctx)
		if err == nil {
			s.log.Info("store ready", "database", string(s.Store.Dialect()), "migrations", applied)
			return nil
		}
		if errors.Is(err, store.ErrKeyFolder) {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		// No patient's data is in there yet: these are the words of connecting and of the schema.
		s.log.Warn("the database cannot be prepared yet, trying again", "in", wait.String(), "cause", err.Error())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}
