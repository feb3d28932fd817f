package replica

import (
	"encoding/json"
	"time"
)

// Policy is how edits of one kind of record meet.
type Policy uint8

// The policies.
const (
	// Immutable: written by the server only (clinics' documents); what devices send is refused.
	Immutable Policy = iota
	// Siblings: concurrent values stand side by side, the newest is shown, and a person resolves.
	Siblings
	// Command: a request to a state machine of the server; no merge. The rule's Command decides.
	Command
)

// Rule is all that the engine has to know about a kind.
type Rule struct {
	Policy Policy
	Scope  string // the scope of records that devices create
	// Check refuses content, by the new values per atom: it returns the code to refuse with, or "". It must depend on
	// nothing but its argument. nil accepts everything.
	Check func(atoms map[string]json.RawMessage) (code string)
	// Date says when the fact of a created record happened. nil, or a zero answer: when it was written, by its writer's clock.
	Date func(atoms map[string]json.RawMessage) time.Time
	// Command is the state machine of a Command kind: from what stands and what is asked to what stands then, or a code to
	// refuse with. Pure.
	Command func(current, asked map[string]json.RawMessage) (next map[string]json.RawMessage, code string)
}

// Rules maps kinds to rules. A kind without a rule is refused.
type Rules map[string]Rule
