package dispensing

import (
	"context"
	"errors"
	"fmt"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
)

// listed is how many entries a list has at most.
const listed = 500

// Defer registers that the pharmacy lacks the medicine and will get it within the term of the law. The hold ends.
func (s *Service) Defer(ctx context.Context, a identity.Actor, id prescription.ID, secret string, assortment prescription.Assortment, ask Ask) (prescription.Course, error) {
	now := s.Clock()
	return s.once(ctx, a, id, step{
		right: Right, act: audit.Defer, what: fmt.Sprintf("defer %q", assortment), ask: ask,
		move: func(p prescription.Prescription) (prescription.Course, error) {
			due, err := prescription.SupplyDue(p.Sheet.Urgency, assortment, now, s.Zone)
			if err != nil {
				return prescription.Course{}, err
			}
			return p.Course.Defer(a.Client, secret, due, now)
		},
		after: func(tx Tx, permit consent.Permit, p prescription.Prescription) error {
			return tx.EnqueueSupply(permit, id, p.Course.Supply.Due)
		},
	}, now)
}

// Arrived records that the pharmacy has the medicine; the patient is told.
func (s *Service) Arrived(ctx context.Context, a identity.Actor, id prescription.ID, ask Ask) (prescription.Course, error) {
	now := s.Clock()
	return s.once(ctx, a, id, step{
		right: Right, act: audit.Arrive, what: "arrived", ask: ask,
		move: func(p prescription.Prescription) (prescription.Course, error) { return p.Course.Arrive(a.Client, now) },
	}, now)
}

// Withdraw ends a deferral without the medicine.
func (s *Service) Withdraw(ctx context.Context, a identity.Actor, id prescription.ID, ask Ask) (prescription.Course, error) {
	now := s.Clock()
	return s.once(ctx, a, id, step{
		right: Right, act: audit.Withdraw, what: "withdraw", ask: ask,
		move: func(p prescription.Prescription) (prescription.Course, error) {
			return p.Course.Withdraw(a.Client, now)
		},
	}, now)
}

// Supplies lists what the pharmacy has ordered, the next term first.
func (s *Service) Supplies(ctx context.Context, a identity.Actor) (list []prescription.Deferred, err error) {
	err = s.Store.View(ctx, func(tx Tx) (err error) {
		list, err = tx.SuppliesOf(a.Client, listed)
		return err
	})
	return list, err
}

// LateSupplies lists whatever is late anywhere. It is for operators: there is no route to it.
func (s *Service) LateSupplies(ctx context.Context) (list []prescription.Deferred, err error) {
	now := s.Clock()
	err = s.Store.View(ctx, func(tx Tx) (err error) {
		list, err = tx.OverdueSupplies(now, listed)
		return err
	})
	return list, err
}

// SupplyDue is the job at the end of a term: who has not got the medicine by then is late, and that is seen.
func (s *Service) SupplyDue(ctx context.Context, of card.ID, id prescription.ID) error {
	now := s.Clock()
	late, supply := false, prescription.Supply{}
	err := s.Store.Update(ctx, func(tx Tx) error {
		permit, err := tx.DecideWrite(identity.Actor{Kind: identity.System}, of, "", scopes)
		if err != nil {
			return err
		}
		p, _, found, err := tx.Prescription(permit, id)
		supply = p.Course.Supply
		late = found && supply.Overdue(now)
		return err
	})
	if errors.Is(err, consent.ErrShredded) {
		return nil // there is nothing to hand out any more
	}
	if err == nil && late && s.Overdue != nil {
		s.Overdue(prescription.Deferred{Whose: prescription.Whose{Card: of, Prescription: id}, Supply: supply})
	}
	return err
}
