package account

import (
	"time"

	"github.com/medcard/medcard/domain/identity"
)

// LockReason says why an account was locked.
type LockReason string

// The reasons.
const (
	ForeignAccess  LockReason = "foreignAccess"  // what was looked at was none of the person's business
	StolenAccess   LockReason = "stolenAccess"   // somebody else signs in: the lock protects its owner
	FalseDocuments LockReason = "falseDocuments" // a right was proved with a forgery
	CourtDecision  LockReason = "courtDecision"
)

// Known reports whether the reason is one of those above.
func (r LockReason) Known() bool {
	switch r {
	case ForeignAccess, StolenAccess, FalseDocuments, CourtDecision:
		return true
	}
	return false
}

// Lock keeps an account's person from everything but reading why, and appealing. Nothing of his is deleted, on no phone either.
type Lock struct {
	Account  identity.AccountID
	Reason   LockReason
	Words    string // to the person
	By       string // the operator's name
	Since    time.Time
	Appeal   string // the person's words; "" = none yet
	Appealed time.Time
}
