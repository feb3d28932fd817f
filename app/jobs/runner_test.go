package jobs

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/driver"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	"go.uber.org/goleak"

	"github.com/medcard/medcard/domain/fault"
)

// queue gives an empty migrated queue on SQLite. How both databases share a transaction with the store is shown in storetest.
func queue(t *testing.T) (*sql.DB, *river.Client[*sql.Tx]) {
	t.Helper()
	db, err := driver.Open("file:" + filepath.Join(t.TempDir(), "jobs.db") + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	quiet := slog.New(slog.DiscardHandler)
	m, err := rivermigrate.New(riversqlite.New(db), &rivermigrate.Config{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Migrate(t.Context(), rivermigrate.DirectionUp, nil); err != nil {
		t.Fatal(err)
	}
	client, err := river.NewClient(riversqlite.New(db), &river.Config{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return db, client
}

func idle() Work {
	return Work{
		News:        func(context.Context, News) error { return nil },
		Push:        func(context.Context, Push) error { return nil },
		Reminder:    func(context.Context, Reminder) error { return nil },
		Supply:      func(context.Context, Supply) error { return nil },
		Alert:       func(context.Context, Alert) error { return nil },
		Destruction: func(context.Context, Destruction) error { return nil },
		Upkeep:      func(context.Context) error { return nil },
		Collect:     func(context.Context) error { return nil },
		Sequence:    func(context.Context) error { return nil },
	}
}

// run starts a runner and gives what stops it.
func run(t *testing.T, cfg Config) (stop func()) {
	t.Helper()
	cfg.Poll = 20 * time.Millisecond
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

// state waits until the job is in the state.
func state(t *testing.T, client *river.Client[*sql.Tx], id int64, want rivertype.JobState) *rivertype.JobRow {
	t.Helper()
	var row *rivertype.JobRow
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var err error
		if row, err = client.JobGet(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if row.State == want {
			return row
		}
	}
	t.Fatalf("the job is %s, want %s", row.State, want)
	return nil
}

func TestTheFaultDecidesWhatBecomesOfAJob(t *testing.T) {
	const secret = "Иванова: ВИЧ"
	tests := map[string]struct {
		err   error
		state rivertype.JobState
		text  string
	}{
		"no fault":         {nil, rivertype.JobStateCompleted, ""},
		"later, as told":   {fault.New(fault.Unavailable, "push.later", "x").After(time.Hour), rivertype.JobStateScheduled, ""},
		"throttled":        {fault.New(fault.Throttled, "too.often", "x").After(time.Hour), rivertype.JobStateScheduled, ""},
		"later":            {fault.New(fault.Unavailable, "push.later", "x"), rivertype.JobStateRetryable, "push.later"},
		"ours":             {errors.New(secret), rivertype.JobStateRetryable, "internal"},
		"a verdict":        {fault.New(fault.Gone, "push.expired", "x").Because(errors.New(secret)), rivertype.JobStateCancelled, "push.expired"},
		"another verdict":  {fault.New(fault.Invalid, "push.refused", "x"), rivertype.JobStateCancelled, "push.refused"},
		"a panic of words": {nil, rivertype.JobStateRetryable, "panic"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			db, client := queue(t)
			var log bytes.Buffer
			w := idle()
			w.Push = func(context.Context, Push) error {
				if tt.text == "panic" {
					panic(secret)
				}
				return tt.err
			}
			stop := run(t, Config{Queue: Queue{SQLite: db}, Work: w, Log: slog.New(slog.NewTextHandler(&log, nil)), Pause: func(int) time.Duration { return time.Hour }})
			defer stop()
			inserted, err := client.Insert(t.Context(), Push{ID: "n", Device: "d"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			row := state(t, client, inserted.Job.ID, tt.state)
			stop()
			if tt.text == "" {
				if len(row.Errors) != 0 {
					t.Errorf("recorded %+v", row.Errors)
				}
				return
			}
			if len(row.Errors) != 1 || !strings.Contains(row.Errors[0].Error, tt.text) {
				t.Fatalf("recorded %+v, want %q", row.Errors, tt.text)
			}
			if strings.Contains(row.Errors[0].Error+row.Errors[0].Trace+log.String(), secret) {
				t.Error("the words of the cause stand in the queue or in the log")
			}
			if !strings.Contains(log.String(), "code="+tt.text) && !strings.Contains(log.String(), "job panicked") {
				t.Errorf("the log does not tell why: %s", log.String())
			}
		})
	}
}

func TestAJobComesBackUntilItSucceeds(t *testing.T) {
	db, client := queue(t)
	w := idle()
	tries := 0
	w.Push = func(context.Context, Push) error {
		if tries++; tries < 3 {
			return fault.New(fault.Unavailable, "push.later", "x")
		}
		return nil
	}
	defer run(t, Config{Queue: Queue{SQLite: db}, Work: w, Pause: func(int) time.Duration { return 10 * time.Millisecond }})()
	inserted, err := client.Insert(t.Context(), Push{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if row := state(t, client, inserted.Job.ID, rivertype.JobStateCompleted); row.Attempt != 3 {
		t.Errorf("after %d attempts, want 3", row.Attempt)
	}
}

func TestWhatFailsTooOftenStaysToBeLookedAt(t *testing.T) {
	db, client := queue(t)
	w := idle()
	w.Push = func(context.Context, Push) error { return errors.New("broken") }
	defer run(t, Config{Queue: Queue{SQLite: db}, Work: w, Pause: func(int) time.Duration { return time.Millisecond }})()
	inserted, err := client.Insert(t.Context(), Push{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	state(t, client, inserted.Job.ID, rivertype.JobStateDiscarded)
}

func TestUpkeepRunsAtTheStart(t *testing.T) {
	db, _ := queue(t)
	upkeep, collect := make(chan struct{}, 8), make(chan struct{}, 8)
	w := idle()
	w.Upkeep = func(context.Context) error { upkeep <- struct{}{}; return nil }
	w.Collect = func(context.Context) error { collect <- struct{}{}; return nil }
	defer run(t, Config{Queue: Queue{SQLite: db}, Work: w})()
	for name, ran := range map[string]chan struct{}{"upkeep": upkeep, "collecting": collect} {
		select {
		case <-ran:
		case <-time.After(20 * time.Second):
			t.Errorf("%s did not", name)
		}
	}
}

// A stop lets the job in work finish, and leaves no goroutine behind.
func TestStopWaitsForTheJobInWork(t *testing.T) {
	db, client := queue(t)
	before := goleak.IgnoreCurrent()
	begun, finished := make(chan struct{}), make(chan struct{})
	w := idle()
	w.Push = func(ctx context.Context, _ Push) error {
		close(begun)
		select {
		case <-time.After(300 * time.Millisecond):
			close(finished)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	stop := run(t, Config{Queue: Queue{SQLite: db}, Work: w})
	inserted, err := client.Insert(t.Context(), Push{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	stop()
	select {
	case <-finished:
	default:
		t.Error("the job was cut off")
	}
	state(t, client, inserted.Job.ID, rivertype.JobStateCompleted)
	goleak.VerifyNone(t, before)
}

// The server starts while its database is down; the jobs begin when it is there.
func TestRunWaitsForTheDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "not", "yet", "jobs.db")
	db, err := driver.Open("file:" + path)
	if err != nil {
		t.Skip("this driver opens files at once")
	}
	defer db.Close()
	stop := run(t, Config{Queue: Queue{SQLite: db}, Work: idle()})
	time.Sleep(100 * time.Millisecond)
	stop()
}

func TestNewRefuses(t *testing.T) {
	db, _ := queue(t)
	w := idle()
	w.Reminder = nil
	if _, err := New(Config{Queue: Queue{SQLite: db}, Work: w}); err == nil {
		t.Error("a kind without work was taken")
	}
	if _, err := New(Config{Work: idle()}); err == nil {
		t.Error("no database was taken")
	}
}
