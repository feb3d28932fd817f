package account

import (
	"time"

	"github.com/medcard/medcard/domain/identity"
)

// Passkey is a key pair whose secret half an authenticator keeps and uses only for whom it knows, by finger, face or PIN.
type Passkey struct {
	ID      []byte // the authenticator's own name for it
	Account identity.AccountID
	Name    string // the person's
	Record  []byte // the public key and what is known of the authenticator, as WebAuthn's library keeps it
	Added   time.Time
	Used    time.Time // zero = never yet
}

// MostPasskeys is how many one person can have.
const MostPasskeys = 20

// CeremonyLife is how long an authenticator may take to sign a challenge.
const CeremonyLife = 5 * time.Minute

// Purpose is what a ceremony is for: what was signed for one is good for no other.
type Purpose string

// The purposes.
const (
	AddPasskey    Purpose = "add"
	PasskeySignIn Purpose = "sign-in"
	PasskeyProof  Purpose = "step-up"
)

// Ceremony is a challenge that an authenticator is to sign, once.
type Ceremony struct {
	ID      ChallengeID
	Purpose Purpose
	Account identity.AccountID // "" for a sign-in: the authenticator says whose it is
	Session identity.SessionID // "" for a sign-in
	App     Installation       // of a sign-in
	Data    []byte             // what the library wants back
	Ends    time.Time
}
