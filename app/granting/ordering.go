package granting

import (
	"context"
	"strings"
	"time"

	"github.com/medcard/medcard/app/wording"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// ErrOrder is the answer to an order that does not say what it rests on.
var ErrOrder = fault.New(fault.Invalid, "order.invalid", "Name the court's document (court, number, date: 10 to 200 characters) and who carries it out.")

// Order is a court's decision about who sees a card.
type Order struct {
	Card     card.ID
	Document string // which decision, for the owner and for auditors
	By       string // the operator's name
}

// Carry carries a court's decision out: it ends a grant, from the next request on; phones delete what it showed. What a court ordered before is
// lifted in the same way. The owner is told, and reads the document's name in the log.
func (s *Service) Carry(ctx context.Context, o Order, grant consent.GrantID) error {
	return s.order(ctx, o, func(tx Tx, now time.Time) error {
		found, err := tx.RevokeByOrder(o.Card, grant, now)
		if err == nil && !found {
			err = ErrNoGrant
		}
		return err
	})
}

// Bar carries out that somebody, an account's person or an organisation, is to see nothing of a card until an instant (zero = until the order is
// lifted): what let him in ends, and nobody lets him in again, the owner neither.
func (s *Service) Bar(ctx context.Context, o Order, account identity.AccountID, client identity.ClientID, ends time.Time) (id consent.GrantID, err error) {
	if (account == "") == (client == "") {
		return "", ErrWhom
	}
	err = s.order(ctx, o, func(tx Tx, now time.Time) error {
		if !ends.IsZero() && !ends.After(now) {
			return ErrPeriod
		}
		g := consent.Grant{
			ID: consent.GrantID(s.NewID()), Card: o.Card, Role: consent.Restriction, Account: account, Client: client, Scopes: card.Everything(),
			Purpose: consent.Operations, Starts: now, Ends: ends, Ordered: true,
		}
		id = g.ID
		if _, err := s.grantee(tx, g); err != nil {
			return err
		}
		return tx.Bar(g, now)
	})
	return id, err
}

// order does what a court decided and remembers it.
func (s *Service) order(ctx context.Context, o Order, do func(Tx, time.Time) error) error {
	if !wording.Long(o.Document, 10, 200) || !wording.Long(o.By, 3, 100) {
		return ErrOrder
	}
	now, by := s.Clock(), strings.TrimSpace(o.By)
	return s.Store.Update(ctx, func(tx Tx) error {
		if err := do(tx, now); err != nil {
			return err
		}
		return tx.AppendAudit(audit.Entry{
			Card: o.Card, At: now, Actor: identity.AtDesk(by), Action: audit.Order,
			Purpose: consent.Operations, What: strings.TrimSpace(o.Document), Request: "order",
		})
	})
}

// Standing lists to an operator who is let into a card now, and whom a court keeps from it, for an order to name one.
func (s *Service) Standing(ctx context.Context, id card.ID) (list []Named, err error) {
	now := s.Clock()
	err = s.Store.View(ctx, func(tx Tx) error {
		list = nil
		all, err := tx.GrantsOf(id)
		if err != nil {
			return err
		}
		for _, g := range all {
			if g.Role == consent.Owner || g.Role == consent.Restriction && !g.Ordered || !g.InForce(now) {
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
