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
	Read       Action = "read"
	Publish    Action = "publish"    // a clinic's bundle
	Sync       Action = "sync"       // the owner's phone pulls
	Push       Action = "push"       // the owner's phone pushes
	Claim      Action = "claim"      // the patient redeemed a claim code
	Grant      Action = "grant"      // access given
	Revoke     Action = "revoke"     // access taken
	BreakGlass Action = "breakGlass" // a clinic opened the card in an emergency
	Judge      Action = "judge"      // a reviewer judged that, or a document
	Restrict   Action = "restrict"   // access denied, whoever is let in
	Lift       Action = "lift"       // and no more
	Hide       Action = "hide"       // the owner hid a record from everybody else
	Show       Action = "show"       // and shows it again
	Hold       Action = "hold"       // access that a restored server may not trust waits for the owner
	Confirm    Action = "confirm"    // the owner lets it go on
	Issue      Action = "issue"      // a prescription, referral or certificate was signed
	Accept     Action = "accept"     // a pharmacy took it in work
	Dispense   Action = "dispense"   // a pharmacy handed it out
	Reject     Action = "reject"     // a pharmacy gave it back
	Cancel     Action = "cancel"     // the clinic withdrew a paper
	Suspend    Action = "suspend"    // the clinic suspended a prescription
	Resume     Action = "resume"     // and let it go on
	Take       Action = "take"       // a clinic took a referral, or noted that it was used
	Transfer   Action = "transfer"   // a referral was handed to another specialist
	Remind     Action = "remind"     // a clinic triggered a reminder
	Defer      Action = "defer"      // a pharmacy has to get the medicine first
	Arrive     Action = "arrive"     // the pharmacy has it
	Withdraw   Action = "withdraw"   // the pharmacy ended that without the medicine
	Release    Action = "release"    // an operator took a doubtful receipt of a pharmacy for a fact
	Dismiss    Action = "dismiss"    // an operator did not
	Notify     Action = "notify"     // the owner wants to be told of each access, or no longer
	Review     Action = "review"     // an auditor read the log
	Order      Action = "order"      // an operator ended an access by a court's decision
	Lock       Action = "lock"       // an operator locked the account of the card's person
	Unlock     Action = "unlock"     // and opened it again
	Prove      Action = "prove"      // a person handed in a document to prove who he is
	Inspect    Action = "inspect"    // a reviewer looked at it
	Alert      Action = "alert"      // an operator wrote down an incident, or what was done about it
	Account    Action = "account"    // a person signed in or out, or the ways in to his account were changed
	Refuse     Action = "refuse"     // somebody asked to act for the patient, or to sign in as he, and was not let in
	HandOver   Action = "handOver"   // an operator let another key sign the log
	Renew      Action = "renew"      // an operator gave the card another data key
	Shred      Action = "shred"      // an operator destroyed the card's key: no entry before this one opens any more
)

// Failed reports whether what was asked for was not done: the outcome "serious failure" of an AuditEvent.
func (a Action) Failed() bool { return a == Refuse }

// Opens reports whether who does it sees something of the card.
func (a Action) Opens() bool {
	switch a {
	case Read, Sync, Accept, Take:
		return true
	}
	return false
}

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
	// Representation is by what right the actor acted in the patient's name: he is the agent, the card's patient the principal. "" = in his own.
	Representation consent.RepresentationID
}

// LogCard is the card of no patient under which readings of the log itself are remembered, numbered and in the log like all others.
const LogCard card.ID = "00000000-0000-0000-0000-000000000000"
