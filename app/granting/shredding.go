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

// ErrShredding is the answer to an order to destroy a card that does not say what it rests on.
var ErrShredding = fault.New(fault.Invalid, "shredding.invalid", "Say why the card is destroyed (the document that orders it: 10 to 200 characters), who does it, and whom its owner may ask (3 to 200 characters).")

// Shredding is an order to destroy a card.
type Shredding struct {
	Card   card.ID
	Reason string // which document orders it; no patient data
	By     string // the operator's name
	Ask    string // whom its owner may ask: a name, a number, an address
}

// Shred destroys a card: from the next request on nobody reads it, on no server, its owners included, whose phones delete it. They are told
// by push, by mail and in the app, as are those who act for the patient. It cannot be undone. done is false if the card was shredded before.
func (s *Service) Shred(ctx context.Context, o Shredding) (done bool, err error) {
	if !wording.Long(o.Reason, 10, 200) || !wording.Long(o.By, 3, 100) || !wording.Long(o.Ask, 3, 200) {
		return false, ErrShredding
	}
	if o.Card == audit.LogCard {
		return false, consent.ErrNoGrant // it is nobody's
	}
	now, by, order := s.Clock(), strings.TrimSpace(o.By), strings.TrimSpace(o.Reason)
	err = s.Store.Update(ctx, func(tx Tx) error {
		if err := tx.TellOfDestruction(card.Destroyed{Card: o.Card, At: now, Order: order, Ask: strings.TrimSpace(o.Ask)}); err != nil {
			return err
		}
		done, err = tx.Shred(audit.Entry{
			Card: o.Card, At: now, Actor: identity.AtDesk(by), Action: audit.Shred,
			Purpose: consent.Operations, What: order, Request: "shred",
		})
		return err
	})
	return done && err == nil, err
}

// listedShreddings bounds the list.
const listedShreddings = 10_000

// Shreddings lists to an operator which cards were destroyed, by whom and why, the newest first.
func (s *Service) Shreddings(ctx context.Context) (list []audit.Entry, err error) {
	err = s.Store.View(ctx, func(tx Tx) (err error) {
		list, err = tx.Shreddings(listedShreddings)
		return err
	})
	return list, err
}
