package jobs

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
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
	News        func(context.Context, News) error
	Push        func(context.Context, Push) error
	Reminder    func(context.Context, Reminder) error
	Supply      func(context.Context, Supply) error
	Alert       func(context.Context, Alert) error
	Destruction func(context.Context, Destruction) error
	Upkeep      func(context.Context) error
	Collect     func(context.Context) error
	Sequence    func(context.Context) error // every second, without a job: see beat.go
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
	client func() (worker, error) // a fresh one for each attempt to start
	log    *slog.Logger
	beats  []beat
}

// worker is the part of River's client that does not depend on the database.
type worker interface {
	Start(context.Context) error
	Stop(context.Context) error
	StopAndCancel(context.Context) error
}

const (
	jobTimeout = time.Minute
	// rescueAfter is when a job counts as lost that says it runs: its server was killed. River's own word is an hour, and a push
	// would be an hour late after every power cut.
	rescueAfter = 2 * jobTimeout
	startPause  = 500 * time.Millisecond // between attempts to start while the database is down
	startLimit  = 10 * time.Second       // for one attempt
	startEnd    = time.Second            // more for one that is under way when the server stops
	stopGrace   = 10 * time.Second       // for jobs in work when the server stops
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
	if w.News == nil || w.Push == nil || w.Reminder == nil || w.Supply == nil || w.Alert == nil || w.Destruction == nil || w.Upkeep == nil || w.Collect == nil || w.Sequence == nil {
		return nil, errors.New("jobs: a kind has no work")
	}
	workers := river.NewWorkers()
	add(workers, cfg.Log, w.News)
	add(workers, cfg.Log, w.Push)
	add(workers, cfg.Log, w.Reminder)
	add(workers, cfg.Log, w.Supply)
	add(workers, cfg.Log, w.Alert)
	add(workers, cfg.Log, w.Destruction)
	add(workers, cfg.Log, func(ctx context.Context, _ Upkeep) error { return w.Upkeep(ctx) })
	add(workers, cfg.Log, func(ctx context.Context, _ Collect) error { return w.Collect(ctx) })

	settings := &river.Config{
		Logger:            slog.New(careful{cfg.Log.Handler()}),
		Workers:           workers,
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 8}, pushQueue: {MaxWorkers: cfg.Workers}, alertQueue: {MaxWorkers: 4}},
		FetchPollInterval: cfg.Poll,
		FetchCooldown:     min(100*time.Millisecond, cfg.Poll),
		JobTimeout:        jobTimeout,

		RescueStuckJobsAfter: rescueAfter,
		// Only the owner of the tables may rebuild their indexes, and the app does not serve as their owner.
		ReindexerIndexNames: []string{},
		PeriodicJobs:        []*river.PeriodicJob{every(upkeepEvery, Upkeep{}), every(collectEvery, Collect{})},
	}
	if cfg.Pause != nil {
		settings.RetryPolicy = pauses(cfg.Pause)
	}
	r := &Runner{log: cfg.Log, beats: []beat{{"sequence", sequenceEvery, w.Sequence}}}
	switch {
	case cfg.Queue.Postgres != nil:
		r.client = func() (worker, error) { return river.NewClient(riverpgxv5.New(cfg.Queue.Postgres), settings) }
	case cfg.Queue.SQLite != nil:
		r.client = func() (worker, error) { return river.NewClient(riversqlite.New(cfg.Queue.SQLite), settings) }
	default:
		return nil, errors.New("jobs: no database")
	}
	_, err := r.client() // what is wrong with the settings is wrong now
	return r, err
}

// every is a job that comes again and again, and once when a server starts.
func every(interval time.Duration, args river.JobArgs) *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(interval), func() (river.JobArgs, *river.InsertOpts) { return args, nil },
		&river.PeriodicJobOpts{RunOnStart: true})
}

// Run works until ctx ends, then lets the jobs in work finish. What does not finish in time is cancelled and runs again after
// the next start. While the database cannot be reached it keeps trying to start.
func (r *Runner) Run(ctx context.Context) error {
	var beating sync.WaitGroup
	defer beating.Wait()
	for _, b := range r.beats {
		beating.Go(func() { b.run(ctx, r.log) })
	}
	client := r.start(ctx)
	if client == nil {
		return nil
	}
	<-ctx.Done()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	if client.Stop(grace) == nil {
		return nil
	}
	r.log.Warn("jobs did not finish in time, they will run again")
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	return client.StopAndCancel(last)
}

// start gives a client that runs, or nil when ctx ended first. Each attempt has a client of its own and a limit: River 0.49 can
// wait for itself for ever when one of its parts cannot start (a busy or vanished database), and neither the work nor the
// end of the server may hang on that.
func (r *Runner) start(ctx context.Context) worker {
	for attempts := 0; ; attempts++ {
		client, err := r.client()
		if err == nil {
			err = r.attempt(ctx, client)
		}
		if err == nil {
			return client
		}
		if attempts == 0 && ctx.Err() == nil {
			r.log.Warn("the job queue does not start, trying again")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(startPause):
		}
	}
}

var errStart = errors.New("jobs: the queue did not start in time")

func (r *Runner) attempt(ctx context.Context, client worker) error {
	// River would cancel its jobs with the context it was started with; they get their grace first.
	running := context.WithoutCancel(ctx)
	started := make(chan error, 1)
	go func() { started <- client.Start(running) }()
	select {
	case err := <-started:
		return err
	case <-ctx.Done():
		select { // jobs of the queues that have started are in work already: they get their grace too
		case err := <-started:
			return err
		case <-time.After(startEnd):
		}
	case <-time.After(startLimit):
		r.log.Warn("the job queue hangs while it starts, trying anew")
	}
	go func() { // should it start after all, it is one too many
		if <-started == nil {
			_ = client.StopAndCancel(running)
		}
	}()
	return errStart
}

// pauses is a retry policy of River's.
type pauses func(attempts int) time.Duration

func (p pauses) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(p(len(job.Errors) + 1))
}
