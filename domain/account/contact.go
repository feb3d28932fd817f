package account

import (
	"time"

	"github.com/medcard/medcard/domain/identity"
)

// ContactChange is a number or an address that waits for its code, to take the place of the account's.
type ContactChange struct {
	ID      ChallengeID
	Account identity.AccountID
	By      Channel
	Phone   identity.Phone // "" = the address changes
	Email   identity.Email // "" = the number does
	Started time.Time
	Ends    time.Time
}

// Is reports whether the account has the contact already.
func (c ContactChange) Is(a Account) bool {
	return c.By == ByPhone && c.Phone == a.Phone || c.By == ByEmail && c.Email == a.Email
}
