//go:build !linux && !darwin

package phone

import "time"

var started = time.Now()

// uptime is how long the program runs, where the system does not tell since when it is switched on.
func uptime() time.Duration { return time.Since(started) }
