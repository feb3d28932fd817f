package granting

import (
	"context"
	"strings"

	"github.com/medcard/medcard/app/wording"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// ErrOrder is the answer to an order that does not say what it rests on.
var ErrOrder = fault.New(fault.Invalid, "order.invalid", "Name the court's document (court, number, date: 10 to 200 characters) and who carries it out.")

// Order is a court's decision that somebody is to see a card no more.
type Order struct {
	Card     card.ID
	Grant    consent.GrantID
	Document string // which decision, for the owner and for auditors
	By       string // the operator's name
}

// Carry carries a court's decision out: it ends a grant, from the next request on; phones delete what it showed. The owner is told, and reads the
// document's name in the log.
func (s *Service) Carry(ctx context.Context, o Order) error {
	if !wording.Long(o.Document, 10, 200) || !wording.Long(o.By, 3, 100) {
		return ErrOrder
	}
	now, by := s.Clock(), strings.TrimSpace(o.By)
	return s.Store.Update(ctx, func(tx Tx) error {
		found, err := tx.RevokeByOrder(o.Card, o.Grant, now)
		if err != nil {
			return err
		}
		if !found {
			return ErrNoGrant
		}
		return tx.AppendAudit(audit.Entry{
			Card: o.Card, At: now, Actor: identity.Actor{Kind: identity.Operator, Person: identity.Person{ID: by, Name: by}}, Action: audit.Order,
			Purpose: consent.Operations, What: strings.TrimSpace(o.Document), Request: "order",
		})
	})
}

// Standing lists to an operator who is let into a card now, for an order to name one.
func (s *Service) Standing(ctx context.Context, id card.ID) (list []Named, err error) {
	now := s.Clock()
	err = s.Store.View(ctx, func(tx Tx) error {
		list = nil
		all, err := tx.GrantsOf(id)
		if err != nil {
			return err
		}
		for _, g := range all {
			if g.Role == consent.Owner || g.Role == consent.Restriction || !g.InForce(now) {
				continue
			}
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
