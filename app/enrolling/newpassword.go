package enrolling

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

var (
	errPasswordWrong = fault.New(fault.Invalid, "password.wrong", "The current password is not right.")
	errPasswordRace  = fault.New(fault.Conflict, "password.changed", "The password was changed from elsewhere at the same moment.")
)

// ChangePassword replaces the actor's password and ends all other sessions: whoever knew the old one is out.
func (s *Service) ChangePassword(ctx context.Context, a identity.Actor, current, next string) error {
	if err := s.dangerous(a); err != nil {
		return err
	}
	next, err := cleanPassword(next)
	if err != nil {
		return err
	}
	current, err = cleanPassword(current)
	if err != nil {
		return errPasswordWrong
	}
	now := s.now()
	var who account.Account
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		var found bool
		if who, found, err = tx.Account(a.Account); err == nil && !found {
			return errEnded
		}
		if err != nil {
			return err
		}
		return s.spend(tx, now, passwordByDevice.of(string(a.Account)+"|"+string(a.Device)))
	})
	if err != nil {
		return err
	}
	if guessable(account.Registration{Phone: who.Phone, Email: who.Email, Password: next}) {
		return errPasswordLogin
	}
	right, _, err := s.passwords.Check(ctx, current, who.Password)
	if err != nil {
		return err
	}
	if !right {
		return errPasswordWrong
	}
	hash, err := s.passwords.Hash(ctx, s.random, next)
	if err != nil {
		return err
	}
	return s.change(ctx, a, emailPassword, func(tx Tx) (refused, err error) {
		latest, _, err := tx.Account(a.Account)
		if err != nil {
			return nil, err
		}
		if latest.Password != who.Password {
			return errPasswordRace, nil
		}
		if err := s.replacePassword(tx, a.Account, hash); err != nil {
			return nil, err
		}
		return nil, tx.ForgetOtherDevices(a.Account, a.Device, a.Session, now)
	})
}

// replacePassword also ends the sign-ins that wait for a second factor: it was the old password that opened them.
func (s *Service) replacePassword(tx Tx, of identity.AccountID, hash string) error {
	if err := tx.SetPassword(of, hash); err != nil {
		return err
	}
	return tx.ForgetSignIns(of)
}

// Lost is the answer to who lost a password. It is the same whether or not there is an account.
type Lost struct {
	ID   account.ChallengeID
	Ends time.Time
}

// LostPassword sends a code to the phone and another one to the e-mail address of whoever has the login. The messages leave after the answer,
// so that its time tells nothing either.
func (s *Service) LostPassword(ctx context.Context, login string, in Device, from Origin) (Lost, error) {
	app, err := s.cleanDevice(in)
	if err != nil {
		return Lost{}, err
	}
	id, err := s.newID()
	if err != nil {
		return Lost{}, err
	}
	phoneCode, err := s.newCode()
	if err != nil {
		return Lost{}, err
	}
	emailCode, err := s.newCode()
	if err != nil {
		return Lost{}, err
	}
	find, canonical := finder(login)
	now := s.now()
	pending := account.PasswordRecovery{ID: account.ChallengeID(id), Started: now, Ends: now.Add(account.CodeLife)}
	var who account.Account
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		if who, _, err = find(tx); err != nil {
			return err
		}
		pending.Account = who.ID
		device := app.Of(somebody(who.ID))
		known, err := knows(tx, somebody(who.ID), device)
		if err != nil {
			return err
		}
		if known {
			err = s.spend(tx, now, lostByDevice.of(string(who.ID)+"|"+string(device.ID)))
		} else if err = s.spend(tx, now, lostByPair.of(canonical+"|"+from.network()), lostByAddress.of(from.network()), flood.of(canonical)); err == nil {
			err = s.spendOn(tx, now, lostByLogin.of(canonical), from.network())
		}
		if err != nil {
			return err
		}
		if err := tx.AddPasswordRecovery(pending); err != nil {
			return err
		}
		if err := tx.PutCode(account.NewCode(pending.ID, account.ByPhone, s.hashCode(pending.ID, account.ByPhone, phoneCode), now)); err != nil {
			return err
		}
		return tx.PutCode(account.NewCode(pending.ID, account.ByEmail, s.hashCode(pending.ID, account.ByEmail, emailCode), now))
	})
	if err != nil {
		return Lost{}, err
	}
	s.later(ctx, func(ctx context.Context) {
		if who.ID == "" {
			return
		}
		_ = s.hand(ctx, s.sender.SMS(ctx, who.Phone, s.words.code(who.Language, smsLost, phoneCode)))
		_ = s.hand(ctx, s.sender.Email(ctx, who.Email, s.words.code(who.Language, emailLost, emailCode)))
	})
	return Lost{ID: pending.ID, Ends: pending.Ends}, nil
}

// FoundPassword sets a new password for who has both codes, ends every session and forgets every device. It opens none: the second factor is still asked for
// at the sign-in that follows. The codes are judged together, so that nobody finds out one of them alone.
func (s *Service) FoundPassword(ctx context.Context, id account.ChallengeID, phoneCode, emailCode, password string, from Origin) error {
	challenge, ok := canonicalID(string(id))
	if !ok {
		return errChallenge
	}
	id = account.ChallengeID(challenge)
	password, err := cleanPassword(password)
	if err != nil {
		return err
	}
	now := s.now()
	if err := s.store.Update(ctx, func(tx Tx) error { // before the costly hash
		return s.spend(tx, now, lostByAddress.of(from.network()))
	}); err != nil {
		return err
	}
	hash, err := s.passwords.Hash(ctx, s.random, password)
	if err != nil {
		return err
	}
	var who account.Account
	var refused error
	err = s.store.Update(ctx, func(tx Tx) error {
		pending, found, err := tx.PasswordRecovery(id)
		if err != nil {
			return err
		}
		if !found || !now.Before(pending.Ends) {
			return errChallenge
		}
		var known bool
		if who, known, err = tx.Account(pending.Account); err != nil {
			return err
		}
		if refused, err = s.tryBoth(tx, id, known, phoneCode, emailCode, now); err != nil || refused != nil {
			return err
		}
		if guessable(account.Registration{Phone: who.Phone, Email: who.Email, Password: password}) {
			return errPasswordLogin // and the codes stay good
		}
		if err := s.replacePassword(tx, who.ID, hash); err != nil {
			return err
		}
		if err := note(tx, who.ID, "", emailPassword, now); err != nil {
			return err
		}
		return tx.ForgetOtherDevices(who.ID, "", "", now) // whose they are is what is in doubt
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return err
	}
	s.tell(ctx, who.Email, s.words.say(who.Language, emailPassword, nil))
	return nil
}

// tryBoth judges two codes as one. known is false where there is nobody whose codes they could be.
func (s *Service) tryBoth(tx Tx, id account.ChallengeID, known bool, phoneCode, emailCode string, now time.Time) (refused, err error) {
	phone, found, err := tx.LockCode(id, account.ByPhone)
	if err != nil {
		return nil, err
	}
	email, also, err := tx.LockCode(id, account.ByEmail)
	if err != nil {
		return nil, err
	}
	if !found || !also {
		return errChallenge, nil
	}
	right := phone.Matches(s.hashCode(id, account.ByPhone, phoneCode))
	right = email.Matches(s.hashCode(id, account.ByEmail, emailCode)) && right && known
	phone, verdict := phone.Judge(right, now)
	email, _ = email.Judge(right, now)
	if err := tx.PutCode(phone); err != nil {
		return nil, err
	}
	if err := tx.PutCode(email); err != nil || verdict == account.Right {
		return nil, err
	}
	return verdicts[verdict], nil
}
