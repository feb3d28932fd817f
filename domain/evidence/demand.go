package evidence

import (
	"slices"
	"time"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// What may be missing before a person sees health data. The same codes stand in the answer to who asks for himself and in the refusal
// to who asks for the data. (A contact that is not confirmed is none of them: without both there is no account.)
const (
	NoDocument   fault.Code = "documents.not_approved"
	NoPolicy     fault.Code = "policy.not_linked"
	OtherPatient fault.Code = "proof.other_patient" // what was proved is another person's than the card
	NotShown     fault.Code = "proof.missing"       // nothing that was proved can be compared with the card
)

// ByInsurer is the word for a policy that its insurer confirmed, among the slots of a demand.
const ByInsurer = "insurer"

// Demand is what an operator wants to see before a card that a person redeemed is opened to him. The zero value demands nothing: the
// desk of the clinic that opened the card has seen the person.
type Demand struct {
	Documents []Slot
	Policy    bool // confirmed by the insurer
}

// ParseDemand reads the words of a demand: slots of documents on the person himself, and ByInsurer. ok is false where one is neither.
func ParseDemand(words []string) (d Demand, ok bool) {
	for _, w := range words {
		switch s := Slot(w); {
		case w == ByInsurer:
			d.Policy = true
		case s.Known() && s.Code() == 0 && !slices.Contains(d.Documents, s):
			d.Documents = append(d.Documents, s)
		default:
			return Demand{}, false
		}
	}
	return d, true
}

// Lack is one thing that is missing.
type Lack struct {
	Code     fault.Code
	Document Slot // of NoDocument and OtherPatient
}

// Missing lists what the demand lacks in somebody of whom these documents were approved, and whose policy is confirmed or is not.
func (d Demand) Missing(approved []Slot, linked bool) []Lack {
	var missing []Lack
	for _, s := range d.Documents {
		if !slices.Contains(approved, s) {
			missing = append(missing, Lack{Code: NoDocument, Document: s})
		}
	}
	if d.Policy && !linked {
		missing = append(missing, Lack{Code: NoPolicy})
	}
	return missing
}

// Nothing reports whether nothing is demanded.
func (d Demand) Nothing() bool { return len(d.Documents) == 0 && !d.Policy }

// Asks reports whether the demand names the slot.
func (d Demand) Asks(s Slot) bool { return slices.Contains(d.Documents, s) }

// LinkState says how far the confirmation of a policy is.
type LinkState string

// The states.
const (
	Pending LinkState = "pending" // its insurer was asked, or sent a code that was not typed in yet
	Linked  LinkState = "linked"
	Failed  LinkState = "failed" // the number belongs to somebody else here, or its insurer did not confirm it
)

// Link is a person's policy of compulsory medical insurance on its way to be confirmed. A person has one.
type Link struct {
	Account   identity.AccountID
	Challenge string // what the code answers, a UUID
	Number    identity.Policy
	State     LinkState
	Asked     time.Time
	Settled   time.Time // zero = pending
	Question            // of a policy whose insurer is connected; zero = the code goes to the account's own number
}
