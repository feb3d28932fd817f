package notice

import "time"

// Quiet are the hours of a day in which nothing rings, as times since midnight. From may be later than To: over midnight.
type Quiet struct{ From, To time.Duration }

// Night is the default.
var Night = Quiet{From: 22 * time.Hour, To: 8 * time.Hour}

const (
	ahead  = 24 * time.Hour // how long before its subject a reminder is sent
	urgent = 3 * time.Hour  // a subject this near breaks the quiet
	margin = 2 * time.Hour  // how long before the quiet a reminder is sent that would fall into it
)

// Holds reports whether the instant is quiet, on the clock of its own location.
func (q Quiet) Holds(t time.Time) bool {
	since := sinceMidnight(t)
	if q.From <= q.To {
		return since >= q.From && since < q.To
	}
	return since >= q.From || since < q.To
}

// Send says when to remind of something that starts at the instant: a day ahead, on the clock of the place where it starts. A
// reminder that would fall into the quiet goes out before it, because one after it may come too late; when that is past it waits
// for the morning, unless the subject is so near that the person would rather be woken.
func (q Quiet) Send(starts, now time.Time) time.Time {
	now = now.In(starts.Location())
	at := starts.Add(-ahead)
	if q.Holds(at) {
		at = q.begin(at).Add(-margin)
	}
	if at.Before(now) {
		at = now
	}
	if !q.Holds(at) || starts.Sub(at) < urgent {
		return at
	}
	if morning := q.end(at); starts.Sub(morning) >= urgent {
		return morning
	}
	return latest(at, starts.Add(-urgent))
}

// begin is when the quiet began that holds t; end is when it ends.
func (q Quiet) begin(t time.Time) time.Time {
	begin := midnight(t).Add(q.From)
	if begin.After(t) {
		begin = midnight(t.AddDate(0, 0, -1)).Add(q.From)
	}
	return begin
}

func (q Quiet) end(t time.Time) time.Time {
	end := midnight(t).Add(q.To)
	if !end.After(t) {
		end = midnight(t.AddDate(0, 0, 1)).Add(q.To)
	}
	return end
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

func sinceMidnight(t time.Time) time.Duration { return t.Sub(midnight(t)) }

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
