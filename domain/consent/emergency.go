package consent

import (
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
)

// EmergencyReason is why a card had to be opened without its owner's consent (323-FZ, article 13, part 4).
type EmergencyReason string

// The reasons.
const (
	Unconscious EmergencyReason = "unconscious" // the patient cannot say what he wants
	LifeThreat  EmergencyReason = "lifeThreat"  // there is no time to ask
	Contagion   EmergencyReason = "contagion"   // a disease threatens to spread
)

// Known reports whether the reason is one of those above.
func (r EmergencyReason) Known() bool {
	return r == Unconscious || r == LifeThreat || r == Contagion
}

// Verdict is what the review of an emergency came to; "" = it waits.
type Verdict string

// The verdicts.
const (
	Justified   Verdict = "justified"
	Unjustified Verdict = "unjustified"
)

// Terms of emergencies.
const (
	EmergencyLasts = time.Hour
	ReviewTerm     = 72 * time.Hour
)

// Opening is one opening of a card in an emergency by a clinic's person without the owner's consent. It is a grant as any other, so the owner may end
// it at once, and no restriction gives way to it.
type Opening struct {
	ID       GrantID // of the grant, too
	Card     card.ID
	Client   identity.ClientID
	Clinic   string // display name, as it was
	Person   identity.Person
	Scopes   card.Scopes
	Reason   EmergencyReason
	Words    string // the person's own, for who reviews it and for the owner
	Opened   time.Time
	Ends     time.Time
	Due      time.Time // when it is to be reviewed by
	Verdict  Verdict
	Reviewed time.Time
	Reviewer string
	Finding  string // the reviewer's words
}
