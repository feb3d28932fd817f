package phone

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// ErrLeaseEnded says that the phone has not spoken to the server for too long: what it held of these scopes is not shown until the
// next sync, and is deleted the first time that somebody would read the card. It comes as a *LeaseError.
var ErrLeaseEnded = errors.New("phone: not in step with the server for too long")

// LeaseError names the scopes that are not opened.
type LeaseError struct{ Scopes card.Scopes }

// Error names them.
func (e *LeaseError) Error() string {
	return ErrLeaseEnded.Error() + ": " + strings.Join(e.Scopes.Words(), ", ")
}

// Is makes a LeaseError an ErrLeaseEnded.
func (e *LeaseError) Is(target error) bool { return target == ErrLeaseEnded }

// leased says which scopes may be opened at this moment, and remembers which could not.
type leased struct {
	general   replica.Scopes
	sensitive replica.Scopes // whose leases are shorter
	lapsed    []string       // what was destroyed
	locked    []card.Scope
}

func (k *Card) leased(meta replica.Meta) *leased {
	l := &leased{lapsed: meta.Lapsed}
	now := k.client.time.now()
	for _, lease := range meta.Leases {
		if now.Before(lease.Until) {
			l.general = append(l.general, lease.Scope)
		}
		if now.Before(sensitiveUntil(lease)) {
			l.sensitive = append(l.sensitive, lease.Scope)
		}
	}
	return l
}

func sensitiveUntil(l wire.Lease) time.Time {
	if l.Sensitive.IsZero() {
		return l.Until
	}
	return l.Sensitive
}

// runs says whether a lease of the scope runs. What was written here and never left the phone has no scope yet: it is its writer's.
func (l *leased) runs(scope string) bool {
	switch {
	case scope == "":
		return true
	case card.Scope(scope).Sensitive():
		return l.sensitive.Holds(scope)
	}
	return l.general.Holds(scope)
}

// opens says whether a record of the scope may be shown.
func (l *leased) opens(scope string) bool {
	if l.runs(scope) {
		return true
	}
	l.lock(scope)
	return false
}

func (l *leased) lock(scope string) {
	if !slices.Contains(l.locked, card.Scope(scope)) {
		l.locked = append(l.locked, card.Scope(scope))
	}
}

// missed says that records of the kind would be met here if they were not destroyed; "" = of any kind.
func (l *leased) missed(kind card.Kind) {
	for _, scope := range l.lapsed {
		if kind == "" || card.ScopeOf(kind, card.General).Class() == card.Scope(scope).Class() {
			l.lock(scope)
		}
	}
}

// err is the LeaseError if nothing but locked scopes was met.
func (l *leased) err(shown int) error {
	if shown > 0 || len(l.locked) == 0 {
		return nil
	}
	return &LeaseError{Scopes: l.locked}
}

// lapsing remembers when a lease of the card ends next, so that those who only read do not look each time.
type lapsing struct {
	mu   sync.Mutex
	next time.Time // zero = look
}

func (l *lapsing) due(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next.IsZero() || !now.Before(l.next)
}

// look has the next one who comes look: the leases are others now.
func (l *lapsing) look() { l.until(time.Time{}) }

func (l *lapsing) until(next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = next
}

// never is a time that no phone lives to see.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// enter comes before everything that reads the card: it keeps the time, and destroys what stands in scopes whose lease has ended. While a
// sync runs, or if the file cannot be written, that has to wait; such scopes are not opened all the same.
func (k *Card) enter() {
	c := k.client
	c.time.keep()
	now := c.time.now()
	if !k.lapsing.due(now) {
		return
	}
	select {
	case c.syncing <- struct{}{}:
		defer c.syncing.leave()
	default:
		return
	}
	meta, err := k.engine.Meta()
	if err == nil {
		_, err = k.engine.Lapse(k.leased(meta).runs)
	}
	if err != nil {
		c.log.Warn("what may not be opened any more could not be deleted yet")
		return
	}
	next := never
	for _, lease := range meta.Leases {
		for _, end := range []time.Time{lease.Until, sensitiveUntil(lease)} {
			if end.After(now) && end.Before(next) {
				next = end
			}
		}
	}
	k.lapsing.until(next)
}
