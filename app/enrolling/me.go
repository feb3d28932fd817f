package enrolling

import (
	"context"
	"slices"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Me is what a person may know of his own account.
type Me struct {
	Account   account.Account
	Recipient bool            // of medical services: a clinic knows the patient, and the person proved to be that patient
	Cards     []account.Seen  // his own, and those that others let him see
	Waiting   []card.ID       // cards that he redeemed, which open once nothing is missing
	Missing   []evidence.Lack // what still stands between the person and his health data
}

// MissingCard says that no card was claimed yet.
const MissingCard fault.Code = "card.not_claimed"

// Me tells the state of the actor's account. A card that is not there has a reason: never a silent empty list.
func (s *Service) Me(ctx context.Context, a identity.Actor) (Me, error) {
	me, now := Me{Missing: []evidence.Lack{}}, s.now()
	err := s.store.View(ctx, func(tx Tx) error {
		who, found, err := tx.Account(a.Account)
		if err != nil {
			return err
		}
		if !found {
			return errEnded
		}
		me.Account = who
		if me.Cards, err = tx.CardsSeen(a.Account, a.Device, now); err != nil {
			return err
		}
		if me.Waiting, err = tx.AwaitedCards(a.Account); err != nil {
			return err
		}
		me.Recipient = slices.ContainsFunc(me.Cards, func(c account.Seen) bool { return c.Role == account.Owns })
		me.Missing, err = s.missing(tx, a.Account, me)
		return err
	})
	if err != nil {
		return Me{}, err
	}
	return me, nil
}

// missing lists what keeps the person from a card: that he redeemed none, and what he has to prove before one opens. Whoever owns a card
// already is not asked for proofs that were demanded later; to see another person's makes nobody a patient.
func (s *Service) missing(tx Tx, of identity.AccountID, me Me) (missing []evidence.Lack, err error) {
	if me.Recipient && len(me.Waiting) == 0 {
		return nil, nil
	}
	if len(me.Waiting) == 0 {
		missing, err = tx.Missing(of, s.demand)
		return append(missing, evidence.Lack{Code: MissingCard}), err
	}
	for _, id := range me.Waiting {
		lacks, err := tx.Lacks(of, id, s.demand)
		if err != nil {
			return nil, err
		}
		for _, l := range lacks {
			if !slices.Contains(missing, l) {
				missing = append(missing, l)
			}
		}
	}
	return missing, nil
}
