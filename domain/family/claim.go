package family

import (
	"errors"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Named is a person as a document names him.
type Named struct {
	Name   card.Name
	Born   card.Date       // to the day
	SNILS  identity.SNILS  // "" = the document does not tell it
	Policy identity.Policy // the same
}

// Whole reports whether there are a name and a day of birth.
func (n Named) Whole() bool { return folded(n.Name) != "" && n.Born.Precision() == card.Day }

// Same reports whether two documents name the same person.
func (n Named) Same(other Named) bool {
	return folded(n.Name) == folded(other.Name) && n.Born == other.Born && n.SNILS == other.SNILS && n.Policy == other.Policy
}

// Is reports whether a card's person is the one whom the document names: by a name that he has or had, and by the date of birth as
// precisely as the card knows it. Case, spaces and the dots of ё make no difference.
func (n Named) Is(p card.Person, born card.Date) bool {
	fits := folded(n.Name) == folded(p.Name)
	for _, former := range p.Former {
		fits = folded(n.Name) == folded(former) || fits
	}
	return fits && n.Whole() && n.Born.Agrees(born)
}

func folded(n card.Name) string { return identity.Folded(n.Full()) }

// Numbers are those by which a card is looked for.
func (n Named) Numbers() (list []card.Number) {
	if n.SNILS != "" {
		list = append(list, card.Number{System: card.SystemSNILS, Value: string(n.SNILS)})
	}
	if n.Policy != "" {
		list = append(list, card.Number{System: card.SystemOMS, Value: string(n.Policy)})
	}
	return list
}

// Claim is what somebody says who wants to act for a patient and has no tie to the card yet: both persons as the document names them, and
// what it lets him do. It proves nothing until a reviewer has looked at the document.
type Claim struct {
	Card    card.ID           // to which the patient's data led
	Device  identity.DeviceID // from where it was filed
	Basis   Basis
	Level   Level
	Powers  Powers
	Until   time.Time // zero = the document names no end
	Patient Named
	Agent   Named
	Checks  []Check
	Opened  consent.RepresentationID // by its approval; "" = not yet
}

// Proven is what the document proves once it is approved.
func (c Claim) Proven(agent identity.AccountID) Proven {
	return Proven{Card: c.Card, Agent: agent, Device: c.Device, Level: c.Level, Basis: c.Basis, Powers: c.Powers, Until: c.Until}
}

// Repeats reports whether a claim says what another one says: it is the same, sent again because the answer was lost.
func (c Claim) Repeats(other Claim) bool {
	return c.Basis == other.Basis && c.Level == other.Level && c.Powers == other.Powers && c.Until.Equal(other.Until) && c.Patient.Same(other.Patient) && c.Agent.Same(other.Agent)
}

// Subject is a line of the list by which a claim is checked before anybody looks at it.
type Subject string

// The subjects.
const (
	TheDocument Subject = "document" // is of a kind that makes representatives
	TheTerm     Subject = "term"     // has not run out, and is no longer than a document's may be
	TheAge      Subject = "age"      // of both persons allows for it
	TheAgent    Subject = "agent"    // name and date of birth are those of the claimant's own card
	ThePatient  Subject = "patient"  // name, date of birth and numbers are those of one card
)

// Finding is what a check found.
type Finding string

// The findings.
const (
	Matched    Finding = "matched"
	Mismatched Finding = "mismatched"
	Unknown    Finding = "unknown" // there is nothing to compare with: the reviewer does
)

// Check is one line of the list.
type Check struct {
	Subject Subject
	Finding Finding
}

// Why a claim is refused. The text of ErrPatientMismatch is the same whether there is no such card or one that says otherwise.
const (
	CodeTermOver        fault.Code = "claim.term_over"
	CodeAge             fault.Code = "claim.age"
	CodeAgentMismatch   fault.Code = "claim.agent_mismatch"
	CodePatientMismatch fault.Code = "claim.patient_mismatch"
)

var (
	// ErrClaim is a claim that does not name two whole persons, or no number of the patient.
	ErrClaim = fault.New(fault.Invalid, "claim.incomplete", "Name both persons as the document does, with their dates of birth, and the patient's SNILS or policy number.")
	// ErrMismatch has a field for each line that does not fit.
	ErrMismatch = fault.New(fault.Invalid, "claim.mismatch", "The claim does not fit; fields tells what. Type it as it stands on the document, or ask the desk of the patient's clinic.")
	// ErrNoClaim says that the account has no claim of the name that waits.
	ErrNoClaim = fault.New(fault.NotFound, "claim.not_found", "You have no such claim that is being checked.")
	// ErrNoDocument is access that is asked for without a document.
	ErrNoDocument = fault.New(fault.Denied, "claim.no_document", "Nobody acts for a patient without a document: send its pages first, PUT /v1/me/documents/{slot}/files/1.")
	// ErrClaims says that too many claims of the account wait.
	ErrClaims = fault.New(fault.Conflict, "claim.too_many", "Five of your claims are being checked. Wait for a verdict, or withdraw one.")
)

// MaxClaims is how many claims of one account may wait at once.
const MaxClaims = 5

// mismatches word what does not fit, in the order of the list.
var mismatches = []struct {
	subject Subject
	code    fault.Code
	where   string
	why     string
}{
	{TheTerm, CodeTermOver, "body.until", "the document's term is over"},
	{TheAge, CodeAge, "body.patient.born", "by these dates of birth nobody is represented so"},
	{TheAgent, CodeAgentMismatch, "body.agent", "the name or the date of birth is not that of your own card"},
	{ThePatient, CodePatientMismatch, "body.patient", "there is no card that has all of this, or it says otherwise"},
}

// Examine goes through the list. agent says how the claimant's own card stands to the agent named, patient whether the patient named is
// the one of a card. A fault says what does not fit, without a word of what the cards say; the list is whole in either case.
func (c Claim) Examine(agent Finding, patient bool, zone *time.Location, now time.Time) ([]Check, error) {
	if !c.Patient.Whole() || !c.Agent.Whole() || len(c.Patient.Numbers()) == 0 {
		return nil, ErrClaim
	}
	over := !c.Until.IsZero() && !c.Until.After(now)
	proven := c.Proven("")
	if over {
		proven.Until = now.Add(time.Second) // that it is over is a line of the list; the rest is judged all the same
	}
	_, judged := New("", proven, c.Patient.Born, zone, now)
	aged := errors.Is(judged, ErrAdult) || c.Basis.parental() && !c.Agent.Born.Earliest().Before(c.Patient.Born.Earliest())
	if judged != nil && !aged {
		return nil, judged
	}
	found := map[Subject]Finding{TheDocument: Matched, TheTerm: fits(!over), TheAge: fits(!aged), TheAgent: agent, ThePatient: fits(patient)}
	var list []Check
	for _, s := range []Subject{TheDocument, TheTerm, TheAge, TheAgent, ThePatient} {
		list = append(list, Check{s, found[s]})
	}
	refusal := ErrMismatch
	for _, m := range mismatches {
		if found[m.subject] == Mismatched {
			refusal = refusal.Against(m.code, m.where, m.why)
		}
	}
	if len(refusal.Fields) > 0 {
		return list, refusal
	}
	return list, nil
}

func fits(does bool) Finding {
	if does {
		return Matched
	}
	return Mismatched
}
