package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/medcard/medcard/domain/fault"
)

// add registers the work for one kind.
func add[A river.JobArgs](workers *river.Workers, log *slog.Logger, work func(context.Context, A) error) {
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[A]) (err error) {
		defer func() {
			if value := recover(); value != nil { // River would write the value into its table
				log.ErrorContext(ctx, "job panicked", "kind", job.Kind, "job", job.ID, "value", fmt.Sprintf("%T", value), "stack", string(debug.Stack()))
				err = failure("panic")
			}
		}()
		cause := work(ctx, job.Args)
		if err = verdict(cause); err != nil && ctx.Err() == nil {
			report(ctx, log, job.JobRow, cause)
		}
		return err
	}))
}

// verdict tells River what to do with a job by the fault that it returned. River writes the error into its table, so only the
// public part of a fault gets there.
func verdict(err error) error {
	if err == nil {
		return nil
	}
	f := fault.From(err)
	public := failure(f.Code)
	switch f.Kind {
	case fault.Unavailable, fault.Throttled:
		if f.RetryAfter > 0 {
			return river.JobSnooze(f.RetryAfter)
		}
		return public
	case fault.Internal:
		return public
	}
	return river.JobCancel(public)
}

// failure is an error whose text is a code and nothing else.
type failure fault.Code

func (f failure) Error() string { return string(f) }

// report tells the log what failed. The text of a cause may hold what a patient wrote, so its type is named instead.
func report(ctx context.Context, log *slog.Logger, job *rivertype.JobRow, cause error) {
	f, level := fault.From(cause), slog.LevelInfo
	if f.Kind == fault.Internal {
		level = slog.LevelError
	}
	log.Log(ctx, level, "job failed", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "code", string(f.Code), "cause", fmt.Sprintf("%T", root(cause)))
}

// root is the innermost error.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
