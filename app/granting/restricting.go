package granting

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Faults of restricting.
var (
	ErrNoRestriction = fault.New(fault.NotFound, "restriction.not_found", "The card has no such restriction, or it was lifted already.")
	ErrOneself       = fault.New(fault.Invalid, "grantee.self", "A restriction binds others; you always see your own card.")
	ErrNoRecord      = fault.New(fault.NotFound, "record.not_found", "The card has no such record, or there is nothing to change about it.")
)

// Ban is a restriction as the owner asks for it: who is not to see what, whatever lets him in.
type Ban struct {
	Card    card.ID
	Client  identity.ClientID  // an organisation, or
	Account identity.AccountID // a person; neither = everybody but the owner
	Scopes  card.Scopes
	Ends    time.Time // zero = until it is lifted
	Request string
}

// Restrict denies others a part of the card. It beats every grant, those that are given later too, and leaves them no sign of what it hides.
func (s *Service) Restrict(ctx context.Context, a identity.Actor, b Ban) (Named, error) {
	now := s.Clock()
	if err := b.check(a, now); err != nil {
		return Named{}, err
	}
	return s.add(ctx, a, consent.Grant{
		ID: consent.GrantID(s.NewID()), Card: b.Card, Role: consent.Restriction, Client: b.Client, Account: b.Account, Scopes: b.Scopes,
		Purpose: consent.PatientRequest, Starts: now, Ends: b.Ends,
	}, audit.Restrict, b.Request)
}

func (b Ban) check(a identity.Actor, now time.Time) error {
	switch {
	case b.Account != "" && b.Client != "":
		return ErrWhom
	case b.Account != "" && b.Account == a.Account:
		return ErrOneself
	case !b.Ends.IsZero() && !b.Ends.After(now):
		return ErrPeriod
	}
	return checkScopes(b.Scopes)
}

// Restrictions shows the owner all restrictions of the card, lifted ones included.
func (s *Service) Restrictions(ctx context.Context, a identity.Actor, id card.ID) ([]Named, error) {
	return s.list(ctx, a, id, func(g consent.Grant) bool { return g.Role == consent.Restriction })
}

// Lift takes a restriction away. It asks for a fresh second factor, as all that lets others see more.
func (s *Service) Lift(ctx context.Context, a identity.Actor, id card.ID, ban consent.GrantID, request string) error {
	if err := a.Fresh(s.Clock()); err != nil {
		return err
	}
	return s.revoke(ctx, a, id, ban, audit.Lift, ErrNoRestriction, request)
}

// Hide takes one record out of the sight of everybody but the owner, or shows it again: from their phones it goes with the next sync.
func (s *Service) Hide(ctx context.Context, a identity.Actor, id card.ID, record card.RecordID, hide bool, request string) error {
	now := s.Clock()
	action := audit.Hide
	if !hide {
		action = audit.Show
		if err := a.Fresh(now); err != nil {
			return err
		}
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		permit, err := s.owner(tx, a, id)
		if err != nil {
			return err
		}
		shown, changed, err := tx.HideRecord(permit, record, hide)
		if err != nil {
			return err
		}
		if !changed {
			return ErrNoRecord
		}
		if err := tx.EnqueueNews(permit, card.Scopes{shown}); err != nil { // silently: they lose it, or get it
			return err
		}
		return tx.AppendAudit(audit.Entry{Card: id, At: now, Actor: a, Action: action, Purpose: consent.PatientRequest, What: "a record", Request: request})
	})
}
