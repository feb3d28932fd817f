package dispensing

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
)

// What operators do with receipts in quarantine. They have a shell on the server: there are no routes to these.

// Why an operator is refused.
var (
	ErrNoReceipt = fault.New(fault.NotFound, "receipt.not_found", "No receipt in quarantine has this hash.")
	ErrNoFact    = fault.New(fault.Conflict, "receipt.no_fact", "Nobody can say what this receipt tells, or it cannot be true of its prescription: it can only be dismissed.")
	ErrWhy       = fault.New(fault.Invalid, "receipt.why", "Say who decides, and why, in 1 to 200 characters each.")
)

// Decision is an operator's word on a receipt.
type Decision struct {
	Receipt prescription.Digest
	By, Why string
}

func (d Decision) check() error {
	for _, text := range []string{d.By, d.Why} {
		if strings.TrimSpace(text) == "" || utf8.RuneCountInString(text) > 200 || !utf8.ValidString(text) {
			return ErrWhy
		}
	}
	return nil
}

func (d Decision) actor() identity.Actor {
	return identity.Actor{Kind: identity.Operator, Person: identity.Person{Name: d.By}}
}

// Quarantine lists what waits for an operator, the oldest first.
func (s *Service) Quarantine(ctx context.Context) (list []prescription.Filed, err error) {
	err = s.Store.View(ctx, func(tx Tx) (err error) {
		list, err = tx.ReceiptsIn(prescription.Quarantined, listed)
		return err
	})
	return list, err
}

// AllCases lists the cases since the instant, the newest first.
func (s *Service) AllCases(ctx context.Context, since time.Time) ([]prescription.Case, error) {
	operator := identity.Actor{Kind: identity.Operator}
	return s.cases(ctx, operator, func(tx Tx) ([]prescription.Concerned, error) { return tx.CasesSince(since, listed) }, nil)
}

// Release takes a receipt in quarantine for a fact and applies it. One whose signature does not hold, or that could not be true, stays
// where it is. Receipts that are missing before it are given up.
func (s *Service) Release(ctx context.Context, d Decision) (filed prescription.Filed, err error) {
	now := s.Clock()
	err = s.decide(ctx, d, &filed, func(tx Tx) error {
		r, device, doubt, err := s.read(tx, filed.Text, filed.By)
		if err != nil {
			return err
		}
		if doubt != "" {
			return ErrNoFact.In(string(doubt))
		}
		if filed.Doubt == prescription.GapInChain && r.Number > device.Count {
			filed.Chained = true
			if err := tx.SetCounterDevice(device.Next(r)); err != nil {
				return err
			}
		}
		was := filed.Doubt
		if err := s.apply(tx, d.actor(), &filed, r, device.Holder, "", now, prescription.Receipt.Possible); err != nil {
			return err
		}
		if filed.Outcome == prescription.Quarantined {
			return ErrNoFact.In(string(filed.Doubt))
		}
		filed.Doubt = was
		return nil
	})
	if err == nil {
		err = s.fill(ctx, identity.Actor{Kind: identity.System}, filed, "")
	}
	return filed, err
}

// Dismiss ends a receipt's time in quarantine without effect. Where it named a prescription of ours its patient can see that.
func (s *Service) Dismiss(ctx context.Context, d Decision) (filed prescription.Filed, err error) {
	now := s.Clock()
	err = s.decide(ctx, d, &filed, func(tx Tx) error {
		filed.Outcome = prescription.Dismissed
		r, _, doubt, err := s.read(tx, filed.Text, filed.By)
		if err != nil || doubt != "" {
			return err
		}
		of, _, found, err := tx.PrescriptionByToken(r.Token)
		if err != nil || !found {
			return err
		}
		return tx.AppendAudit(audit.Entry{Card: of, At: now, Actor: d.actor(), Action: audit.Dismiss, Purpose: consent.Treatment, What: string(card.KindPrescription)})
	})
	return filed, err
}

// decide runs an operator's decision on a receipt that waits for one, and writes it down.
func (s *Service) decide(ctx context.Context, d Decision, filed *prescription.Filed, do func(Tx) error) error {
	if err := d.check(); err != nil {
		return err
	}
	now := s.Clock()
	return s.Store.Update(ctx, func(tx Tx) error {
		found, known, err := tx.Receipt(d.Receipt)
		if err != nil {
			return err
		}
		if !known || found.Outcome != prescription.Quarantined {
			return ErrNoReceipt
		}
		*filed = found
		if err := do(tx); err != nil {
			return err
		}
		filed.Decided, filed.DecidedBy, filed.Decision = now, d.By, d.Why
		return tx.FileReceipt(*filed)
	})
}
