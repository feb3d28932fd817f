package audit

import (
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// Standing says how the person of an entry stood to the card, to whoever reads its log.
type Standing string

// The standings of people; an organisation, an operator and Medcard itself have none.
const (
	Self  Standing = "self"  // the reader himself
	Owner Standing = "owner" // the card's owner, where somebody else reads
	LetIn Standing = "letIn" // a person whom the owner let see a part of the card
	Agent Standing = "agent" // who acted in the patient's name
	Other Standing = "other" // none of them: somebody who was not let in
)

// Line is an entry as the reader of the card's log is told it. What it says beyond the entry was found out when it was read: it is no part of
// what the log proves.
type Line struct {
	Entry
	Standing Standing
	Device   string          // Self: what the reader called the installation; "" = it is not among his any more
	Grant    consent.GrantID // LetIn: by which he came
}

// LineFor says who an entry's person was to the reader: by the card's grants, ended ones included, and the names of the reader's installations.
func LineFor(reader identity.AccountID, e Entry, grants []consent.Grant, named map[identity.DeviceID]string) Line {
	l := Line{Entry: e}
	switch who := e.Actor.Account; {
	case who == "":
	case who == reader:
		l.Standing, l.Device = Self, named[e.Actor.Device]
	case e.Representation != "":
		l.Standing = Agent
	default:
		l.Standing = Other
		switch g := cameBy(e, grants); g.Role {
		case consent.Owner:
			l.Standing = Owner
		case consent.Proxy:
			l.Standing, l.Grant = LetIn, g.ID
		}
	}
	return l
}

// cameBy finds the grant by which an entry's person came: of his the one that began last before it and had not ended. Where none ran then it
// is one that he had at another time: he redeemed the card before it opened, say.
func cameBy(e Entry, grants []consent.Grant) (by consent.Grant) {
	for _, g := range grants {
		if g.Role == consent.Restriction || g.Representation != "" || !g.Reaches(e.Actor) {
			continue
		}
		if by.ID == "" || g.Ran(e.At) && (!by.Ran(e.At) || g.Starts.After(by.Starts)) {
			by = g
		}
	}
	return by
}
