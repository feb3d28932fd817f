package enrolling

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Factors are the ways to show a second factor that a person has besides text messages.
type Factors struct {
	App           time.Time // since when an authenticator app; zero = none
	RecoveryCodes int       // not used yet
	Passkeys      []account.Passkey
	Links         []account.Link // to external providers
}

// Faults of second factors.
var (
	errAppThere = fault.New(fault.Conflict, "authenticator.exists", "There is an authenticator app already. Take it off first.")
	errNoApp    = fault.New(fault.NotFound, "authenticator.not_found", "There is no authenticator app, or its secret was shown too long ago: begin again.")
)

// issuer is what an authenticator app shows above our codes.
const issuer = "Medcard"

// Factors lists the second factors of the actor.
func (s *Service) Factors(ctx context.Context, a identity.Actor) (f Factors, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		app, found, err := tx.Authenticator(a.Account)
		if err != nil {
			return err
		}
		if f = (Factors{}); found {
			f.App = app.Confirmed
		}
		if f.RecoveryCodes, err = tx.RecoveryCodes(a.Account); err != nil {
			return err
		}
		if f.Passkeys, err = tx.Passkeys(a.Account); err != nil {
			return err
		}
		f.Links, err = tx.Links(a.Account)
		return err
	})
	return f, err
}

// Secret is the secret of an authenticator app, which is shown once.
type Secret struct {
	URI  string // otpauth, for a picture to scan
	Text string // to type
	Ends time.Time
}

// EnrolApp draws a secret for an authenticator app. It guards nothing until ConfirmApp has seen a code of it.
func (s *Service) EnrolApp(ctx context.Context, a identity.Actor) (Secret, error) {
	if err := s.dangerous(a); err != nil {
		return Secret{}, err
	}
	secret, err := s.draw(account.TOTPSecret)
	if err != nil {
		return Secret{}, err
	}
	app := account.Authenticator{Account: a.Account, Secret: secret, Started: s.now()}
	var who account.Account
	err = s.store.Update(ctx, func(tx Tx) error {
		var found bool
		if who, found, err = tx.Account(a.Account); err != nil {
			return err
		}
		if !found {
			return errEnded
		}
		old, found, err := tx.LockAuthenticator(a.Account)
		if err != nil {
			return err
		}
		if found && !old.Confirmed.IsZero() {
			return errAppThere
		}
		return tx.PutAuthenticator(app)
	})
	if err != nil {
		return Secret{}, err
	}
	return Secret{URI: app.URI(issuer, string(who.Email)), Text: app.Text(), Ends: app.Started.Add(account.TOTPEnrolment)}, nil
}

// ConfirmApp takes the first code of an app: from now on the app is the second factor.
func (s *Service) ConfirmApp(ctx context.Context, a identity.Actor, code string) error {
	if err := s.dangerous(a); err != nil {
		return err
	}
	now := s.now()
	return s.change(ctx, a, emailAppOn, func(tx Tx) (refused, err error) {
		if err := s.guess(tx, a.Account, a.Device, false, now); err != nil {
			return nil, err
		}
		app, found, err := tx.LockAuthenticator(a.Account)
		switch {
		case err != nil:
			return nil, err
		case !found || app.Confirmed.IsZero() && !now.Before(app.Started.Add(account.TOTPEnrolment)):
			return errNoApp, nil
		case !app.Confirmed.IsZero():
			return errAppThere, nil
		}
		next, right := app.Try(code, now)
		if !right {
			return errCodeWrong, nil
		}
		next.Confirmed = now
		return nil, tx.PutAuthenticator(next)
	})
}

// RemoveApp takes the authenticator app off: text messages are the second factor again.
func (s *Service) RemoveApp(ctx context.Context, a identity.Actor) error {
	if err := s.dangerous(a); err != nil {
		return err
	}
	return s.change(ctx, a, emailAppOff, func(tx Tx) (refused, err error) {
		app, found, err := tx.LockAuthenticator(a.Account)
		if err != nil {
			return nil, err
		}
		if !found || app.Confirmed.IsZero() {
			return errNoApp, nil
		}
		return nil, tx.DropAuthenticator(a.Account)
	})
}

// NewRecoveryCodes makes the codes that the person is to write down. They are shown once; those from before are worthless.
func (s *Service) NewRecoveryCodes(ctx context.Context, a identity.Actor) ([]account.RecoveryCode, error) {
	if err := s.dangerous(a); err != nil {
		return nil, err
	}
	codes, hashes := make([]account.RecoveryCode, account.RecoveryCodes), make([][]byte, account.RecoveryCodes)
	for i := range codes {
		var err error
		if codes[i], err = account.NewRecoveryCode(s.random); err != nil {
			return nil, err
		}
		hashes[i] = s.hashRecovery(a.Account, codes[i])
	}
	err := s.change(ctx, a, emailCodesNew, func(tx Tx) (refused, err error) { return nil, tx.ReplaceRecoveryCodes(a.Account, hashes) })
	if err != nil {
		return nil, err
	}
	return codes, nil
}

func (s *Service) hashRecovery(of identity.AccountID, c account.RecoveryCode) []byte {
	return s.digest("recovery", string(of)+"|"+string(c))
}

// change does something to the ways in of the actor's account and tells the person. What is refused is committed all the same,
// because the try was counted, and told to nobody but the caller.
func (s *Service) change(ctx context.Context, a identity.Actor, message string, f func(Tx) (refused, err error)) error {
	var who account.Account
	var refused error
	err := s.store.Update(ctx, func(tx Tx) (err error) {
		refused = nil
		var found bool
		if who, found, err = tx.Account(a.Account); err != nil {
			return err
		}
		if !found {
			return errEnded
		}
		if refused, err = f(tx); err != nil || refused != nil {
			return err
		}
		return note(tx, a.Account, a.Device, message, s.now())
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return err
	}
	s.tell(ctx, who.Email, s.words.say(who.Language, message, nil))
	return nil
}
