// Package account names what stands between a person and his sign-in: the account, the registration that comes before it,
// one-time codes, devices, sessions and the tokens that keep a session going.
//
// Everything secret here is a hash: of a password (argon2id), of a code, of a token, of a device's secret. What is not
// hashed is no secret. The rules of time and of tries stand with the nouns, so that they are tested without a database.
package account

import (
	"errors"
	"time"

	"github.com/medcard/medcard/domain/identity"
)

// Account is one person's way in. Phone and Email were both confirmed by a code before it came to be.
type Account struct {
	ID       identity.AccountID
	Phone    identity.Phone
	Email    identity.Email
	Password string // PHC string of the hash
	Language Language
	Opened   time.Time
}

// ErrTaken means that another account has the phone number or the address.
var ErrTaken = errors.New("account: the phone number or e-mail address has an account already")

// Language is the one in which Medcard writes to a person.
type Language string

// The languages.
const (
	Russian Language = "ru"
	English Language = "en"
)

// Known reports whether Medcard can write in the language.
func (l Language) Known() bool { return l == Russian || l == English }

// Registration is an account that is not there yet. It holds no place: as many may name one phone number as like, and the first
// that confirms both channels gets it, so a stranger cannot squat on a number.
type Registration struct {
	ID       ChallengeID
	Phone    identity.Phone
	Email    identity.Email
	Password string
	Language Language
	Started  time.Time
	Ends     time.Time
	PhoneAt  time.Time // zero = not confirmed yet
	EmailAt  time.Time
	Opened   identity.AccountID // "" = not complete
}

// Complete reports whether both channels are confirmed.
func (r Registration) Complete() bool { return !r.PhoneAt.IsZero() && !r.EmailAt.IsZero() }

// Missing lists the channels that are not confirmed.
func (r Registration) Missing() []Channel {
	missing := []Channel{}
	if r.PhoneAt.IsZero() {
		missing = append(missing, ByPhone)
	}
	if r.EmailAt.IsZero() {
		missing = append(missing, ByEmail)
	}
	return missing
}

// SignIn waits for a second factor: after the password, which was right, or for a step-up within a session.
type SignIn struct {
	ID      ChallengeID
	Account identity.AccountID
	Device  Device             // as it introduced itself with the password
	First   Method             // what came before: Password or Federated
	Method  Method             // what is awaited: SMS or TOTP
	Session identity.SessionID // "" = opens a session; else the one that is proved anew
	Started time.Time
	Ends    time.Time
}

// PasswordRecovery is a lost password that waits for a code of each channel. Account is "" where nobody has the login that was typed: who
// typed it must not see a difference.
type PasswordRecovery struct {
	ID      ChallengeID
	Account identity.AccountID
	Started time.Time
	Ends    time.Time
}

// Installation is an app as it introduces itself: ID is what it drew when it was installed. Anybody may come with the ID of another's.
type Installation struct {
	ID     string
	Name   string
	Secret []byte
}

// Of is the installation as a device of the account.
func (i Installation) Of(a identity.AccountID) Device {
	return Device{ID: identity.DeviceOf(a, i.ID), Name: i.Name, Secret: i.Secret}
}

// Device is one installation of an app at one account. Secret is the hash of what only that installation knows; by it a device
// from which the person has signed in before is told from a stranger.
type Device struct {
	ID     identity.DeviceID
	Name   string
	Secret []byte
	Seen   time.Time // when it signed in or renewed its session last
}

// ListedDevice is a device as its person sees it.
type ListedDevice struct {
	Device
	SignedIn bool
}
