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

// ErrRenewal is the answer to an order for another data key that does not say why.
var ErrRenewal = fault.New(fault.Invalid, "renewal.invalid", "Say why the card gets another key (10 to 200 characters, without patient data) and who does it.")

// Renewal is an order to give a card another data key.
type Renewal struct {
	Card   card.ID
	Reason string // no patient data
	By     string // the operator's name
}

// Renew gives a card another data key, which seals from then on, on all servers. What the old one sealed is still to be sealed anew. begun is false if
// the card got a key before and that is not done yet.
func (s *Service) Renew(ctx context.Context, o Renewal) (begun bool, err error) {
	if !wording.Long(o.Reason, 10, 200) || !wording.Long(o.By, 3, 100) {
		return false, ErrRenewal
	}
	now, by := s.Clock(), strings.TrimSpace(o.By)
	err = s.Store.Update(ctx, func(tx Tx) error {
		begun, err = tx.BeginRenewal(audit.Entry{
			Card: o.Card, At: now, Actor: identity.AtDesk(by), Action: audit.Renew,
			Purpose: consent.Operations, What: strings.TrimSpace(o.Reason), Request: "renew",
		})
		return err
	})
	return begun && err == nil, err
}

// listedRenewals bounds the list.
const listedRenewals = 10_000

// Renewing lists to an operator the cards that got another key and still have the old one.
func (s *Service) Renewing(ctx context.Context) (list []card.ID, err error) {
	err = s.Store.View(ctx, func(tx Tx) (err error) {
		list, err = tx.Renewing(listedRenewals)
		return err
	})
	return list, err
}
