package account

import (
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
)

// Claim is the right to become a card's owner, which a clinic's desk hands over as a one-time code.
type Claim struct {
	Card     card.ID
	Client   identity.ClientID // whose desk
	Ends     time.Time
	Redeemed time.Time // zero = not redeemed
	By       identity.AccountID
}

// Waiting is an account that redeemed a card and has not proved yet that it is its own.
type Waiting struct {
	Account identity.AccountID
	Card    card.ID
}

// Role says how an account sees a card.
type Role string

// The roles.
const (
	Owns       Role = "owner"          // it is the person's own
	Represents Role = "representative" // of its patient, by a document
	LetIn      Role = "letIn"          // by its owner
)

// Seen is a card that an account sees now.
type Seen struct {
	Card card.ID
	Role Role
}
