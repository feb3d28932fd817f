package enrolling

import (
	"context"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Me is what a person may know of his own account.
type Me struct {
	Account   account.Account
	Recipient bool // of medical services: a clinic knows the patient, and the person proved to be that patient
	Cards     []card.ID
	Missing   []fault.Code // what still stands between the person and his health data
}

// MissingCard says that no card was claimed yet.
const MissingCard fault.Code = "card.not_claimed"

// Me tells the state of the actor's account. A card that is not there has a reason: never a silent empty list.
func (s *Service) Me(ctx context.Context, a identity.Actor) (Me, error) {
	me := Me{Missing: []fault.Code{}}
	err := s.store.View(ctx, func(tx Tx) error {
		who, found, err := tx.Account(a.Account)
		if err != nil {
			return err
		}
		if !found {
			return errEnded
		}
		me.Account = who
		me.Cards, err = tx.CardsOf(a.Account)
		return err
	})
	if err != nil {
		return Me{}, err
	}
	if me.Recipient = len(me.Cards) > 0; !me.Recipient {
		me.Missing = append(me.Missing, MissingCard)
	}
	return me, nil
}
