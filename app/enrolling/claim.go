package enrolling

import (
	"context"
	"slices"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Claimed is a card that a person redeemed. It stays closed while something is missing.
type Claimed struct {
	Card    card.ID
	Missing []evidence.Lack
}

// Redeem makes the signed-in person the owner of the card to which a code from a clinic's desk belongs. The same person may
// redeem the same code again and gets the same card: an answer may have been lost.
//
// The claim leads from outside to a card, so its row and the card's stand in one transaction here; on a schema that is spread
// by card it is the one act that touches a directory row and a card at once.
func (s *Service) Redeem(ctx context.Context, a identity.Actor, typed string, from Origin) (Claimed, error) {
	if f := missingFactor(a); f != nil {
		return Claimed{}, f
	}
	code, wrong := identity.ParseClaimCode(typed)
	now := s.now()
	var opened Claimed
	var refused error // a wrong code is counted, so its transaction commits
	err := s.store.Update(ctx, func(tx Tx) error {
		opened, refused = Claimed{}, nil
		if err := s.spend(tx, now, claimByAccount.of(string(a.Account)), claimByAddress.of(from.network())); err != nil {
			return err
		}
		if wrong != nil {
			refused = wrong
			return nil
		}
		claim, found, err := tx.Claim(code)
		if err != nil {
			return err
		}
		if !found {
			refused = identity.ErrClaimFormat
			return nil
		}
		if !claim.Redeemed.IsZero() && claim.By == a.Account {
			opened, refused, err = s.claimed(tx, claim.Card, a.Account)
			return err
		}
		if err := tx.LockCard(claim.Card); err != nil {
			return err
		}
		owned, err := tx.HasOwner(claim.Card)
		if err != nil {
			return err
		}
		switch {
		case !claim.Redeemed.IsZero():
			refused = errClaimUsed
			return nil
		case !now.Before(claim.Ends):
			refused = errClaimExpired
			return nil
		case owned:
			refused = errOwned
			return nil
		}
		won, err := tx.RedeemClaim(code, a.Account, now)
		if err != nil {
			return err
		}
		if !won {
			refused = errClaimUsed
			return nil
		}
		if opened.Missing, err = s.lacks(tx, a.Account, claim); err != nil {
			return err
		}
		what := "owner"
		if len(opened.Missing) == 0 {
			err = tx.GrantOwner(claim.Card, a.Account, now)
		} else {
			what = "owner, closed until he has proved who he is"
			err = tx.AwaitOwner(claim.Card, a, opened.Missing, from.Request, now)
		}
		if err != nil {
			return err
		}
		opened.Card = claim.Card
		return tx.AppendAudit(audit.Entry{Card: claim.Card, At: now, Actor: a, Action: audit.Claim, Purpose: consent.PatientRequest, What: what, Request: from.Request})
	})
	if err == nil {
		err = refused
	}
	return opened, err
}

// lacks says what keeps a person from a card whose code he has. Without a demand the word of the desk is enough where its clinic opened the card:
// see the package comment.
func (s *Service) lacks(tx Tx, of identity.AccountID, claim account.Claim) ([]evidence.Lack, error) {
	if s.demand.Nothing() {
		if bare, err := tx.OpenedBy(claim.Card, claim.Client); err != nil || bare {
			return nil, err
		}
	}
	return tx.Lacks(of, claim.Card, s.demand)
}

// claimed is a card that the person redeemed before: it is his, or he waits for it, or neither any more.
func (s *Service) claimed(tx Tx, id card.ID, of identity.AccountID) (c Claimed, refused, err error) {
	waiting, err := tx.AwaitedCards(of)
	if err != nil {
		return c, nil, err
	}
	if slices.Contains(waiting, id) {
		missing, err := tx.Lacks(of, id, s.demand)
		return Claimed{Card: id, Missing: missing}, nil, err
	}
	owners, err := tx.OwnersOf(id, s.now())
	if err != nil || !slices.Contains(owners, of) {
		return c, errClaimUsed, err
	}
	return Claimed{Card: id}, nil, nil
}

// missingFactor refuses who is not a person signed in with a second factor.
func missingFactor(a identity.Actor) *fault.Fault {
	if a.Kind != identity.Patient || a.Account == "" || !a.SecondFactor {
		return errNotSignedIn
	}
	return nil
}
