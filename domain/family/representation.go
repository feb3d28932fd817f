// Package family names who may act for a patient that cannot do so himself, or asked another to: a child's parents and guardians, and
// attorneys. Such a Representation is a right and lets nobody in: grants come from it (consent.Grant), and consent.Decide judges those.
//
// # What opens how
//
// A child's card is opened for 24 hours at a time, on one installation of the app (see Representation.Open): whoever finds the phone
// of a parent a week later finds nothing. That of an adult who gave a power of attorney is open while it runs.
//
// A level is a set of sections: Full has all of them, Limited current prescriptions and results, but for what is gravely secret, and nothing
// is written at either. Manage is Full with the right to write, for practitioners only. Attorneys write as far as their Powers go.
//
// # The turn
//
// From the 15th birthday on a teenager decides for himself who sees his card (323-FZ, articles 20, 22 and 54), but for what is labelled as
// addiction, where it is the 16th, and at the 18th the representation is over. A teenager who wants a parent to go on seeing gives him a
// grant as to anybody else.
//
// A birthday begins at midnight where the card is kept. Who was born on the 29th of February comes of age on the 28th in other years, as a
// term ends on the last day of a month that lacks its day (Civil Code, article 192). Of a birth date that is not known to the day the
// earliest counts: access that ends too early is asked for again, what was seen too long is not unseen.
package family

