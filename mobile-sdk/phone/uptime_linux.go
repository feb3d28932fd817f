package phone

import (
	"time"

	"golang.org/x/sys/unix"
)

// uptime is how long the phone is switched on, sleep included. CLOCK_BOOTTIME counts sleep, which CLOCK_MONOTONIC does not here; Android is Linux.
func uptime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) != nil {
		return 0 // then the clock on the wall has to do
	}
	return time.Duration(t.Nano())
}
