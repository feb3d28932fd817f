package consent

import (
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
)

// Proposal is an organisation that asks to be let in before it knows whose card it is. It shows a code; whoever reads it with his phone is
// told who asks, for what, why and how long, and lets it into a card of his, as far as he likes.
type Proposal struct {
	ID           GrantID // of the grant that it becomes, too
	Client       identity.ClientID
	Organisation string
	Person       identity.Person // who asks, as the organisation signed it; empty = a system
	Scopes       card.Scopes
	Purpose      Purpose
	Ends         time.Time // of the grant, at the latest
	Expires      time.Time // until when the code stands
	Card         card.ID   // into which it was let; "" = none yet
}

// ProposalTerm is how long a code stands: somebody is looking at it, or it serves nobody.
const ProposalTerm = 15 * time.Minute

// Open reports whether it waits for an answer.
func (p Proposal) Open(now time.Time) bool { return p.Card == "" && now.Before(p.Expires) }
