package phone

import (
	"sync"
	"time"

	"github.com/medcard/medcard/mobile-sdk/phone/vault"
)

// watch tells the time as the server has it: leases end by the server's clock. It never goes below the greatest time it has
// shown plus what has passed since by the clock that nobody can set, over restarts too: so setting the phone's clock back does not
// make a lease longer. Only the server may turn it back: a phone whose clock once stood in 2040 would be locked for ever.
type watch struct {
	vault *vault.Vault
	wall  func() time.Time
	up    func() time.Duration // since the phone was switched on

	mu     sync.Mutex
	offset time.Duration // the server's clock minus ours
	floor  time.Time
	upThen time.Duration // at the floor
	kept   time.Time     // the floor in the file
}

type watchSetting struct {
	Floor  time.Time     `json:"floor"`
	Up     time.Duration `json:"up"`
	Offset time.Duration `json:"offset"`
}

const (
	settingWatch = "watch"
	keepEvery    = time.Minute     // of use, the floor goes to the file
	jitterOfTime = 2 * time.Second // what a round trip may make of a time
)

func newWatch(v *vault.Vault, wall func() time.Time, up func() time.Duration) (*watch, error) {
	w := &watch{vault: v, wall: wall, up: up}
	var kept watchSetting
	if _, err := v.Load(settingWatch, &kept); err != nil {
		return nil, err
	}
	w.floor, w.kept, w.offset, w.upThen = kept.Floor, kept.Floor, kept.Offset, kept.Up
	if up() < kept.Up { // switched off and on again: at least so long ago
		w.upThen = 0
	}
	return w, nil
}

// now is the server's time as far as the phone can tell, in UTC. It touches no file, so it may be called in a transaction.
func (w *watch) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	// Round(0) takes away Go's monotonic reading, by which a clock that was set back would still compare as later.
	t := w.wall().Add(w.offset).Round(0).UTC()
	up := w.up()
	if w.floor = w.floor.Add(max(0, up-w.upThen)); t.After(w.floor) {
		w.floor = t
	}
	w.upThen = up
	return w.floor
}

// told takes over what the server says is the time.
func (w *watch) told(server time.Time) {
	if server.IsZero() {
		return
	}
	w.mu.Lock()
	offset := server.Sub(w.wall().Round(0))
	if d := (offset - w.offset).Abs(); d > jitterOfTime {
		w.offset = offset
	}
	w.floor, w.upThen = server.UTC(), w.up()
	w.kept = time.Time{}
	w.mu.Unlock()
	w.keep()
}

// keep writes the floor down, if it has moved. It may fail: then the floor is as old as the last time it did not.
func (w *watch) keep() {
	now := w.now()
	w.mu.Lock()
	due := now.Sub(w.kept) >= keepEvery
	setting := watchSetting{Floor: now, Up: w.upThen, Offset: w.offset}
	if due {
		w.kept = now
	}
	w.mu.Unlock()
	if due {
		_ = w.vault.Save(settingWatch, setting)
	}
}
