package enrolling

import (
	"context"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

// Confirmed tells how far a registration is.
type Confirmed struct {
	Missing []account.Channel
	Account identity.AccountID // "" while a channel is missing
}

// Confirm takes the code that arrived on one channel. The second one that is right makes the account.
func (s *Service) Confirm(ctx context.Context, id account.ChallengeID, by account.Channel, code string) (Confirmed, error) {
	challenge, ok := canonicalID(string(id))
	if !ok {
		return Confirmed{}, errChallenge
	}
	id = account.ChallengeID(challenge)
	opened, err := s.newID()
	if err != nil {
		return Confirmed{}, err
	}
	now := s.now()
	var done Confirmed
	var refused error // a wrong code is counted, so its transaction commits
	err = s.store.Update(ctx, func(tx Tx) error {
		done, refused = Confirmed{}, nil
		r, found, err := tx.LockRegistration(id)
		if err != nil {
			return err
		}
		if !found || !now.Before(r.Ends) {
			return errChallenge
		}
		if refused, err = s.try(tx, id, by, code, now); err != nil || refused != nil {
			return err
		}
		if by == account.ByPhone {
			r.PhoneAt = now
		} else {
			r.EmailAt = now
		}
		if r.Complete() {
			r.Opened = identity.AccountID(opened)
			err := tx.AddAccount(account.Account{ID: r.Opened, Phone: r.Phone, Email: r.Email, Password: r.Password, Language: r.Language, Opened: now})
			if errors.Is(err, account.ErrTaken) {
				refused = errTaken // whoever answers on both channels may know
				return nil
			}
			if err == nil {
				err = tx.AddEvent(account.Event{Account: r.Opened, Kind: account.Registered, At: now})
			}
			if err != nil {
				return err
			}
		}
		done = Confirmed{Missing: r.Missing(), Account: r.Opened}
		return tx.SetRegistration(r)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return Confirmed{}, err
	}
	return done, nil
}

// try judges a typed code and keeps what it learned. refused is for the caller, err for the transaction.
func (s *Service) try(tx Tx, id account.ChallengeID, by account.Channel, typed string, now time.Time) (refused, err error) {
	code, found, err := tx.LockCode(id, by)
	if err != nil {
		return nil, err
	}
	if !found {
		return errChallenge, nil
	}
	next, verdict := code.Try(s.hashCode(id, by, typed), now)
	if err := tx.PutCode(next); err != nil {
		return nil, err
	}
	if verdict == account.Right {
		return nil, nil
	}
	return verdicts[verdict], nil
}

// Resend replaces the code of a registration's channel, of a new contact, or of a sign-in, by another one and sends it.
func (s *Service) Resend(ctx context.Context, id account.ChallengeID, by account.Channel, from Origin) error {
	challenge, ok := canonicalID(string(id))
	if !ok {
		return errChallenge
	}
	id = account.ChallengeID(challenge)
	code, err := s.newCode()
	if err != nil {
		return err
	}
	now := s.now()
	var send func() error
	err = s.store.Update(ctx, func(tx Tx) error {
		r, registering, err := tx.LockRegistration(id)
		if err != nil {
			return err
		}
		old, found, err := tx.LockCode(id, by)
		if err != nil {
			return err
		}
		if !found {
			return errChallenge
		}
		next, wait, ok := old.Again(s.hashCode(id, by, code), now)
		switch {
		case wait > 0:
			return errTooSoon.After(wait)
		case !ok:
			return errNoMoreCodes
		}
		if err := tx.PutCode(next); err != nil {
			return err
		}
		if registering {
			send, err = s.resendRegistration(ctx, tx, r, by, code, now, from)
			return err
		}
		change, changing, err := tx.LockContactChange(id)
		if err != nil {
			return err
		}
		if changing {
			send, err = s.resendContact(ctx, tx, change, code, now, from)
		} else {
			send, err = s.resendSignIn(ctx, tx, id, code, now)
		}
		return err
	})
	if err != nil {
		return err
	}
	return send()
}

func (s *Service) resendRegistration(ctx context.Context, tx Tx, r account.Registration, by account.Channel, code string, now time.Time, from Origin) (func() error, error) {
	if !now.Before(r.Ends) {
		return nil, errChallenge
	}
	if err := s.spend(tx, now, newByAddress.of(from.network())); err != nil {
		return nil, err
	}
	if err := s.spendOn(tx, now, newByPrefix.of(r.Phone.Prefix()), from.network()); err != nil {
		return nil, err
	}
	taken, err := findTaken(tx, r)
	return func() error { return s.sendRegistration(ctx, r, taken, by, code) }, err
}

func (s *Service) resendSignIn(ctx context.Context, tx Tx, id account.ChallengeID, code string, now time.Time) (func() error, error) {
	pending, found, err := tx.SignIn(id)
	if err != nil {
		return nil, err
	}
	if !found || !now.Before(pending.Ends) {
		return nil, errChallenge
	}
	who, found, err := tx.Account(pending.Account)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errChallenge
	}
	return func() error {
		return s.hand(ctx, s.sender.SMS(ctx, who.Phone, s.words.code(who.Language, smsSignIn, code)))
	}, nil
}
