package vclock_test

import (
	"testing"
	"time"

	"github.com/medcard/medcard/sync/vclock"
	"pgregory.net/rapid"
)

func TestStampsOnlyGrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var last vclock.HLC
		for _, ms := range rapid.SliceOfN(rapid.Int64Range(-5, 2e12), 1, 50).Draw(t, "walls") {
			next := vclock.Stamp(time.UnixMilli(ms), last)
			if next <= last {
				t.Fatalf("%v after %v", next, last)
			}
			if wall := time.UnixMilli(ms).UTC(); vclock.At(wall) > last && ms >= 0 && !next.Time().Equal(wall) {
				t.Fatalf("stamp of %v tells %v", wall, next.Time())
			}
			last = next
		}
	})
}

func TestAClockFromTheFutureIsHeldBack(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	if got := vclock.At(now.AddDate(5, 0, 0)).Clamp(now, time.Minute).Time(); !got.Equal(now.Add(time.Minute)) {
		t.Fatalf("clamped to %v", got)
	}
	if past := vclock.At(now.AddDate(-5, 0, 0)); past.Clamp(now, time.Minute) != past {
		t.Fatal("the past was changed")
	}
}
