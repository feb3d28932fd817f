package jobs

import (
	"context"
	"log/slog"
	"strings"
)

// careful is the log that River gets: warnings and worse. What became of single jobs is reported here already, and River calls
// it an error that its own queries end when it is stopped.
type careful struct{ slog.Handler }

func (h careful) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h careful) Handle(ctx context.Context, r slog.Record) error {
	stopped := false
	r.Attrs(func(a slog.Attr) bool {
		stopped = strings.HasSuffix(a.Value.String(), context.Canceled.Error())
		return !stopped
	})
	if stopped {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h careful) WithAttrs(attrs []slog.Attr) slog.Handler {
	return careful{h.Handler.WithAttrs(attrs)}
}
func (h careful) WithGroup(name string) slog.Handler { return careful{h.Handler.WithGroup(name)} }
