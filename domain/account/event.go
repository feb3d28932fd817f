package account

import (
	"time"

	"github.com/medcard/medcard/domain/identity"
)

// EventID names an event. It is a version 7 UUID, so that the newest sort last.
type EventID string

// EventKind says what was done with an account, one of a closed set of words.
type EventKind string

// The kinds of events.
const (
	Registered    EventKind = "registered"
	SignedIn      EventKind = "signedIn"      // What: by which methods, and whether the device was new
	SignInRefused EventKind = "signInRefused" // a password or a code was wrong; Count: how often, within the hour and from one network
	SignedOut     EventKind = "signedOut"     // What: of which devices
	SessionEnded  EventKind = "sessionEnded"  // a copy of its refresh token was used
	NewPassword   EventKind = "password"
	NewContact    EventKind = "contact"       // What: phone or email
	AppChanged    EventKind = "authenticator" // What: added or removed; so of those below
	NewCodes      EventKind = "recoveryCodes"
	PasskeySet    EventKind = "passkey"
	SignerSet     EventKind = "certificate"
	LinkSet       EventKind = "external"
	Practising    EventKind = "practitioner" // a clinic's word on the person
	Locking       EventKind = "lock"         // What: locked or unlocked. It stands in the audit log when it is done
)

// Event is something that was done with an account, by its person, by somebody who is not, or by a clinic.
type Event struct {
	ID           EventID
	Account      identity.AccountID
	Kind         EventKind
	What         string
	Device       identity.DeviceID // from where; "" = it is not known
	Client       identity.ClientID // the clinic that did it
	Organisation string            // its name
	At, Last     time.Time         // when, or when first and last
	Count        int               // how often
}

// Folded is how long refused sign-ins from one network are counted in one event: a stranger who tries for ever leaves a line an hour.
const Folded = time.Hour

// EventsKept is how long the list of an account goes back. The audit log keeps them for good.
const EventsKept = 366 * 24 * time.Hour
