package wire

import (
	"crypto/sha256"
	"encoding/json"

	"github.com/medcard/medcard/sync/vclock"
)

// Op is what a mutation does to its record.
type Op string

// The operations. A patch replaces at most one value of each atom; only a resolve may replace several, since only it was
// made by a person who had all of them on the screen.
const (
	OpCreate  Op = "create"
	OpPatch   Op = "patch"
	OpDelete  Op = "delete"
	OpResolve Op = "resolve"
	OpCommand Op = "command"
)

// Mutation is one edit of one record by one actor. (actor, N) is its identity: sent again it is the same mutation, and
// no second one may ever carry it.
type Mutation struct {
	N    uint64 `json:"n"`
	Op   Op     `json:"op"`
	ID   string `json:"id"`
	Kind string `json:"kind"`
	// At, Ctx and each Seen are what the editor showed when it was OPENED, never what the phone knew when it sent.
	At string `json:"at,omitempty"`
	// Epoch is that of Ctx and Seen where no At says it: an editor may be opened before the first answer is whole.
	Epoch string       `json:"epoch,omitempty"`
	Ctx   vclock.Clock `json:"ctx,omitempty"`
	// HLC is when it was saved. An installation gives no stamp twice: an edit that comes again under another actor is known by it.
	HLC   vclock.HLC        `json:"hlc,omitempty"`
	Atoms map[string]Change `json:"atoms,omitempty"`
}

// Change is the new value of one atom, and the dots of the values that it replaces. The JSON null empties the atom.
type Change struct {
	V    json.RawMessage `json:"v"`
	Seen []vclock.Dot    `json:"seen,omitempty"`
}

// Hash tells mutations with one identity apart: a retry hashes alike, a fork of the actor does not. What is hashed is the mutation's
// JSON, in one form: members and atoms in one order, values as they are, which Decode has brought into their compact form.
func (m Mutation) Hash() [32]byte { return sha256.Sum256(appendMutation(nil, m)) }

// Outcome is what became of a mutation.
type Outcome string

// The outcomes. Each is final: a mutation is judged once, and asking again gives the same answer.
const (
	Accepted Outcome = "accepted" // it is the value now
	Conflict Outcome = "conflict" // kept, but not alone: Code says how it stands
	Refused  Outcome = "refused"  // not kept: Code says why; the person keeps the text
)

// Result is the answer to one mutation.
type Result struct {
	N       uint64  `json:"n"`
	Outcome Outcome `json:"outcome"`
	Code    string  `json:"code,omitempty"`
}

// Codes of results.
const (
	CodeSibling        = "sibling"         // conflict: another value that the editor had not seen stands beside it
	CodeRevived        = "revived"         // conflict: the record had been deleted meanwhile; the edit brought it back
	CodeEditedSince    = "edited_since"    // conflict: not deleted, because someone edited what the deleter had not seen
	CodeReadOnly       = "read_only"       // refused: this kind is written by clinics only, or this person may read here and not write
	CodeUnknownKind    = "unknown_kind"    // refused: this server does not know the kind
	CodeUnknownRecord  = "unknown_record"  // refused: no such record, or none that this device may know of
	CodeRecordDeleted  = "record_deleted"  // refused: the record is gone; offer the text as a new record
	CodeAccessEnded    = "access_ended"    // refused: the record was visible to this device once and is not any more
	CodeResolveNeeded  = "resolve_needed"  // refused: replaces several values without being a resolve
	CodeInvalid        = "invalid"         // refused: the kind does not take this content
	CodeTooLarge       = "too_large"       // refused: the record would grow beyond what fits into one line
	CodeWrongOperation = "wrong_operation" // refused: the kind does not take this operation
)
