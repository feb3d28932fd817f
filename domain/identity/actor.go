package identity

import (
	"strings"
	"time"

	"github.com/medcard/medcard/domain/fault"
)

// AccountID names a person's sign-in account. ClientID names an OAuth client, that is an organisation. DeviceID names one
// installation of an app at one account (DeviceOf). SessionID names one sign-in. All are UUIDs in canonical text form.
type (
	AccountID string
	ClientID  string
	DeviceID  string
	SessionID string
)

// ActorKind says as what someone comes.
type ActorKind uint8

// The kinds of actors. Nobody is the zero value, so an actor that was forgotten may do nothing.
const (
	Nobody   ActorKind = iota
	Patient            // a person signed in to an account
	Clinic             // an organisation that treats
	Pharmacy           // an organisation that dispenses
	Operator           // someone with a shell on the server
	System             // Medcard itself: jobs and timers
	Auditor            // an organisation that reads the log of who did what, and nothing else
	Reviewer           // an organisation that looks at documents and emergencies, and says what it found
	Insurer            // an organisation that insures: it confirms whose a policy is
)

func (k ActorKind) String() string {
	switch k {
	case Patient:
		return "patient"
	case Clinic:
		return "clinic"
	case Pharmacy:
		return "pharmacy"
	case Operator:
		return "operator"
	case System:
		return "system"
	case Auditor:
		return "auditor"
	case Reviewer:
		return "reviewer"
	case Insurer:
		return "insurer"
	}
	return "nobody"
}

// Organisation reports whether an actor of the kind is one that treats or dispenses, with a person behind its request.
func (k ActorKind) Organisation() bool { return k == Clinic || k == Pharmacy }

// KindOf undoes String: Nobody for a word that is no kind.
func KindOf(word string) ActorKind {
	for k := Nobody; k <= Insurer; k++ {
		if k.String() == word {
			return k
		}
	}
	return Nobody
}

// Person is the human behind an organisation's request, as the organisation signed it (the `actor` claim of RFC 8693,
// section 4.1, in its client assertion).
type Person struct {
	ID     string    // the organisation's own stable id of its employee
	Name   string    // as shown to the patient in "who saw my card"
	Role   string    // the position, free text of the organisation
	Proven time.Time // when the person last proved to the organisation who he is, as it signed; zero = it does not say
}

// Named reports whether the patient can be told who it was, and in what role.
func (p Person) Named() bool { return p.ID != "" && p.Name != "" && p.Role != "" }

// Actor is who makes a request. Of an organisation's request the client is the organisation and Person the human; both
// stand in the audit.
type Actor struct {
	Kind         ActorKind
	Account      AccountID // Patient
	Device       DeviceID  // Patient
	Session      SessionID // Patient
	Possession   bool      // Patient: the session was opened by a passkey or a certificate, which nobody can be talked out of
	SecondFactor bool      // Patient: the session was opened with a second factor
	Proved       time.Time // Patient: when the second factor was last shown in this session
	Locked       bool      // Patient: an operator locked the account
	Practitioner bool      // Patient: a clinic says that the person treats patients there; set where access is decided
	Client       ClientID  // Clinic, Pharmacy, Auditor, Reviewer, Insurer
	Organisation string    // the same: the client's display name
	Person       Person    // the same
	Scopes       []string  // the same: granted OAuth scopes
}

// FactorFresh is how long after a second factor a dangerous act needs no other one.
const FactorFresh = 5 * time.Minute

// ErrStepUp asks for a second factor anew: who found a phone unlocked must not change the ways in to the account.
var ErrStepUp = fault.New(fault.Denied, "step_up.required", "Show that it is you once more: ask for a code at POST /v1/auth/step-up, send it to POST /v1/auth/step-up/confirm, and try again.")

// ErrLocked refuses a person whose account is locked, whatever is asked for.
var ErrLocked = fault.New(fault.Denied, "account.locked", "This account is locked. GET /v1/me/lock tells why, and POST /v1/me/lock/appeal asks to look at it again.")

// Fresh refuses with ErrStepUp whose second factor is too long ago for a dangerous act. Who has none to show is left to those
// who decide what he may do at all.
func (a Actor) Fresh(now time.Time) error {
	if a.Kind == Patient && !now.Before(a.Proved.Add(FactorFresh)) {
		return ErrStepUp
	}
	return nil
}

// Has reports whether the actor's token carries the OAuth scope.
func (a Actor) Has(scope string) bool {
	for _, s := range a.Scopes {
		if s == scope {
			return true
		}
	}
	return false
}

// AtDesk is an operator who works by a command on the server, under the name that he types.
func AtDesk(name string) Actor {
	name = strings.TrimSpace(name)
	return Actor{Kind: Operator, Person: Person{ID: name, Name: name}}
}
