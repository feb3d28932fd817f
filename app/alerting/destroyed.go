package alerting

import (
	"context"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
)

// Destroyed lists the cards that the actor owned, or for whose patient he acted, when they were destroyed: by what order, and whom to ask.
func (s *Service) Destroyed(ctx context.Context, a identity.Actor) (list []card.Destroyed, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		list, err = tx.DestroyedCards(a.Account)
		return err
	})
	return list, err
}

// SendDestruction mails one person that a card was destroyed. Done again it sends nothing, but for a mail that was handed over when a crash came.
func (s *Service) SendDestruction(ctx context.Context, id card.ID, to identity.AccountID) error {
	var d card.Destroyed
	var who account.Account
	waits := false
	if err := s.Store.View(ctx, func(tx Tx) (err error) {
		if d, waits, err = tx.DestructionToMail(to, id); err != nil || !waits {
			return err
		}
		who, waits, err = tx.Account(to)
		return err
	}); err != nil || !waits {
		return err
	}
	if err := s.Mail(ctx, who.Email, words.Say(who.Language, "emailDestroyed", map[string]any{"Order": d.Order, "Ask": d.Ask})); err != nil {
		return err
	}
	now := s.now()
	return s.Store.Update(ctx, func(tx Tx) error { return tx.NoteDestructionMailed(to, id, now) })
}
