// Package audit names what is remembered of every access to a card: who, in what role, for which organisation, what kind
// of thing, when and why. An entry never holds what was seen.
package audit

import (
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// Action is what was done, one of a closed set of words.
type Action string

// The actions.
const (
	Read     Action = "read"
	Publish  Action = "publish"  // a clinic's bundle
	Sync     Action = "sync"     // the owner's phone pulls
	Push     Action = "push"     // the owner's phone pushes
	Claim    Action = "claim"    // the patient redeemed a claim code
	Grant    Action = "grant"    // access given
	Revoke   Action = "revoke"   // access taken
	Hold     Action = "hold"     // access that a restored server may not trust waits for the owner
	Confirm  Action = "confirm"  // the owner lets it go on
	Issue    Action = "issue"    // a prescription or referral was signed
	Accept   Action = "accept"   // a pharmacy took it in work
	Dispense Action = "dispense" // a pharmacy handed it out
	Reject   Action = "reject"   // a pharmacy gave it back
	Remind   Action = "remind"   // a clinic triggered a reminder
)

// Entry is one line of "who saw my card".
type Entry struct {
	Card    card.ID
	Number  uint64 // per card, without gaps: an omission shows
	At      time.Time
	Actor   identity.Actor
	Action  Action
	Purpose consent.Purpose
	What    string // kind of thing, e.g. a list of record kinds or a document's token id; never content
	Request string // id of the HTTP request or job
}
