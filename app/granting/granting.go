// Package granting lets a card's owner say who may read what, for what purpose and how long, and take it back: an organisation
// at its own systems, another person on a phone.
//
// A grant and its revoke take effect on the next request: every transaction reads the grants it decides on.
package granting

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Tx is what this act needs of a transaction.
type Tx interface {
	Decide(identity.Actor, card.ID, consent.Purpose, time.Time) (consent.Permit, error)
	// Organisation gives the display name of a client that may be let in; found is false for any other.
	Organisation(identity.ClientID) (name string, found bool, err error)
	// HasAccount reports whether there is such an account.
	HasAccount(identity.AccountID) (bool, error)
	Grants(consent.Permit) ([]consent.Grant, error)
	AddGrant(consent.Permit, consent.Grant) error
	RevokeGrant(consent.Permit, consent.GrantID, time.Time) (found bool, err error)
	ConfirmGrant(consent.Permit, consent.GrantID, time.Time) (g consent.Grant, found bool, err error)
	// CardsWithEnds lists cards, behind the one named, of which a grant has run out whose end CommitEnds has still to commit.
	CardsWithEnds(after card.ID, now time.Time, limit int) ([]card.ID, error)
	CommitEnds(card.ID, time.Time) error
	AppendAudit(audit.Entry) error
}

// Store runs transactions.
type Store interface {
	View(context.Context, func(Tx) error) error
	Update(context.Context, func(Tx) error) error
}

// Service gives and takes access.
type Service struct {
	Store Store
	Clock func() time.Time
	NewID func() string
}

// mostGrants bounds what every request on the card has to read; a patient's life has room in it.
const mostGrants = 1000

// longest is how long a single grant may run: consent is asked again after it.
const longest = 5 * 365 * 24 * time.Hour

// Faults of this act.
var (
	ErrNoOrganisation = fault.New(fault.NotFound, "organisation.not_found", "There is no such organisation here.")
	ErrNoPerson       = fault.New(fault.NotFound, "account.not_found", "There is no such account here.")
	ErrWhom           = fault.New(fault.Invalid, "grantee.invalid", "Name either an organisation (client) or a person (account).")
	ErrNoGrant        = fault.New(fault.NotFound, "grant.not_found", "The card has no such grant, or it is revoked already.")
	ErrNotHeld        = fault.New(fault.NotFound, "grant.not_held", "The card has no such grant that waits to be confirmed.")
	ErrPurpose        = fault.New(fault.Invalid, "purpose.not_grantable", "An organisation may be let in for TREAT or ETREAT, a person for PATRQT.")
	ErrScopes         = fault.New(fault.Invalid, "scopes.invalid", "Name 1 to 32 scopes such as lab.general or rx.*.")
	ErrTooMany        = fault.New(fault.Conflict, "grants.too_many", "This card has as many grants as a card can have, ended ones included.")
	ErrPeriod         = fault.New(fault.Invalid, "period.invalid", "The end must lie after now and within five years.")
)

// Wish is a grant as the owner asks for it.
type Wish struct {
	Card    card.ID
	Client  identity.ClientID  // an organisation, or
	Account identity.AccountID // a person
	Scopes  card.Scopes
	Purpose consent.Purpose
	Ends    time.Time
	Request string // id of the HTTP request, for the audit
}

// Named is a grant with the organisation's name, and how it stands.
type Named struct {
	consent.Grant
	Organisation string
	State        consent.State
}

// Give lets somebody in.
func (s *Service) Give(ctx context.Context, a identity.Actor, w Wish) (Named, error) {
	now := s.Clock()
	if err := w.check(now); err != nil {
		return Named{}, err
	}
	g := Named{State: consent.Running, Grant: consent.Grant{
		ID: consent.GrantID(s.NewID()), Card: w.Card, Role: consent.Reader, Client: w.Client, Scopes: w.Scopes,
		Purpose: w.Purpose, Starts: now, Ends: w.Ends,
	}}
	if w.Account != "" {
		g.Role, g.Account = consent.Proxy, w.Account
	}
	err := s.Store.Update(ctx, func(tx Tx) error {
		permit, err := s.owner(tx, a, w.Card)
		if err != nil {
			return err
		}
		before, err := tx.Grants(permit)
		if err != nil {
			return err
		}
		if len(before) >= mostGrants {
			return ErrTooMany
		}
		name, err := s.grantee(tx, w)
		if err != nil {
			return err
		}
		g.Organisation = name
		if err := tx.AddGrant(permit, g.Grant); err != nil {
			return err
		}
		return tx.AppendAudit(audit.Entry{Card: w.Card, At: now, Actor: a, Action: audit.Grant, Purpose: consent.PatientRequest, What: cmp.Or(name, "a person"), Request: w.Request})
	})
	return g, err
}

