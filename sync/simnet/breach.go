package simnet

import "fmt"

// Breach is the end of a world in which something happened that must never happen.
type Breach struct {
	Invariant int // its number in sync's design; 0: an error that no world should see
	What      string
}

// Error says which invariant was broken, and how.
func (b *Breach) Error() string {
	if b.Invariant == 0 {
		return "unexpected: " + b.What
	}
	return fmt.Sprintf("invariant %d: %s", b.Invariant, b.What)
}

func breach(invariant int, format string, args ...any) *Breach {
	return &Breach{Invariant: invariant, What: fmt.Sprintf(format, args...)}
}

// fail ends the world.
func (w *World) fail(invariant int, format string, args ...any) {
	panic(breach(invariant, format, args...))
}

// hold ends the world if there is a breach.
func (w *World) hold(b *Breach) {
	if b != nil {
		panic(b)
	}
}

// must ends the world on an error that no world should see.
func (w *World) must(err error) {
	if err != nil {
		w.fail(0, "%v", err)
	}
}
