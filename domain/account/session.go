package account

import (
	"slices"
	"time"

	"github.com/medcard/medcard/domain/identity"
)

// The lives of sessions and their tokens.
const (
	AccessLife  = 10 * time.Minute     // an access token
	RefreshLife = 30 * 24 * time.Hour  // a refresh token that nobody uses
	SessionLife = 180 * 24 * time.Hour // a session, however often it is refreshed
	UnusedLife  = 365 * 24 * time.Hour // a device that is signed out; should it come again, it is a strange one
	LostAnswer  = 60 * time.Second     // within which a used refresh token gives its successor once more
)

// Method is one proof of who somebody is, named as in RFC 8176.
type Method string

// The methods.
const (
	Password   Method = "pwd"
	SMS        Method = "sms"
	TOTP       Method = "otp"
	Federated  Method = "fed" // an external provider vouched; RFC 8176 has no word for it
	Possession Method = "pop" // a passkey, whose authenticator saw a finger, a face or a PIN too; or the key of a certificate
	Several    Method = "mfa" // stands beside two others of different kind
	Recovery   Method = "rec" // a recovery code; RFC 8176 has no word for it
)

// Session is one sign-in on one device. It ends for all its tokens at once.
type Session struct {
	ID      identity.SessionID
	Account identity.AccountID
	Device  identity.DeviceID
	Methods []Method
	Opened  time.Time
	Proved  time.Time // when the second factor was last shown; Opened, or a step-up after it
	Ends    time.Time
	Revoked time.Time // zero = not revoked
	Locked  bool      // its account is locked
	Key     string    // JWK thumbprint (RFC 7638) of the key with which each of its requests is proved (DPoP); "" = none
}

// Live reports whether the session still lets anybody in.
func (s Session) Live(now time.Time) bool { return s.Revoked.IsZero() && now.Before(s.Ends) }

// SecondFactor reports whether more than a password opened it.
func (s Session) SecondFactor() bool { return slices.Contains(s.Methods, Several) }

// Refresh is a refresh token as it is kept: by hash. When it is used it learns the Salt from which, together with the token
// itself, its successor is made; so a lost answer can be given again though no token is ever stored.
type Refresh struct {
	Hash    []byte
	Session identity.SessionID
	Ends    time.Time
	Used    time.Time // zero = not used
	Salt    []byte
}

// Turn is what to do with a refresh token that somebody shows.
type Turn uint8

// The turns.
const (
	Refuse Turn = iota // it is too old: sign in again
	Rotate             // use it and give a successor
	Repeat             // the answer was lost: give the same successor
	Reuse              // somebody has a copy: end the session
)

// Turn judges a refresh token of a live session. known says whether the device that shows it is the session's own;
// passed, whether its successor has been used, that is whether the answer did arrive.
func (r Refresh) Turn(known, passed bool, now time.Time) Turn {
	switch {
	case !known:
		return Reuse
	case r.Used.IsZero() && now.Before(r.Ends):
		return Rotate
	case r.Used.IsZero():
		return Refuse
	case !passed && now.Before(r.Used.Add(LostAnswer)):
		return Repeat
	}
	return Reuse
}

// Actor is who acts in the session.
func (s Session) Actor() identity.Actor {
	return identity.Actor{Kind: identity.Patient, Account: s.Account, Device: s.Device, Session: s.ID, SecondFactor: s.SecondFactor(), Possession: slices.Contains(s.Methods, Possession), Proved: s.Proved, Locked: s.Locked}
}
