package replica

import (
	"time"

	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// PhoneStore keeps ONE card on a phone. Update is atomic and durable: when it returned nil the change survives a crash,
// when it returned an error nothing of it happened.
type PhoneStore interface {
	View(func(PhoneTx) error) error
	Update(func(PhoneTx) error) error
}

// PhoneTx is one transaction on it: base (what the server said), outbox (what was edited here), meta.
type PhoneTx interface {
	Meta() (Meta, error) // zero if the card is new
	SaveMeta(Meta) error

	// Row returns a record of the base; ok is false if there is none, or none that can be read: a damaged row counts as absent.
	Row(id string) (row wire.Row, ok bool, err error)
	PutRow(row wire.Row) error // insert or replace, whole
	DropRow(id string) error   // no error if there is none
	// DropRowsOutside deletes the rows, of the shadow too, whose scope keep does not hold.
	DropRowsOutside(keep Scopes) error
	// Scopes lists the scopes in which a row stands, in the shadow too.
	Scopes() (Scopes, error)

	// Sum is the sum of the base, of the digests that were noted when its rows were put. It costs no look at the rows.
	Sum() (wire.Sum, error)
	// Digests returns the digests of the base as noted, with from <= id < to, by id. An empty from or to is no bound.
	Digests(from, to string) ([]wire.Entry, error)
	// Recount notes the digests of the base, and its sum, anew from what is stored, and returns how many were other than noted.
	// A row that cannot be read any more is none (see Row) but keeps its place here, with the digest 0.
	Recount() (damaged int, err error)

	// Shadow is a second base beside the first, for a resync: read by nobody until SwapShadow puts it in the first's place.
	ShadowRow(id string) (row wire.Row, ok bool, err error)
	PutShadowRow(row wire.Row) error
	DropShadowRow(id string) error
	ClearShadow() error
	SwapShadow() error

	// Open returns the outbox items that still count for the view or await an answer (Waiting, Answered). Like all lists of
	// items it is in the order of saving: by Mutation.HLC, which never comes twice on a phone.
	Open() ([]Item, error)
	// ItemsOf returns all items of one record, settled and refused ones too.
	ItemsOf(id string) ([]Item, error)
	// PutItem inserts or replaces by (Actor, N).
	PutItem(item Item) error
	// Answer writes down one result of all items of the actor from first to last that wait; not of refusals. They are Answered, or
	// Settled at the instant unless it is zero.
	Answer(actor uint32, first, last uint64, outcome wire.Outcome, code string, settled time.Time) error
	// FirstWaiting gives the lowest n of the actor's items that wait; 0 if none does.
	FirstWaiting(actor uint32) (uint64, error)
	// DropItem forgets one; no error if there is none.
	DropItem(actor uint32, n uint64) error
	// Items returns the items in one state.
	Items(state ItemState) ([]Item, error)
	// DropSettled forgets settled items that were settled before the instant.
	DropSettled(before time.Time) error

	// Wipe forgets the card: base, shadow, outbox and meta.
	Wipe() error
	// Lose remembers, beyond Wipe, that edits were destroyed.
	Lose(Loss) error
}

// Meta is what a phone knows of its place with one card.
type Meta struct {
	Actor   uint32 // 0 = not enrolled, or must enrol afresh
	Next    uint64 // n of the next mutation; starts with 1
	Acked   uint64 // every n <= Acked has its result here, durably
	Epoch   string
	Cursor  string // up to where the base was filled
	At      string // Cursor when the last answer was complete: what editors build on (a page in between is no whole state)
	Part    string
	View    string
	Gen     uint64     // counts moves of At: the order of tokens, which themselves tell nothing
	HLC     vclock.HLC // the greatest stamp given
	Own     bool       // the card is the person's own
	Low     Low
	Leases  []wire.Lease
	Dropped vclock.HLC // the greatest stamp of an edit that went with its scope: an editor that was opened before it may lie on it
	Lapsed  []string   // scopes that were destroyed at the end of their leases, until a new base is whole

	Shadowing    bool   // a resync is under way
	ShadowCursor string // its cursor; Cursor and At stay those of the base which is read
	ShadowPart   string
	ShadowView   string

	Synced time.Time // when a whole answer was applied last

	Doubt   bool      // the server's sum was another than the base's: to be checked
	Checked time.Time // when a check was complete last
}

// ItemState is how far an edit got.
type ItemState string

// The states of an item.
const (
	Waiting  ItemState = "waiting"  // the server has not answered: send it, again if need be
	Answered ItemState = "answered" // accepted or in conflict, but the base does not show it yet
	Settled  ItemState = "settled"  // in the base; kept for a week, for a server that is restored
	Rejected ItemState = "rejected" // refused; kept until the person has seen it and dismissed it
)

// Item is one edit made on this phone.
type Item struct {
	Actor    uint32
	Mutation wire.Mutation // exactly as it travels, for ever: a retry must hash alike
	Gen      uint64        // Meta.Gen when its editor was opened: orders the At tokens
	State    ItemState
	Outcome  wire.Outcome // once answered
	Code     string       // of the answer; of one that waits CodeAccessEnded, if its record went out of sight meanwhile
	Saved    time.Time    // when the person saved it
	Settled  time.Time    // when the base showed it: it is kept for a week from then on, however long it had waited
}
