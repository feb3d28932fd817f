package syncing

import (
	"cmp"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/sync/wire"
)

// A lease is how long a phone may show what it has without having spoken to the server: so long may somebody whose access has ended go
// on reading where there is no network.
const (
	ownLease       = 90 * 24 * time.Hour // of one's own card
	proxyLease     = 14 * 24 * time.Hour // of somebody else's; by a child's token for no longer than that runs, 24 hours
	sensitiveLease = 72 * time.Hour      // of what is sensitive in either: see card.Scope.Sensitive
)

// leases gives the leases of everything that the permit's person may see. None outlives the grant that it comes from.
func leases(tx Tx, p consent.Permit, now time.Time) ([]wire.Lease, error) {
	grants, err := tx.OwnGrants(p)
	if err != nil {
		return nil, err
	}
	visible := p.Scopes()
	if !p.Owner() {
		if visible, err = named(tx, p); err != nil {
			return nil, err
		}
	}
	list := []wire.Lease{}
	for _, g := range grants {
		if g.Role == consent.Restriction || !g.InForce(now) {
			continue
		}
		until, sensitive := leaseOf(g, now)
		for _, scope := range visible {
			if !g.Scopes.Holds(scope) {
				continue
			}
			at, known := slices.BinarySearchFunc(list, string(scope), func(l wire.Lease, scope string) int { return cmp.Compare(l.Scope, scope) })
			if !known {
				list = slices.Insert(list, at, wire.Lease{Scope: string(scope)})
			}
			if l := &list[at]; until.After(l.Until) { // the greater of two, with both its ends
				l.Until, l.Sensitive = until, sensitive
			}
		}
	}
	return list, nil
}

func leaseOf(g consent.Grant, now time.Time) (until, sensitive time.Time) {
	term := proxyLease
	if g.Role == consent.Owner {
		term = ownLease
	}
	until, sensitive = now.Add(term), now.Add(sensitiveLease)
	if !g.Ends.IsZero() && g.Ends.Before(until) {
		until = g.Ends
	}
	if sensitive.After(until) {
		sensitive = until
	}
	return until.UTC().Truncate(time.Second), sensitive.UTC().Truncate(time.Second)
}
