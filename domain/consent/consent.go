// Package consent decides who may see what. Decide is the only maker of a Permit, and whoever touches health data must show one.
package consent

import (
	"errors"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Purpose says why someone opens a card; the codes are those of HL7 v3 PurposeOfUse.
type Purpose string

// The purposes that are known here.
const (
	PatientRequest Purpose = "PATRQT" // the patient looks at his own card
	Treatment      Purpose = "TREAT"
	Emergency      Purpose = "ETREAT"
	Operations     Purpose = "HOPERAT" // the system's own upkeep: jobs, code lists
)

// Known reports whether the purpose is one of the codes above.
func (p Purpose) Known() bool {
	switch p {
	case PatientRequest, Treatment, Emergency, Operations:
		return true
	}
	return false
}

// Role says by what right a grantee sees a card.
type Role string

// The roles. Owner is the patient; Reader is an organisation that the patient let in; Proxy is a person whom the patient
// lets see part of the card on a phone.
const (
	Owner  Role = "owner"
	Reader Role = "reader"
	Proxy  Role = "proxy"
)

// GrantID names a grant.
type GrantID string

// Grant is one right of access to one card, as it stands in the database.
type Grant struct {
	ID      GrantID
	Card    card.ID
	Role    Role
	Account identity.AccountID // Owner, Proxy
	Client  identity.ClientID  // Reader
	Scopes  card.Scopes
	Purpose Purpose // what a Reader may come for
	Starts  time.Time
	Ends    time.Time // zero = no end
	Revoked time.Time // zero = not revoked
	// Held is since when the grant waits for the owner's word: the server was restored from a backup, which cannot know what was
	// revoked after it. zero = it does not wait.
	Held time.Time
	// Began and Ended are the commits of the card that began and ended it; Ended is 0 while it runs.
	Began, Ended uint64
}

// At reports whether the grant ran at a commit of the card.
func (g Grant) At(seq uint64) bool { return g.Began <= seq && (g.Ended == 0 || seq < g.Ended) }

// InForce reports whether the grant has begun, not ended, and is neither revoked nor held. The end itself is outside.
func (g Grant) InForce(now time.Time) bool { return g.Held.IsZero() && g.given(now) }

// given is InForce but for the owner's word that a held grant waits for.
func (g Grant) given(now time.Time) bool {
	if now.Before(g.Starts) || (!g.Ends.IsZero() && !now.Before(g.Ends)) {
		return false
	}
	return g.Revoked.IsZero() || now.Before(g.Revoked)
}

// State says how a grant stands, in a word for lists.
type State string

// The states of a grant.
const (
	Coming  State = "coming" // it has not begun
	Running State = "running"
	Held    State = "held" // it waits for the owner to confirm or revoke it
	Revoked State = "revoked"
	Over    State = "over" // it has run out
)

// State tells how the grant stands at the instant.
func (g Grant) State(now time.Time) State {
	switch {
	case !g.Revoked.IsZero() && !now.Before(g.Revoked):
		return Revoked
	case !g.Ends.IsZero() && !now.Before(g.Ends):
		return Over
	case !g.Held.IsZero():
		return Held
	case now.Before(g.Starts):
		return Coming
	}
	return Running
}

func (g Grant) meant(a identity.Actor, p Purpose) bool {
	switch g.Role {
	case Owner, Proxy:
		return a.Kind == identity.Patient && a.Account != "" && g.Account == a.Account && a.SecondFactor && p == PatientRequest
	case Reader:
		return (a.Kind == identity.Clinic || a.Kind == identity.Pharmacy) && a.Client != "" && g.Client == a.Client && g.Purpose == p
	}
	return false
}

// Permit is the proof that Decide said yes. It is good for one card, one purpose and the one transaction whose token it
// carries; the store refuses it in any other.
type Permit struct {
	card    card.ID
	actor   identity.Actor
	purpose Purpose
	read    card.Scopes
	write   card.Scopes
	owner   bool
	token   *Token
}

// Token stands for one transaction. A store makes one per transaction and hands it to Decide through its own method.
type Token struct{ _ byte }

// Card is the one card that the permit opens.
func (p Permit) Card() card.ID { return p.card }

// Actor is who was let in.
func (p Permit) Actor() identity.Actor { return p.actor }

// Purpose is why.
func (p Permit) Purpose() Purpose { return p.purpose }

// Scopes are what may be read.
func (p Permit) Scopes() card.Scopes { return p.read }

// Owner reports whether the card is the actor's own.
func (p Permit) Owner() bool { return p.owner }

// Reads reports whether a record of the scope may be read.
func (p Permit) Reads(s card.Scope) bool { return p.read.Holds(s) }

// Writes reports whether a record of the scope may be written.
func (p Permit) Writes(s card.Scope) bool { return p.write.Holds(s) }

// Of reports whether the permit was made in the transaction of the token.
func (p Permit) Of(t *Token) bool { return p.token != nil && p.token == t }

// Refusals. To someone who may not know that a card exists both look alike at the door.
var (
	ErrNotOwner = fault.New(fault.Denied, "owner.only", "Only the card's owner may do this.")
	ErrNoGrant  = fault.New(fault.NotFound, "card.not_found", "There is no such card, or you have no right to see it.")
	ErrHeld     = fault.New(fault.Denied, "access.held", "The server was restored from a backup, so the card's owner has to confirm first that you may still see it.")
	ErrPurpose  = fault.New(fault.Invalid, "purpose.missing", "Say why you open the card: send the header Purpose-Of-Use with TREAT, ETREAT, PATRQT or HOPERAT.")
)

// Closed reports whether a refusal means that a phone has no access to the card, be it for now.
func Closed(err error) bool { return errors.Is(err, ErrNoGrant) || errors.Is(err, ErrHeld) }

// Decide says whether the actor may open the card for the purpose at the instant, on grants that were read in the
// transaction of the token. It never looks at a clock or a database of its own. Refused are ErrPurpose, ErrNoGrant, and ErrHeld where
// nothing but held grants would let the actor in.
func Decide(a identity.Actor, id card.ID, p Purpose, grants []Grant, now time.Time, t *Token) (Permit, error) {
	if !p.Known() {
		return Permit{}, ErrPurpose
	}
	permit := Permit{card: id, actor: a, purpose: p, token: t}
	refusal := ErrNoGrant
	for _, g := range grants {
		if g.Card != id || !g.given(now) || !g.meant(a, p) {
			continue
		}
		if !g.Held.IsZero() {
			refusal = ErrHeld
			continue
		}
		permit.read = append(permit.read, g.Scopes...)
		if g.Role == Owner {
			permit.owner = true
			permit.write = append(permit.write, "note.general", "vitals.general")
		}
	}
	if len(permit.read) == 0 {
		return Permit{}, refusal
	}
	return permit, nil
}

// DecideWrite says whether an organisation may add to a card without reading it: a clinic publishes what it did, a doctor's
// system files a prescription, a pharmacy's dispensing changes one's state. The permit reads nothing. right is the OAuth
// scope that the act asks for.
func DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes, t *Token) (Permit, error) {
	switch a.Kind {
	case identity.Clinic, identity.Pharmacy:
		if !a.Has(right) {
			return Permit{}, fault.New(fault.Denied, "scope.missing", "The access token lacks the scope "+right+".")
		}
	case identity.Operator, identity.System:
	default:
		return Permit{}, ErrNoGrant
	}
	return Permit{card: id, actor: a, purpose: Treatment, write: scopes, token: t}, nil
}
