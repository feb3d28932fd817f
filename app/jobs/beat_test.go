package jobs

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/fault"
)

// A beat goes on through failures and panics, and the log hears of each once and of none of its words.
func TestABeatGoesOn(t *testing.T) {
	const secret = "Иванова: ВИЧ"
	var log bytes.Buffer
	ctx, stop := context.WithCancel(t.Context())
	n := 0
	b := beat{name: "test", every: time.Millisecond, work: func(ctx context.Context) error {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("a beat may last for ever")
		}
		switch n++; n {
		case 1:
			return nil
		case 2, 3:
			return fault.New(fault.Unavailable, "database.away", "x").Because(errors.New(secret))
		case 4:
			panic(secret)
		case 5:
			return nil
		}
		stop()
		return ctx.Err()
	}}
	b.run(ctx, slog.New(slog.NewTextHandler(&log, nil)))
	text := log.String()
	if strings.Count(text, "database.away") != 1 || strings.Count(text, "code=internal") != 1 || strings.Count(text, "works again") != 1 || strings.Count(text, "\n") != 3 || strings.Contains(text, secret) {
		t.Errorf("after %d times the log is\n%s", n, text)
	}
}
