// Package jobs is what happens after a transaction: the kinds of jobs, their schedules, and the workers that run them, on River,
// in the same database as everything else.
//
// A job is enqueued by the store in the transaction that it follows from, so it exists if and only if that committed. It may
// run more than once: after a crash, or when its end could not be written down. Arguments hold ids only, because they stand in
// the clear in a table that operators read.
//
// How a job ended is told by the fault it returns. Unavailable and Throttled come back: after RetryAfter when they name one,
// else with growing pauses. Internal comes back with growing pauses too. Any other fault is a verdict: the job is cancelled and
// stays to be looked at, as one does that failed too often.
//
// Beside the queue there is the beat: work of every second that finds out itself whether there is anything to do, as the audit log's
// sequencer does.
package jobs