import (
	"slices"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Basis is the document that proves a right to represent. The codes are those of NSI 1.2.643.5.1.13.13.99.2.313.
type Basis string

// The bases, each with its code in the register.
const (
	BirthCertificate    Basis = "birthCertificate"    // 1
	GuardianOrder       Basis = "guardianOrder"       // 2
	TrusteeOrder        Basis = "trusteeOrder"        // 3
	PowerOfAttorney     Basis = "powerOfAttorney"     // 4
	AdoptionCertificate Basis = "adoptionCertificate" // 5
)

// Known reports whether the basis is one of those above.
func (b Basis) Known() bool {
	return slices.Contains([]Basis{BirthCertificate, GuardianOrder, TrusteeOrder, PowerOfAttorney, AdoptionCertificate}, b)
}

// parental reports whether the basis makes somebody a parent, which ends when the child is of age.
func (b Basis) parental() bool { return b == BirthCertificate || b == AdoptionCertificate }

// Level says how much of a card a representative sees.
type Level string

// The levels.
const (
	Full    Level = "full"
	Limited Level = "limited"
	Manage  Level = "manage" // Full, and writes: practitioners only
)

// Known reports whether the level is one of those above.
func (l Level) Known() bool { return l == Full || l == Limited || l == Manage }

// sections are the classes that there are. A class that is forgotten here is hidden rather than shown.
var sections = []string{"identity", "visit", "dx", "lab", "rx", "vaccine", "plan", "vitals", "note", "referral", "doc"}

// labelled gives all sections under a label, "*" for every label.
func labelled(label string) (scopes card.Scopes) {
	for _, class := range sections {
		scopes = append(scopes, card.Scope(class+"."+label))
	}
	return scopes
}

// Scopes are what the level shows.
func (l Level) Scopes() card.Scopes {
	switch l {
	case Full, Manage:
		return labelled("*")
	case Limited:
		return card.Scopes{card.ScopeOf(card.KindPrescription, card.General).Current(), card.ScopeOf(card.KindObservation, card.General)}
	}
	return nil
}

// Powers are what a power of attorney names.
type Powers struct{ View, Upload, Change bool }

// Words are the powers in a list.
func (p Powers) Words() []string {
	words := []string{}
	for _, w := range []struct {
		word string
		has  bool
	}{{"view", p.View}, {"upload", p.Upload}, {"change", p.Change}} {
		if w.has {
			words = append(words, w.word)
		}
	}
	return words
}

// PowersOf makes powers of their words; others say nothing.
func PowersOf(words []string) Powers {
	return Powers{View: slices.Contains(words, "view"), Upload: slices.Contains(words, "upload"), Change: slices.Contains(words, "change")}
}

// State says how a representation stands, in a word for lists.
type State string

// The states.
const (
	Running State = "running"
	Over    State = "over"  // its term or the principal's childhood is
	Ended   State = "ended" // by somebody
	Held    State = "held"  // the server was restored from a backup
)

// Representation is the right of an account's person, the agent, to act for the patient of a card, the principal.
type Representation struct {
	ID     consent.RepresentationID
	Card   card.ID
	Agent  identity.AccountID
	Level  Level
	Basis  Basis
	Powers Powers // of an attorney
	Turns  Turns  // of a principal who was not of age when it began
	Since  time.Time
	Until  time.Time // by its document; zero = it names no end
	Ended  time.Time // somebody ended it; zero = nobody did
	Held   time.Time // the server was restored since, and cannot know whether it was ended; zero = it was not
}

// Proven is a representation as its document proves it.
type Proven struct {
	Card   card.ID
	Agent  identity.AccountID
	Device identity.DeviceID // from where he asked for it: a child's card opens there at once; "" = nowhere yet
	Level  Level
	Basis  Basis
	Powers Powers // of an attorney, else none
	Until  time.Time
}

// Author is who wrote a version of a record in the patient's name.
type Author struct {
	Agent          identity.AccountID
	OnBehalfOf     card.ID // the principal's card
	Representation consent.RepresentationID
	At             time.Time
}

// Why a representation is refused.
var (
	ErrKind         = fault.New(fault.Invalid, "representation.invalid", "Name a basis and a level of the lists, powers for a power of attorney and no others, and an end in the future, if any.")
	ErrTerm         = fault.New(fault.Invalid, "representation.no_term", "A power of attorney has a term: name its end, at most ten years from now.")
	ErrAdult        = fault.New(fault.Conflict, "representation.of_age", "The patient is of age, so nobody represents him as a parent.")
	ErrBirth        = fault.New(fault.Conflict, "birth_date.unknown", "The card does not tell when the patient was born, so nobody knows when his own word begins to count.")
	ErrStaff        = fault.New(fault.Denied, "practitioner.required", "The level manage is for medical staff: a clinic has to say first that the person is a practitioner of its own.")
	ErrSelf         = fault.New(fault.Invalid, "representation.self", "The card is the person's own.")
	ErrNone         = fault.New(fault.NotFound, "representation.not_found", "There is no such representation, or it is over.")
	ErrNothing      = fault.New(fault.Denied, "representation.own_word", "The patient is old enough to decide himself who sees the card. Ask him to let you in.")
	ErrStanding     = fault.New(fault.Conflict, "representation.open", "The card of who is of age is open to his attorney anyway.")
	ErrRunning      = fault.New(fault.Conflict, "proxy_token.running", "The card is open on this phone already. A token is not made longer: ask for another one when it has ended.")
	ErrPhones       = fault.New(fault.Conflict, "proxy_token.too_many", "The card was opened on too many phones of late.")
	ErrNoToken      = fault.New(fault.NotFound, "proxy_token.not_found", "There is no such token, or it has ended.")
	ErrRestoredHeld = fault.New(fault.Denied, "representation.held", "The server was restored from a backup, so the document has to be shown again.")
)

// longest is the longest term of a power of attorney that is accepted at once.
const longest = 10 * 366 * 24 * time.Hour

// New judges a representation of a patient who was born on the date, at the instant. born must be known; zone is where the card is kept.
func New(id consent.RepresentationID, p Proven, born card.Date, zone *time.Location, now time.Time) (Representation, error) {
	r := Representation{ID: id, Card: p.Card, Agent: p.Agent, Level: p.Level, Basis: p.Basis, Powers: p.Powers, Since: now, Until: p.Until}
	switch attorney := p.Basis == PowerOfAttorney; {
	case !p.Basis.Known(), !p.Level.Known(), attorney != (p.Powers != Powers{}), attorney && !p.Powers.View, !p.Until.IsZero() && !p.Until.After(now):
		return r, ErrKind
	case attorney && (p.Until.IsZero() || p.Until.Sub(now) > longest):
		return r, ErrTerm
	case born.Precision() == card.Unknown:
		return r, ErrBirth
	}
	turns := TurnsOf(born, zone)
	if now.Before(turns.Majority) {
		r.Turns = turns
	} else if p.Basis.parental() {
		return r, ErrAdult
	}
	return r, nil
}

// Child reports whether the principal was not of age when it began: his card is opened by tokens.
func (r Representation) Child() bool { return !r.Turns.Majority.IsZero() }

// Ends is when the representation is over by itself; zero = never.
func (r Representation) Ends() time.Time {
	if r.Child() && (r.Until.IsZero() || r.Turns.Majority.Before(r.Until)) {
		return r.Turns.Majority
	}
	return r.Until
}

// Runs reports whether the representation has not ended.
func (r Representation) Runs(now time.Time) bool {
	ends := r.Ends()
	return r.Ended.IsZero() && (ends.IsZero() || now.Before(ends))
}

// State tells how the representation stands at the instant.
func (r Representation) State(now time.Time) State {
	switch {
	case !r.Ended.IsZero():
		return Ended
	case !r.Runs(now):
		return Over
	case !r.Held.IsZero():
		return Held
	}
	return Running
}

// Reach is what the representation opens at the instant, and until when that stays so; zero = for ever. Nothing is no scopes.
func (r Representation) Reach(now time.Time) (scopes card.Scopes, until time.Time) {
	until = r.Ends()
	if !r.Runs(now) {
		return nil, until
	}
	scopes = r.Level.Scopes()
	if !r.Child() {
		return scopes, until
	}
	switch t := r.Turns; {
	case now.Before(t.Consent):
		until = earlier(until, t.Consent)
	case now.Before(t.Addiction):
		scopes, until = secrets(scopes), earlier(until, t.Addiction)
	default:
		scopes = nil
	}
	return scopes, until
}

// Speaks reports whether the agent is told, in place of a patient who has no account, what is done with the card: he represents him wholly, and
// the patient does not decide himself. An attorney's patient does.
func (r Representation) Speaks(now time.Time) bool {
	scopes, _ := r.Reach(now)
	return r.Level != Limited && r.Basis != PowerOfAttorney && r.Held.IsZero() && len(scopes) > 0
}

// secrets are those of the scopes in which addiction stands.
func secrets(scopes card.Scopes) (found card.Scopes) {
	for _, s := range labelled(card.Addiction) {
		if scopes.Holds(s) {
			found = append(found, s)
		}
	}
	return found
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// writes are what the agent may do besides reading.
func (r Representation) writes() consent.Powers {
	if r.Level == Manage {
		return consent.Powers{Add: true, Change: true, Staff: true}
	}
	return consent.Powers{Add: r.Powers.Upload, Change: r.Powers.Change}
}

// TokenLife is how long a child's card stays open on one phone. A token is not renewed: the next one asks for a second factor again.
const TokenLife = 24 * time.Hour

// Open is the grant of a token: the child's card on one installation of the app, for TokenLife or up to the turn that comes before.
func (r Representation) Open(id consent.GrantID, device identity.DeviceID, now time.Time) (consent.Grant, error) {
	switch {
	case !r.Runs(now):
		return consent.Grant{}, ErrNone
	case !r.Held.IsZero():
		return consent.Grant{}, ErrRestoredHeld
	case !r.Child():
		return consent.Grant{}, ErrStanding
	case device == "":
		return consent.Grant{}, ErrKind
	}
	g, err := r.grant(id, now)
	g.Device, g.Ends = device, earlier(g.Ends, now.Add(TokenLife))
	return g, err
}

// Stand is the grant of a representation of somebody who is of age.
func (r Representation) Stand(id consent.GrantID, now time.Time) (consent.Grant, error) {
	return r.grant(id, now)
}

func (r Representation) grant(id consent.GrantID, now time.Time) (consent.Grant, error) {
	scopes, until := r.Reach(now)
	if len(scopes) == 0 {
		return consent.Grant{}, ErrNothing
	}
	return consent.Grant{
		ID: id, Card: r.Card, Role: consent.Proxy, Account: r.Agent, Scopes: scopes, Purpose: consent.PatientRequest, Starts: now, Ends: until,
		Powers: r.writes(), Representation: r.ID,
	}, nil
}
