package phone

import (
	"errors"
	"slices"
	"strings"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/replica"
)

// ErrLeaseEnded says that the phone has not spoken to the server for too long: what it holds of these scopes is not shown until the
// next sync. It comes as a *LeaseError.
var ErrLeaseEnded = errors.New("phone: not in step with the server for too long")

// LeaseError names the scopes that are not opened.
type LeaseError struct{ Scopes []card.Scope }

// Error names them.
func (e *LeaseError) Error() string {
	names := make([]string, len(e.Scopes))
	for i, s := range e.Scopes {
		names[i] = string(s)
	}
	return ErrLeaseEnded.Error() + ": " + strings.Join(names, ", ")
}

// Is makes a LeaseError an ErrLeaseEnded.
func (e *LeaseError) Is(target error) bool { return target == ErrLeaseEnded }

// leased says which scopes may be opened at this moment, and remembers which could not.
type leased struct {
	scopes replica.Scopes
	locked []card.Scope
}

func (k *Card) leased(meta replica.Meta) *leased {
	l := &leased{}
	now := k.client.time.now()
	for _, lease := range meta.Leases {
		if now.Before(lease.Until) {
			l.scopes = append(l.scopes, lease.Scope)
		}
	}
	return l
}

// opens says whether a record of the scope may be shown. What was written here and never left the phone has no scope yet: it is
// its writer's.
func (l *leased) opens(scope string) bool {
	if scope == "" || l.scopes.Holds(scope) {
		return true
	}
	if !slices.Contains(l.locked, card.Scope(scope)) {
		l.locked = append(l.locked, card.Scope(scope))
	}
	return false
}

// err is the LeaseError if nothing but locked scopes was met.
func (l *leased) err(shown int) error {
	if shown > 0 || len(l.locked) == 0 {
		return nil
	}
	return &LeaseError{Scopes: l.locked}
}
