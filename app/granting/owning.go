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

// What an operator hears who takes an owner off a card.
var (
	ErrRemoval    = fault.New(fault.Invalid, "owner.reason", "Say what shows that the card is not this person's (10 to 200 characters, without patient data), and who you are.")
	ErrNotAnOwner = fault.New(fault.NotFound, "owner.not_found", "This account neither owns the card nor waits for it.")
)

// Removal takes an account off a card that is not its person's.
type Removal struct {
	Card    card.ID
	Account identity.AccountID
	Reason  string // for the card's log, which its next owner reads
	By      string // the operator's name
}

// Disown carries a removal out: from the next request on the person sees nothing of the card, phones delete it, and so does everybody whom he
// let in. A clinic gets a code for the card again with its next post.
func (s *Service) Disown(ctx context.Context, r Removal) error {
	if !wording.Long(r.Reason, 10, 200) || !wording.Long(r.By, 3, 100) {
		return ErrRemoval
	}
	now, by := s.Clock(), strings.TrimSpace(r.By)
	return s.Store.Update(ctx, func(tx Tx) error {
		found, err := tx.Disown(r.Card, r.Account, now)
		if err != nil {
			return err
		}
		if !found {
			return ErrNotAnOwner
		}
		return tx.AppendAudit(audit.Entry{
			Card: r.Card, At: now, Actor: identity.AtDesk(by), Action: audit.Revoke,
			Purpose: consent.Operations, What: "owner: " + strings.TrimSpace(r.Reason), Request: "owners",
		})
	})
}

// Owners lists to an operator who owns a card, or redeemed its code and waits to prove that it is his.
func (s *Service) Owners(ctx context.Context, id card.ID) (list []consent.Grant, err error) {
	now := s.Clock()
	err = s.Store.View(ctx, func(tx Tx) error {
		list = nil
		all, err := tx.GrantsOf(id)
		for _, g := range all {
			if g.Role == consent.Owner && g.State(now) == consent.Running {
				list = append(list, g)
			}
		}
		return err
	})
	return list, err
}
