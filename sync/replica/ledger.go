package replica

import (
	"time"

	"github.com/medcard/medcard/sync/wire"
)

// Ledger is one card inside ONE transaction of the server's store. Values that are passed in or out are not shared with
// the store: either side may change its copy.
type Ledger interface {
	// Head reads where the card stands.
	Head() (Head, error)
	// Lock takes the card's row for writing, until the transaction ends, and returns where the card stands. A writer calls
	// it before it reads anything else: so the order of sequence numbers is the order of commits.
	Lock() (Head, error)
	// Advance moves the card's sequence to seq, after Lock.
	Advance(seq uint64) error

	// Records returns those of the records that exist, deleted ones too, by id.
	Records(ids []string) (map[string]Record, error)
	// Scan returns records in scopes with Seq > after, deleted ones too but not collected ones, in the order of Seq, at most limit.
	Scan(scopes Scopes, after uint64, limit int) ([]Record, error)
	// Newest returns the last commit that touched one of the scopes: that changed a record in it, brought one or took one away.
	Newest(scopes Scopes) (uint64, error)
	// Moves returns what moved from one scope to another after a commit, in order, at most limit; only of the records that
	// were there at that commit.
	Moves(after uint64, limit int) ([]Move, error)
	// SaveRecords inserts or replaces records, and keeps what they were.
	SaveRecords(records []Record) error
	// Keep keeps what records were between two edits of one transaction, as SaveRecords does with what it replaces.
	Keep(records []Record) error
	// Former returns the atoms of what a record was before, as far as kept, the newest first, at most limit.
	Former(id string, limit int) ([]map[string][]Version, error)

	// Deleted returns records that are deleted and not collected, with after < Seq <= upto, in the order of Seq, at most limit.
	Deleted(after, upto uint64, limit int) ([]Record, error)
	// Written returns records whose clock has an entry of the actor, with Seq <= upto, in the order of Seq, at most limit.
	Written(actor uint32, upto uint64, limit int) ([]Record, error)
	// Replace is SaveRecords for records whose content is what it was: of what they were nothing is kept.
	Replace(records []Record) error
	// Forget drops the moves up to a commit but for each record's last, and notes the commit as Head.GC. emptied are the scopes of
	// records that were made stones, each with the last commit of such a one.
	Forget(upto uint64, emptied map[string]uint64) error
	// Forgotten returns the last commit of which something in one of the scopes was forgotten: a stone, or a move out of it.
	Forgotten(scopes Scopes) (uint64, error)

	// Sum returns the sum of what stands in the scopes, deleted records apart. It is kept from commit to commit and costs no
	// look at the records; known is false while the store has not counted the card.
	Sum(scopes Scopes) (sum wire.Sum, known bool, err error)
	// Digests returns the digests of what stands in the scopes with from <= id < to, deleted records apart, by id, at most limit. An
	// empty from or to is no bound.
	Digests(scopes Scopes, from, to string, limit int) ([]wire.Entry, error)

	// Actors returns all actors that the card ever had, retired ones too, by ordinal. Ordinals are never given twice.
	Actors() ([]Actor, error)
	// Actor returns one; ok is false if there is none.
	Actor(ordinal uint32) (actor Actor, ok bool, err error)
	// SaveActor inserts or replaces one.
	SaveActor(actor Actor) error

	// Decisions returns what was decided on the actor's mutations from <= n <= to, as far as kept, by n.
	Decisions(actor uint32, from, to uint64) ([]Decision, error)
	// SaveDecisions adds some.
	SaveDecisions(actor uint32, decisions []Decision) error
	// DropDecisions forgets those with n <= to: the device has them.
	DropDecisions(actor uint32, to uint64) error
}

// Head is where a card stands.
type Head struct {
	Seq   uint64 // the last commit
	GC    uint64 // up to here the card was collected: see Server.Collect
	Epoch string // changes when the server was restored from a backup, so that sequence numbers may come again
}

// Move is a record that went from one scope to another.
type Move struct {
	ID       string
	Seq      uint64
	From, To string
}

// Actor is one writer of a card: an installation of the SDK, or the server itself (ordinal 0, never stored).
type Actor struct {
	Ordinal  uint32 // within the card; never reused
	Device   string
	Key      string // public key of the installation, opaque here
	LMID     uint64 // the last mutation processed
	Acked    uint64 // the last whose result is durable on the device
	Low      uint64 // no edit can arrive that was opened before this commit, of what the device may see
	LastSeen time.Time
	State    ActorState
}

// ActorState says whether an actor may still write.
type ActorState string

// The states of an actor.
const (
	Live      ActorState = "live"
	Writing   ActorState = "writing"   // live, and has written in the card's present epoch: it will not come with an older one
	Retired   ActorState = "retired"   // silent for too long
	Forgotten ActorState = "forgotten" // retired, and no clock of a record holds it any more
)

func (s ActorState) live() bool { return s == Live || s == Writing }

// Decision is what was decided on one mutation, kept until the device has it.
type Decision struct {
	N       uint64
	Hash    [32]byte // of the mutation: another payload under the same n is a fork
	Outcome string   // a wire.Outcome
	Code    string
}
