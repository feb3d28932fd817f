package prescription

import (
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
)

// Filed is a receipt as it came, and what became of it.
type Filed struct {
	Hash    Digest
	By      identity.ClientID // who uploaded it
	Device  DeviceKey         // zero where it names none
	Number  uint64
	Came    time.Time
	Outcome Outcome
	Doubt   Doubt // of one that is or was in quarantine
	Chained bool  // it is a link of its device's chain, whatever else is wrong with it
	Text    string

	Decided   time.Time // by an operator; zero = not
	DecidedBy string
	Decision  string // the operator's reason
}

// Outcome is what became of a receipt. The words travel and are stored.
type Outcome string

// The outcomes.
const (
	Applied     Outcome = "applied"
	CaseOpened  Outcome = "case" // applied, and something about it has to be looked at by people
	Quarantined Outcome = "quarantined"
	Dismissed   Outcome = "dismissed"
)

// Whose leads from a list of things that somebody waits for to the prescription in its card.
type Whose struct {
	Card         card.ID
	Prescription ID
}

// Deferred is a prescription that a pharmacy has ordered the medicine for.
type Deferred struct {
	Whose
	Supply Supply
}

// Concerned is a prescription of which a receipt became a case.
type Concerned struct {
	Whose
	Receipt Digest
	At      time.Time
}
