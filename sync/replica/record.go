package replica

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/medcard/medcard/sync/vclock"
)

// Record is the server's copy of one record: what stands in it now, and just enough history to judge late edits.
type Record struct {
	ID    string
	Kind  string
	Scope string
	Seq   uint64 // the commit, in the card's order, that changed it last; no two records share one
	VV    vclock.Clock
	Atoms map[string][]Version // the smallest units of merge; more than one version = an open conflict
	// Deleted records keep their atoms until they are collected: an edit made elsewhere before the deletion was known
	// brings the record back whole, whichever of the two arrives first.
	Deleted bool
	// Collected says that the deletion is known to all, and nothing but this stone is left of the record. Nobody but the server
	// brings it back.
	Collected bool
	Date      time.Time // when the fact happened; zero = unknown
}

// Version is one value of one atom.
type Version struct {
	Dot   vclock.Dot      `json:"dot"`
	Seq   uint64          `json:"seq"` // the commit that wrote it, or that showed it anew (a revival, another scope)
	HLC   vclock.HLC      `json:"hlc,omitempty"`
	Value json.RawMessage `json:"v"`
}

// Scopes is a set of scopes. A member holds itself and the parts of itself ("rx.general" also "rx.general.current"), and may be a pattern:
// "lab.*" holds every label of a class, "*.hiv" one label of all classes, "*" holds everything.
type Scopes []string

// Holds says whether the set holds the scope.
func (s Scopes) Holds(scope string) bool {
	for _, pattern := range s {
		if pattern == "*" {
			return true
		}
		if part, ok := strings.CutPrefix(scope, pattern); ok && (part == "" || part[0] == '.') {
			return true
		}
		if label, ok := strings.CutPrefix(pattern, "*."); ok {
			_, rest, _ := strings.Cut(scope, ".")
			if part, ok := strings.CutPrefix(rest, label); ok && (part == "" || part[0] == '.') {
				return true
			}
		}
		if class, ok := strings.CutSuffix(pattern, "*"); ok && strings.HasSuffix(class, ".") && strings.HasPrefix(scope, class) {
			return true
		}
	}
	return false
}
