package enrolling

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

// StepUp asks a person who is signed in for the second factor once more, before a dangerous act.
func (s *Service) StepUp(ctx context.Context, a identity.Actor, from Origin) (Challenge, error) {
	if f := missingFactor(a); f != nil {
		return Challenge{}, f
	}
	var who account.Account
	var device account.Device
	err := s.store.View(ctx, func(tx Tx) (err error) {
		var found bool
		if who, found, err = tx.Account(a.Account); err == nil && !found {
			return errEnded
		}
		if err != nil {
			return err
		}
		if device, found, err = tx.Device(a.Account, a.Device); err == nil && !found {
			return errEnded
		}
		return err
	})
	if err != nil {
		return Challenge{}, err
	}
	return s.challenge(ctx, who, account.SignIn{Account: who.ID, Device: device, First: account.Password, Session: a.Session}, true, "", from)
}

// ProveAgain takes the code of a step-up. It tells until when the session may do dangerous acts.
func (s *Service) ProveAgain(ctx context.Context, a identity.Actor, id account.ChallengeID, code string) (until time.Time, err error) {
	if f := missingFactor(a); f != nil {
		return time.Time{}, f
	}
	challenge, ok := canonicalID(string(id))
	if !ok {
		return time.Time{}, errChallenge
	}
	now := s.now()
	var refused error
	var p proof
	err = s.store.Update(ctx, func(tx Tx) error {
		pending, found, err := tx.SignIn(account.ChallengeID(challenge))
		if err != nil {
			return err
		}
		if !found || pending.Session != a.Session || pending.Account != a.Account {
			return errChallenge // before the tries are counted: another session's are not to be used up
		}
		if p, refused, err = s.prove(tx, pending.ID, code, now); err != nil || refused != nil {
			return err
		}
		return tx.ProveSession(a.Session, now)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return time.Time{}, err
	}
	s.tellOf(ctx, p)
	return now.Add(identity.FactorFresh), nil
}

// dangerous refuses who is not signed in with a second factor that was shown a moment ago.
func (s *Service) dangerous(a identity.Actor) error {
	if f := missingFactor(a); f != nil {
		return f
	}
	return a.Fresh(s.now())
}
