package enrolling

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Credentials are what somebody types to sign in, and the app in which.
type Credentials struct {
	Login    string // phone number or e-mail address
	Password string
	Device   Device
}

// Device is how an app introduces itself. The app draws ID and Secret when it is installed and keeps them: by the secret it is
// known again when the person signs in next, and by it a lost answer to a refresh is given once more.
type Device struct {
	ID     string
	Name   string // shown to the person in the list of sessions
	Secret string // 32 to 128 characters
}

// Challenge is the answer to a right password: what the second factor is, and what it must be sent back with.
type Challenge struct {
	ID     account.ChallengeID
	Method account.Method // SMS: a code was sent; TOTP: the person's authenticator app shows one
	Ends   time.Time
	To     string // where the code went, masked; "" for TOTP
}

// secondFactorLife is how long a right password waits for the second factor: a code and its repetitions.
const secondFactorLife = 30 * time.Minute

var (
	errDeviceID     = fault.New(fault.Invalid, "device.id", "The device's id must be a UUID that the app drew when it was installed.")
	errDeviceSecret = fault.New(fault.Invalid, "device.secret", "The device's secret must have 32 to 128 characters, drawn at random when the app was installed.")
	errDeviceName   = fault.New(fault.Invalid, "device.name", "The device's name has at most 100 characters.")
)

// SignIn checks the password and asks for the second factor: it sends a code, unless the person has an authenticator app.
func (s *Service) SignIn(ctx context.Context, in Credentials, from Origin) (Challenge, error) {
	app, err := s.cleanDevice(in.Device)
	if err != nil {
		return Challenge{}, err
	}
	password, err := cleanPassword(in.Password)
	if err != nil {
		password = "" // never right; but whoever typed it waits and counts as everybody does
	}
	find, login := finder(in.Login)
	now := s.now()

	var who account.Account
	var device account.Device
	var known bool
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		who, known = account.Account{}, false
		if who, _, err = find(tx); err != nil {
			return err
		}
		device = app.Of(somebody(who.ID))
		if known, err = knows(tx, somebody(who.ID), device); err != nil {
			return err
		}
		if known {
			return s.spend(tx, now, signInByDevice.of(string(who.ID)+"|"+string(device.ID)))
		}
		return s.spend(tx, now, signInByPair.of(login+"|"+from.network()), signInByAddress.of(from.network()))
	})
	if err != nil {
		return Challenge{}, err
	}
	right, stale, err := s.passwords.Check(ctx, password, who.Password)
	if err != nil {
		return Challenge{}, err
	}
	if !right {
		if err := s.store.Update(ctx, func(tx Tx) error { return tx.CountRefusal(who.ID, from.network(), now) }); err != nil {
			return Challenge{}, err
		}
		return Challenge{}, errCredentials
	}
	rehashed := ""
	if stale {
		if rehashed, err = s.passwords.Hash(ctx, s.random, password); err != nil {
			return Challenge{}, err
		}
	}
	return s.challenge(ctx, who, account.SignIn{Account: who.ID, Device: device, First: account.Password}, known, rehashed, from)
}

// somebody gives an account's id, and for who has none one that nobody has: the database is to look for a device all the same.
func somebody(id identity.AccountID) identity.AccountID {
	if id == "" {
		return "00000000-0000-0000-0000-000000000000"
	}
	return id
}

// challenge opens the wait for the second factor and sends its code. Who has an authenticator app chose it over text messages, which
// others can divert: no message is sent then, and a recovery code is what helps when the app is gone.
func (s *Service) challenge(ctx context.Context, who account.Account, pending account.SignIn, known bool, rehashed string, from Origin) (Challenge, error) {
	id, err := s.newID()
	if err != nil {
		return Challenge{}, err
	}
	code, err := s.newCode()
	if err != nil {
		return Challenge{}, err
	}
	now := s.now()
	pending.ID, pending.Started, pending.Ends = account.ChallengeID(id), now, now.Add(secondFactorLife)
	limits := []spending{smsByPair.of(string(who.ID) + "|" + from.network()), smsByAccount.of(string(who.ID))}
	if known {
		limits = []spending{smsByDevice.of(string(who.ID) + "|" + string(pending.Device.ID))}
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		app, found, err := tx.Authenticator(who.ID)
		if err != nil {
			return err
		}
		if pending.Method = account.SMS; found && !app.Confirmed.IsZero() {
			pending.Method = account.TOTP
		}
		if err := s.spend(tx, now, limits...); err != nil {
			return err
		}
		if rehashed != "" {
			if err := tx.SetPassword(who.ID, rehashed); err != nil {
				return err
			}
		}
		if err := tx.AddSignIn(pending); err != nil {
			return err
		}
		if pending.Method == account.TOTP {
			tries := account.NewCode(pending.ID, account.ByApp, []byte{}, now)
			tries.Ends = pending.Ends
			return tx.PutCode(tries)
		}
		return tx.PutCode(account.NewCode(pending.ID, account.ByPhone, s.hashCode(pending.ID, account.ByPhone, code), now))
	})
	if err != nil {
		return Challenge{}, err
	}
	if pending.Method == account.TOTP {
		return Challenge{ID: pending.ID, Method: account.TOTP, Ends: pending.Ends}, nil
	}
	if err := s.hand(ctx, s.sender.SMS(ctx, who.Phone, s.words.code(who.Language, smsSignIn, code))); err != nil {
		return Challenge{}, err
	}
	return Challenge{ID: pending.ID, Method: account.SMS, Ends: pending.Ends, To: who.Phone.Masked()}, nil
}

// finder reads a login and tells how to find its account. What is neither a phone number nor an address finds nobody, after
// the same work.
func finder(login string) (find func(Tx) (account.Account, bool, error), canonical string) {
	if strings.Contains(login, "@") {
		email, _ := identity.ParseEmail(login)
		return func(tx Tx) (account.Account, bool, error) { return tx.AccountByEmail(email) }, string(email)
	}
	phone, _ := identity.ParsePhone(login)
	return func(tx Tx) (account.Account, bool, error) { return tx.AccountByPhone(phone) }, string(phone)
}

func (s *Service) cleanDevice(in Device) (account.Installation, error) {
	id, ok := canonicalID(in.ID)
	switch {
	case !ok:
		return account.Installation{}, errDeviceID.At("body.device.id", errDeviceID.Text)
	case len(in.Secret) < 32 || len(in.Secret) > 128:
		return account.Installation{}, errDeviceSecret.At("body.device.secret", errDeviceSecret.Text)
	}
	name := strings.Join(strings.Fields(in.Name), " ")
	if utf8.RuneCountInString(name) > 100 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return account.Installation{}, errDeviceName.At("body.device.name", errDeviceName.Text)
	}
	return account.Installation{ID: id, Name: name, Secret: s.digest("device", in.Secret)}, nil
}
