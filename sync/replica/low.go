package replica

import "time"

// Low is what the phone tells the server that it has left behind: no edit will come that was opened before At. The server then
// forgets what only such an edit would need.
//
// The cursor would be wrong, twice. An edit that waits in the outbox is older than the cursor (Exchange goes no higher than the oldest
// of them). And an editor may be open, or kept by the app over a restart, of which nobody here knows until it is saved: so the low
// stays behind the base for as long as an editor may live, in two steps. What is older than it all the same, since a clock
// jumped, is not saved any more: see Phone.Save.
type Low struct {
	At   string    `json:"at"`
	Gen  uint64    `json:"gen"`
	Next string    `json:"next"` // will be At once every editor that was opened before it is too old
	Then uint64    `json:"then"` // its Gen
	Set  time.Time `json:"set,omitzero"`
}

// rise takes the next step, if it is due.
func (l *Low) rise(meta Meta, now time.Time) {
	since := now.Sub(l.Set)
	if !l.Set.IsZero() && since >= 0 && since <= editorLife {
		return
	}
	if since > editorLife && !l.Set.IsZero() {
		l.At, l.Gen = l.Next, l.Then
	}
	l.Next, l.Then, l.Set = meta.At, meta.Gen, now
}
