package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/medcard/medcard/domain/fault"
)

// beat is work that comes so often that a row in the queue for each time would cost more than the work: it runs in every server, and
// sees to it itself that two at once do no harm.
type beat struct {
	name  string
	every time.Duration
	work  func(context.Context) error
}

// sequenceEvery is how often the audit log takes in what was written: how long an entry waits for its proof.
const sequenceEvery = time.Second

// run works until ctx ends. Work that fails is tried with the next beat; the log is told when that begins, and when it is over.
func (b beat) run(ctx context.Context, log *slog.Logger) {
	ticks := time.NewTicker(b.every)
	defer ticks.Stop()
	failing := fault.Code("")
	for {
		err := b.once(ctx)
		switch {
		case err == nil && failing != "":
			log.Info("works again", "beat", b.name)
			failing = ""
		case err != nil && ctx.Err() == nil:
			failing = b.report(ctx, log, err, failing)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

func (b beat) report(ctx context.Context, log *slog.Logger, cause error, known fault.Code) fault.Code {
	f, level := fault.From(cause), slog.LevelWarn
	if f.Kind == fault.Internal {
		level = slog.LevelError
	}
	if f.Code != known {
		log.Log(ctx, level, "a beat fails, trying again", "beat", b.name, "code", string(f.Code), "cause", fmt.Sprintf("%T", root(cause)))
	}
	return f.Code
}

// once bounds one time, and takes a panic for a failure.
func (b beat) once(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, jobTimeout)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("jobs: a beat panicked: %T", value)
		}
	}()
	return b.work(ctx)
}
