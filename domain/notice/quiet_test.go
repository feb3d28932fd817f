package notice

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var moscow = time.FixedZone("MSK", 3*60*60)

func at(day, hour, minute int) time.Time {
	return time.Date(2026, 11, day, hour, minute, 0, 0, moscow)
}

func TestWhenToRemind(t *testing.T) {
	tests := map[string]struct{ starts, now, want time.Time }{
		"a day ahead":                               {at(20, 10, 0), at(1, 0, 0), at(19, 10, 0)},
		"early morning: the evening before that":    {at(20, 7, 30), at(1, 0, 0), at(18, 20, 0)},
		"late evening: earlier on the same evening": {at(20, 22, 30), at(1, 0, 0), at(19, 20, 0)},
		"just when the quiet ends":                  {at(20, 8, 0), at(1, 0, 0), at(19, 8, 0)},
		"asked for today: now":                      {at(20, 15, 0), at(20, 9, 0), at(20, 9, 0)},
		"asked for at night: in the morning":        {at(20, 15, 0), at(20, 1, 0), at(20, 8, 0)},
		"in two hours, at night: now":               {at(20, 3, 0), at(20, 1, 0), at(20, 1, 0)},
		"at nine, asked for at night: at six":       {at(20, 9, 0), at(20, 1, 0), at(20, 6, 0)},
		"the zone of the clinic counts":             {at(20, 10, 0), at(1, 0, 0).UTC(), at(19, 10, 0)},
	}
	for name, tt := range tests {
		if got := Night.Send(tt.starts, tt.now); !got.Equal(tt.want) {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestQuietHolds(t *testing.T) {
	day := Quiet{From: 12 * time.Hour, To: 14 * time.Hour}
	tests := []struct {
		quiet Quiet
		at    time.Time
		want  bool
	}{
		{Night, at(1, 21, 59), false}, {Night, at(1, 22, 0), true}, {Night, at(1, 3, 0), true}, {Night, at(1, 7, 59), true}, {Night, at(1, 8, 0), false},
		{day, at(1, 11, 59), false}, {day, at(1, 12, 0), true}, {day, at(1, 14, 0), false},
		{Quiet{}, at(1, 0, 0), false},
	}
	for _, tt := range tests {
		if got := tt.quiet.Holds(tt.at); got != tt.want {
			t.Errorf("%v at %s: %v, want %v", tt.quiet, tt.at, got, tt.want)
		}
	}
}

// Whatever the hours: never before now, never after the start of what it is about, and in the quiet only when it is near.
func TestRemindersKeepTheQuiet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := at(10, 0, 0).Add(time.Duration(rapid.IntRange(0, 24*60).Draw(t, "now")) * time.Minute)
		starts := now.Add(time.Duration(rapid.IntRange(1, 7*24*60).Draw(t, "ahead")) * time.Minute)
		got := Night.Send(starts, now)
		if got.Before(now) || !got.Before(starts) {
			t.Fatalf("asked at %s for %s: sent at %s", now, starts, got)
		}
		if Night.Holds(got) && starts.Sub(got) > urgent {
			t.Fatalf("asked at %s for %s: rings at %s", now, starts, got)
		}
	})
}
