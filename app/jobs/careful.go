package jobs

import (
	"context"
	"log/slog"
)

// careful is the log that River gets: warnings and worse, without the lines about single jobs, which reporter writes itself.
// River's own start and stop lines are noise beside ours.
type careful struct{ slog.Handler }

func (h careful) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h careful) WithAttrs(attrs []slog.Attr) slog.Handler {
	return careful{h.Handler.WithAttrs(attrs)}
}
func (h careful) WithGroup(name string) slog.Handler { return careful{h.Handler.WithGroup(name)} }
