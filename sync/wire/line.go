package wire

import (
	"encoding/json"
	"time"

	"github.com/medcard/medcard/sync/vclock"
)

// Line is one line of a stream: exactly one member is set.
type Line struct {
	Card  *Card    `json:"card,omitempty"`
	Res   *Result  `json:"res,omitempty"`
	Purge *Purge   `json:"purge,omitempty"`
	Row   *Row     `json:"row,omitempty"`
	Del   *Del     `json:"del,omitempty"`
	Red   *Red     `json:"red,omitempty"`
	End   *End     `json:"end,omitempty"`
	Same  *Same    `json:"same,omitempty"`
	Gone  *Gone    `json:"gone,omitempty"`
	Err   *Problem `json:"err,omitempty"`
	Other *Other   `json:"other,omitempty"`
}

// Card opens a page: what follows is about this card.
type Card struct {
	Card   string  `json:"card"`
	Epoch  string  `json:"epoch"`
	View   string  `json:"view"`             // hash of what this device may see; the phone adopts it with End.View only
	Resync bool    `json:"resync,omitempty"` // the cursor is of no use: build a new base beside the old one, from the beginning
	Total  int     `json:"total,omitempty"`  // rows that a first sync will bring, for a progress bar
	Leases []Lease `json:"leases,omitempty"`
	Own    bool    `json:"own,omitempty"` // with Leases: the card is the person's own
}

// Row is a record as it stands now. Atoms holds those that changed since At of the request, each with ALL its versions: one, or
// several siblings while a conflict is open. An atom that is missing did not change.
type Row struct {
	ID    string               `json:"id"`
	Kind  string               `json:"kind"`
	Scope string               `json:"scope"`
	Date  time.Time            `json:"date,omitzero"` // when the fact happened; orders lists
	VV    vclock.Clock         `json:"vv"`
	Atoms map[string][]Version `json:"atoms"`
}

// Version is one value of an atom.
type Version struct {
	Dot   vclock.Dot      `json:"dot"`
	HLC   vclock.HLC      `json:"hlc,omitempty"`
	Value json.RawMessage `json:"v"`
}

// Del says that a record was deleted, for all.
type Del struct {
	ID string `json:"id"`
}

// Red says that a record vanishes from this device. No reason is given.
type Red struct {
	ID string `json:"id"`
}

// Purge says what remains of the card: rows in other scopes go, with all that hangs on them. It names what is left rather
// than what was lost, so that the end of access leaves no trace of its object.
type Purge struct {
	Keep []string `json:"keep"` // scopes; "*" is everything, "lab.*" every label of a class
}

// End closes a page. Cursor, View and Part are stored in the transaction of the page's rows.
type End struct {
	Cursor string `json:"cursor"`
	LMID   uint64 `json:"lmid"`           // with More false: the rows so far hold the effects of all mutations up to this n
	View   string `json:"view,omitempty"` // set once the base holds all of this view
	Part   string `json:"part,omitempty"`
	More   bool   `json:"more,omitempty"`
	// Sum stands for all records that this device sees, as they are with this page. With More false only: between pages the
	// device's base is no whole state. Missing where the server has not counted the card yet.
	Sum *Sum `json:"sum,omitempty"`
}

// Same stands in place of a card's pages: the device has all of it. Only a device that said Calm is told so.
type Same struct {
	Card string `json:"card"`
}

// Other names cards that the person may see and the request does not name: somebody let the person in, or a card was claimed on
// another phone.
type Other struct {
	Cards []string `json:"cards"`
}

// Gone says that this device has no access to the card any more: everything of it goes.
type Gone struct {
	Card string `json:"card"`
	Held bool   `json:"held,omitempty"` // until the card's owner confirms, the server was restored: what the person wrote may stay
	// Restored is when the server was restored from a backup last. It may have forgotten that the card is the person's own: a phone
	// that was not in step with it since keeps that one.
	Restored time.Time `json:"restored,omitzero"`
}

// Problem ends a stream, or a card's part of it, early.
type Problem struct {
	Code       string `json:"code"`
	Card       string `json:"card,omitempty"`       // empty: the whole stream
	RetryAfter int    `json:"retryAfter,omitempty"` // seconds
}

// Codes of problems.
const (
	ProblemActorForked  = "actor_forked"  // another installation writes under this actor: ask for a fresh one, then resend
	ProblemActorUnknown = "actor_unknown" // the actor is not this device's, or is retired: ask for a fresh one
	ProblemHole         = "hole"          // mutations before these are missing: send from lmid + 1
	ProblemEpoch        = "epoch_changed" // the server was restored: pull, then resend what it does not know
	ProblemUnavailable  = "unavailable"   // try again after RetryAfter
	ProblemActorsSpent  = "actors_spent"  // the device was given too many actors on the card of late: ask again after RetryAfter
)
