package jobs

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"
)

// Queue is where the jobs stand. One of the two is set.
type Queue struct {
	Postgres *pgxpool.Pool
	SQLite   *sql.DB // the store's one writing connection: a second one would only wait for the first
}

// Work is what is done for each kind of job. All are needed: a kind without work would pile up.
type Work struct {
	News     func(context.Context, News) error
	Push     func(context.Context, Push) error
	Reminder func(context.Context, Reminder) error
	Upkeep   func(context.Context) error
}

// Config says what to run and how fast.
type Config struct {
	Queue   Queue
	Work    Work
	Log     *slog.Logger  // nil = silence
	Poll    time.Duration // how often to look for jobs that nobody announced; 0 = 1 s
	Workers int           // pushes at a time; 0 = 50
	// Pause is how long a job that failed waits before its next attempt; nil = the fourth power of the attempts in seconds.
	Pause func(attempts int) time.Duration
}

// Runner runs jobs. It is made before the database is there and runs once.
type Runner struct {
	client worker
	log    *slog.Logger
}

// worker is the part of River's client that does not depend on the database.
type worker interface {
	Start(context.Context) error
	Stop(context.Context) error
	StopAndCancel(context.Context) error
}

const (
	jobTimeout = time.Minute
	startPause = 500 * time.Millisecond // between attempts to start while the database is down
	stopGrace  = 10 * time.Second       // for jobs in work when the server stops
)

// New prepares a runner; nothing runs yet.
func New(cfg Config) (*Runner, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Poll == 0 {
		cfg.Poll = time.Second
	}
	if cfg.Workers == 0 {
		cfg.Workers = 50
	}
	w := cfg.Work
	if w.News == nil || w.Push == nil || w.Reminder == nil || w.Upkeep == nil {
		return nil, errors.New("jobs: a kind has no work")
	}
	workers := river.NewWorkers()
	add(workers, cfg.Log, w.News)
	add(workers, cfg.Log, w.Push)
	add(workers, cfg.Log, w.Reminder)
	add(workers, cfg.Log, func(ctx context.Context, _ Upkeep) error { return w.Upkeep(ctx) })

	settings := &river.Config{
		Logger:            slog.New(careful{cfg.Log.Handler()}),
		Workers:           workers,
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 8}, pushQueue: {MaxWorkers: cfg.Workers}},
		FetchPollInterval: cfg.Poll,
		FetchCooldown:     min(100*time.Millisecond, cfg.Poll),
		JobTimeout:        jobTimeout,
		// Only the owner of the tables may rebuild their indexes, and the app does not serve as their owner.
		ReindexerIndexNames: []string{},
		PeriodicJobs: []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(upkeepEvery),
			func() (river.JobArgs, *river.InsertOpts) { return Upkeep{}, nil }, &river.PeriodicJobOpts{RunOnStart: true})},
	}
	if cfg.Pause != nil {
		settings.RetryPolicy = pauses(cfg.Pause)
	}
	r := &Runner{log: cfg.Log}
	var err error
	switch {
	case cfg.Queue.Postgres != nil:
		r.client, err = river.NewClient(riverpgxv5.New(cfg.Queue.Postgres), settings)
	case cfg.Queue.SQLite != nil:
		r.client, err = river.NewClient(riversqlite.New(cfg.Queue.SQLite), settings)
	default:
		err = errors.New("jobs: no database")
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Run works until ctx ends, then lets the jobs in work finish. What does not finish in time is cancelled and runs again after
// the next start. While the database cannot be reached it keeps trying to start.
func (r *Runner) Run(ctx context.Context) error {
	// River would cancel its jobs with the context it was started with; they get their grace first.
	for r.client.Start(context.WithoutCancel(ctx)) != nil {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(startPause):
		}
	}
	<-ctx.Done()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	if r.client.Stop(grace) == nil {
		return nil
	}
	r.log.Warn("jobs did not finish in time, they will run again")
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	return r.client.StopAndCancel(last)
}

// pauses is a retry policy of River's.
type pauses func(attempts int) time.Duration

func (p pauses) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(p(len(job.Errors) + 1))
}
