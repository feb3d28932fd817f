package enrolling

import (
	"context"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// SignedIn says whose account an answered challenge opens.
type SignedIn func(ctx context.Context, challenge, signature string) (identity.AccountID, error)

var errNoSignatures = fault.New(fault.NotFound, "signature.not_offered", "This server takes no electronic signatures.")

// SignInBySignature opens a session for the owner of a certificate: an electronic signature takes the place of the password and of the
// second factor. See app/signing for why it may.
func (s *Service) SignInBySignature(ctx context.Context, challenge, signature string, in Device, from Origin) (Tokens, error) {
	if s.signedIn == nil {
		return Tokens{}, errNoSignatures
	}
	app, err := s.cleanDevice(in)
	if err != nil {
		return Tokens{}, err
	}
	now := s.now()
	if err := s.store.Update(ctx, func(tx Tx) error { return s.spend(tx, now, signInByAddress.of(from.network())) }); err != nil {
		return Tokens{}, err
	}
	of, err := s.signedIn(ctx, challenge, signature)
	if err != nil {
		return Tokens{}, err
	}
	return s.enter(ctx, of, app.Of(of), from, account.Possession, account.Several)
}

// enter opens a session of somebody who proved who he is, and tells him when the device is new.
func (s *Service) enter(ctx context.Context, of identity.AccountID, device account.Device, from Origin, by ...account.Method) (Tokens, error) {
	opening, err := s.newOpening()
	if err != nil {
		return Tokens{}, err
	}
	now := s.now()
	var who account.Account
	var session account.Session
	var known bool
	err = s.store.Update(ctx, func(tx Tx) error {
		var found bool
		if who, found, err = tx.Account(of); err != nil {
			return err
		}
		if !found {
			return errEnded
		}
		if known, err = knows(tx, of, device); err != nil {
			return err
		}
		session, err = s.open(tx, opening, of, device, from.Key, now, by...)
		return err
	})
	if err != nil {
		return Tokens{}, err
	}
	if !known {
		s.tell(ctx, who.Email, s.words.say(who.Language, emailDevice, nil))
	}
	return s.tokens(session, opening.token, opening.refreshEnds(now), now)
}

// TellOfSigner writes to a person that a certificate signs in to the account from now on, or does no more.
func (s *Service) TellOfSigner(ctx context.Context, who account.Account, bound bool) {
	s.tell(ctx, who.Email, s.words.say(who.Language, map[bool]string{true: emailSignerOn, false: emailSignerOff}[bound], nil))
}