// owner makes the permit of the card's owner. To somebody whom the owner let in, giving and taking is not open.
func (s *Service) owner(tx Tx, a identity.Actor, id card.ID) (consent.Permit, error) {
	permit, err := tx.Decide(a, id, consent.PatientRequest, s.Clock())
	if err == nil && !permit.Owner() {
		err = consent.ErrNotOwner
	}
	return permit, err
}

// grantee gives the organisation's name; a person has none here.
func (s *Service) grantee(tx Tx, w Wish) (name string, err error) {
	if w.Account != "" {
		found, err := tx.HasAccount(w.Account)
		if err == nil && !found {
			err = ErrNoPerson
		}
		return "", err
	}
	name, found, err := tx.Organisation(w.Client)
	if err == nil && !found {
		err = ErrNoOrganisation
	}
	return name, err
}

func (w Wish) check(now time.Time) error {
	if (w.Account == "") == (w.Client == "") {
		return ErrWhom
	}
	person := w.Account != "" && w.Purpose == consent.PatientRequest
	if !person && (w.Account != "" || w.Purpose != consent.Treatment && w.Purpose != consent.Emergency) {
		return ErrPurpose
	}
	if len(w.Scopes) == 0 || len(w.Scopes) > 32 {
		return ErrScopes
	}
	for _, scope := range w.Scopes {
		if !scope.Plausible() {
			return ErrScopes
		}
	}
	if !w.Ends.After(now) || w.Ends.Sub(now) > longest {
		return ErrPeriod
	}
	return nil
}

// Revoke takes a grant back.
func (s *Service) Revoke(ctx context.Context, a identity.Actor, id card.ID, grant consent.GrantID, request string) error {
	now := s.Clock()
	return s.Store.Update(ctx, func(tx Tx) error {
		permit, err := s.owner(tx, a, id)
		if err != nil {
			return err
		}
		found, err := tx.RevokeGrant(permit, grant, now)
		if err != nil {
			return err
		}
		if !found {
			return ErrNoGrant
		}
		return tx.AppendAudit(audit.Entry{Card: id, At: now, Actor: a, Action: audit.Revoke, Purpose: consent.PatientRequest, What: string(grant), Request: request})
	})
}

// Confirm lets a grant go on that was held when the server was restored from a backup.
func (s *Service) Confirm(ctx context.Context, a identity.Actor, id card.ID, grant consent.GrantID, request string) (confirmed Named, err error) {
	now := s.Clock()
	err = s.Store.Update(ctx, func(tx Tx) error {
		permit, err := s.owner(tx, a, id)
		if err != nil {
			return err
		}
		g, found, err := tx.ConfirmGrant(permit, grant, now)
		if err != nil {
			return err
		}
		if !found {
			return ErrNotHeld
		}
		if confirmed, err = s.named(tx, g); err != nil {
			return err
		}
		return tx.AppendAudit(audit.Entry{Card: id, At: now, Actor: a, Action: audit.Confirm, Purpose: consent.PatientRequest, What: string(grant), Request: request})
	})
	return confirmed, err
}

// named gives a grant as its owner sees it.
func (s *Service) named(tx Tx, g consent.Grant) (n Named, err error) {
	n = Named{Grant: g, State: g.State(s.Clock())}
	if g.Role == consent.Reader {
		n.Organisation, _, err = tx.Organisation(g.Client)
	}
	return n, err
}

// sweepCards bounds one look for ends that are due.
const sweepCards = 500

// Sweep commits the ends of grants that ran out: the phones that lose something are woken and delete it. Access itself ended at the
// instant. One card's trouble keeps no other from its turn.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.Clock()
	var after card.ID
	var errs []error
	for {
		var cards []card.ID
		if err := s.Store.View(ctx, func(tx Tx) (err error) {
			cards, err = tx.CardsWithEnds(after, now, sweepCards)
			return err
		}); err != nil || len(cards) == 0 {
			return errors.Join(append(errs, err)...)
		}
		for _, id := range cards {
			after = id
			if err := s.Store.Update(ctx, func(tx Tx) error { return tx.CommitEnds(id, now) }); err != nil {
				errs = append(errs, err)
			}
		}
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
	}
}

// List shows the owner all grants of the card, ended ones included.
func (s *Service) List(ctx context.Context, a identity.Actor, id card.ID) (list []Named, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		list = nil
		permit, err := s.owner(tx, a, id)
		if err != nil {
			return err
		}
		grants, err := tx.Grants(permit)
		if err != nil {
			return err
		}
		for _, g := range grants {
			n, err := s.named(tx, g)
			if err != nil {
				return err
			}
			list = append(list, n)
		}
		return nil
	})
	return list, err
}
