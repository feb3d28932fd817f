package granting

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/app/wording"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Faults of emergencies.
var (
	ErrStepUp    = fault.New(fault.Denied, "person.stale", "The person has to prove who he is anew: sign auth_time in the actor claim, at most five minutes old.")
	ErrReason    = fault.New(fault.Invalid, "reason.invalid", "Say why: a reason of the list, and 10 to 500 characters of your own.")
	ErrNarrow    = fault.New(fault.Invalid, "scopes.too_wide", "Name 1 to 8 scopes, those that this emergency needs.")
	ErrOften     = fault.New(fault.Throttled, "emergency.too_many", "This organisation opened too many cards in emergencies within the hour. Operators look into it.")
	ErrOftenHere = fault.New(fault.Throttled, "emergency.too_many_on_card", "This organisation opened this card too many times within a day. Ask its owner, or who represents the owner, to let you in.")
)

const (
	freshProof  = 5 * time.Minute
	emergencies = 30 // of one organisation an hour
	onOneCard   = 24 // of one organisation a day: as one ends, the next may begin
	fewScopes   = 8
)

// Need is an emergency as a clinic's person states it.
type Need struct {
	Card    card.ID
	Scopes  card.Scopes
	Reason  consent.EmergencyReason
	Words   string
	Request string
}

// BreakGlass opens the named sections of a card to the clinic for an hour, without the owner's consent. The owner is told at once, and
// somebody has to review it.
func (s *Service) BreakGlass(ctx context.Context, a identity.Actor, n Need) (consent.Opening, error) {
	now := s.Clock()
	if err := n.check(a, now); err != nil {
		return consent.Opening{}, err
	}
	e := consent.Opening{
		ID: consent.GrantID(s.NewID()), Card: n.Card, Client: a.Client, Clinic: a.Organisation, Person: a.Person, Scopes: n.Scopes, Reason: n.Reason,
		Words: strings.TrimSpace(n.Words), Opened: now, Ends: now.Add(consent.EmergencyLasts), Due: now.Add(consent.ReviewTerm),
	}
	// Counted apart, because the organisation's other cards stand elsewhere; two at once may pass the bound by one.
	err := s.Store.View(ctx, func(tx Tx) error {
		before, err := tx.CountEmergencies(a.Client, now.Add(-time.Hour))
		if err == nil && before >= emergencies {
			err = ErrOften
		}
		return err
	})
	if err != nil {
		return consent.Opening{}, err
	}
	err = s.Store.Update(ctx, func(tx Tx) error {
		permit, err := tx.DecideWrite(a, n.Card, "system/*.rs", nil)
		if err != nil {
			return err
		}
		if err := tx.LockCard(n.Card); err != nil {
			return err
		}
		before, err := tx.CountEmergenciesOn(n.Card, a.Client, now.Add(-24*time.Hour))
		if err != nil {
			return err
		}
		if before >= onOneCard {
			return ErrOftenHere
		}
		if err := tx.OpenEmergency(permit, e); err != nil {
			return err
		}
		return tx.AppendAudit(audit.Entry{
			Card: n.Card, At: now, Actor: a, Action: audit.BreakGlass, Purpose: consent.Emergency, What: string(n.Reason) + ": " + strings.Join(n.Scopes.Words(), " "), Request: n.Request,
		})
	})
	return e, err
}

func (n Need) check(a identity.Actor, now time.Time) error {
	switch proven := a.Person.Proven; {
	case a.Kind != identity.Clinic:
		return consent.ErrNoGrant
	case !a.Person.Named():
		return consent.ErrPerson
	case proven.IsZero() || now.Sub(proven) > freshProof:
		return ErrStepUp
	case !n.Reason.Known() || !wording.Long(n.Words, 10, 500):
		return ErrReason
	case len(n.Scopes) > fewScopes || slices.ContainsFunc(n.Scopes, func(s card.Scope) bool { return s.Class() == "*" && s != "*" }):
		return ErrNarrow
	}
	return checkScopes(n.Scopes)
}

// Emergencies shows who speaks for the patient who opened the card without being let in, newest first, and what the review came to.
func (s *Service) Emergencies(ctx context.Context, a identity.Actor, id card.ID) (list []consent.Opening, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		permit, err := tx.DecideWatch(a, id, s.Clock())
		if err == nil {
			list, err = tx.Emergencies(permit)
		}
		return err
	})
	return list, err
}
