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
func add[A river.JobArgs](workers *river.Workers, work func(context.Context, A) error) {
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[A]) (err error) {
		defer func() {
			if value := recover(); value != nil { // River would write the value into its table
				err = failure{code: "panic", cause: fmt.Errorf("panic with a %T", value), stack: debug.Stack()}
			}
		}()
		return verdict(work(ctx, job.Args))
	}))
}

// verdict tells River what to do with a job by the fault that it returned. River writes the error into its table, so only the
// public part of a fault gets there.
func verdict(err error) error {
	if err == nil {
		return nil
	}
	f := fault.From(err)
	public := failure{code: f.Code, cause: err}
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

// failure is an error whose text is a code. The cause is for the log's types alone.
type failure struct {
	code  fault.Code
	cause error
	stack []byte // of a panic
}

func (f failure) Error() string { return string(f.code) }

// reporter tells the log what failed. The text of a cause may hold what a patient wrote, so its type is named instead.
type reporter struct{ log *slog.Logger }

func (r reporter) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	var f failure
	if !errors.As(err, &f) {
		f = failure{code: "unknown", cause: err}
	}
	level := slog.LevelWarn
	if f.code == "internal" || f.code == "panic" {
		level = slog.LevelError
	}
	fields := []any{"kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "code", string(f.code), "cause", fmt.Sprintf("%T", root(f.cause))}
	if f.stack != nil {
		fields = append(fields, "stack", string(f.stack))
	}
	r.log.Log(ctx, level, "job failed", fields...)
	return nil
}

// HandlePanic is never reached: add turns a panic into an error.
func (r reporter) HandlePanic(context.Context, *rivertype.JobRow, any, string) *river.ErrorHandlerResult {
	return nil
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
