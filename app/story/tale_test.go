package story

import (
	"context"
	"testing"
	"time"
)

// TestTheTaleHolds tells the demo's story on every database: each step checks what it says.
func TestTheTaleHolds(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		told := 0
		ok(t, Tell(ctx, w, func(Step, string, time.Duration) { told++ }))
		if told != len(Steps()) {
			t.Errorf("%d of %d steps were told", told, len(Steps()))
		}
	})
}
