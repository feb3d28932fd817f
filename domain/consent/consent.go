// Package consent decides who may see what. Decide is the only maker of a Permit, and whoever touches health data must show one.
package consent

import (
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Purpose says why someone opens a card; the codes are those of HL7 v3 PurposeOfUse.
type Purpose string

// The purposes that are known here.
const (
	PatientRequest Purpose = "PATRQT" // the patient looks at his own card
	Treatment      Purpose = "TREAT"
	Emergency      Purpose = "ETREAT"
	Operations     Purpose = "HOPERAT" // the system's own upkeep: jobs, code lists
)

// Known reports whether the purpose is one of the codes above.
func (p Purpose) Known() bool {
	switch p {
	case PatientRequest, Treatment, Emergency, Operations:
		return true
	}
	return false
}

// Role says by what right a grantee sees a card.
type Role string

// The roles. Owner is the patient; Reader is an organisation that the patient let in; Proxy is a person whom the patient
// lets see part of the card on a phone. Restriction is the contrary of a right: whom it names (nobody: all but the owner) does not see
// its scopes, whatever lets them in.
const (
	Owner       Role = "owner"
	Reader      Role = "reader"
	Proxy       Role = "proxy"
	Restriction Role = "restriction"
)

// GrantID names a grant, RepresentationID the right of one person to act for another, from which grants come: see package family.
type (
	GrantID          string
	RepresentationID string
)

// Powers are what a Proxy may do besides reading, in what people write: vitals and notes.
type Powers struct {
	Add    bool // new records, with files
	Change bool // what stands there, deleting included
	Staff  bool // the grant holds only while its person is a practitioner, and for sessions that were opened by a passkey or a certificate
}

// Words are the powers as PowersOf reads them.
func (p Powers) Words() []string {
	words := []string{}
	for _, w := range []struct {
		word string
		has  bool
	}{{"add", p.Add}, {"change", p.Change}, {"staff", p.Staff}} {
		if w.has {
			words = append(words, w.word)
		}
	}
	return words
}

// PowersOf makes powers of their words.
func PowersOf(words []string) Powers {
	return Powers{Add: slices.Contains(words, "add"), Change: slices.Contains(words, "change"), Staff: slices.Contains(words, "staff")}
}

// Grant is one right of access to one card, as it stands in the database.
type Grant struct {
	ID      GrantID
	Card    card.ID
	Role    Role
	Account identity.AccountID // Owner, Proxy
	Client  identity.ClientID  // Reader
	Scopes  card.Scopes
	Purpose Purpose           // what a Reader may come for
	Device  identity.DeviceID // Proxy: on this installation only; "" = on all of the account's
	Powers  Powers            // Proxy
	// Representation is by what right a Proxy acts in the patient's name; "" = the patient lets him see.
	Representation RepresentationID
	Starts         time.Time
	Ends           time.Time // zero = no end
	Revoked        time.Time // zero = not revoked
	// Held is since when the grant waits for the owner's word: the server was restored from a backup, which cannot know what was
	// revoked after it. zero = it does not wait.
	Held time.Time
	// Awaits is what an owner has still to prove before he sees the card; "" = nothing. See package evidence.
	Awaits fault.Code
	// Ordered: a Restriction that a court decided. No grant is given to whom it names, and nobody but an operator lifts it.
	Ordered bool
	// Began and Ended are the commits of the card that began and ended it; Ended is 0 while it runs.
	Began, Ended uint64
	// Met and MetAtEnd are, of a Restriction, the scopes of the card in which something stood at those two commits; nil = not known.
	Met, MetAtEnd card.Scopes
}

// At reports whether the grant ran at a commit of the card.
func (g Grant) At(seq uint64) bool { return g.Began <= seq && (g.Ended == 0 || seq < g.Ended) }

// InForce reports whether the grant has begun, not ended, is neither revoked nor held, and awaits nothing. The end itself is outside.
func (g Grant) InForce(now time.Time) bool { return g.Held.IsZero() && g.Awaits == "" && g.given(now) }

// Ran reports whether the grant ran at an instant of the past, as far as it still tells: what was held and confirmed since does not show.
func (g Grant) Ran(at time.Time) bool { return g.given(at) }

// given is InForce but for the owner's word that a held grant waits for, and the proofs that an owner's awaits.
func (g Grant) given(now time.Time) bool {
	if now.Before(g.Starts) || (!g.Ends.IsZero() && !now.Before(g.Ends)) {
		return false
	}
	return g.Revoked.IsZero() || now.Before(g.Revoked)
}

// State says how a grant stands, in a word for lists.
type State string

// The states of a grant.
const (
	Coming  State = "coming" // it has not begun
	Running State = "running"
	Held    State = "held" // it waits for the owner to confirm or revoke it
	Revoked State = "revoked"
	Over    State = "over" // it has run out
)

// State tells how the grant stands at the instant.
func (g Grant) State(now time.Time) State {
	switch {
	case !g.Revoked.IsZero() && !now.Before(g.Revoked):
		return Revoked
	case !g.Ends.IsZero() && !now.Before(g.Ends):
		return Over
	case !g.Held.IsZero():
		return Held
	case now.Before(g.Starts):
		return Coming
	}
	return Running
}

// Restricts reports whether the grant is a restriction that binds the actor, should the card not be his own.
func (g Grant) Restricts(a identity.Actor) bool {
	if g.Role != Restriction {
		return false
	}
	everybody := g.Account == "" && g.Client == ""
	return everybody || g.Account != "" && g.Account == a.Account || g.Client != "" && g.Client == a.Client
}

// Seen reports whether the grants, one person's and what binds him, showed him the scope at a commit of the card.
func Seen(grants []Grant, s card.Scope, at uint64, owner bool) (seen bool) {
	for _, g := range grants {
		switch {
		case !g.At(at) || !g.Scopes.Holds(s):
		case g.Role == Restriction:
			return false
		default:
			seen = owner || !s.Hidden()
		}
	}
	return seen
}

// Felt reports whether a commit that began or ended restrictions changed, for the person of the grants, anything of the scopes in which something
// stood then. Of one that did not he must not learn, then or later.
func Felt(grants []Grant, at uint64, stood card.Scopes) bool {
	return stood == nil || slices.ContainsFunc(stood, func(s card.Scope) bool { return Seen(grants, s, at-1, false) != Seen(grants, s, at, false) })
}

// Changed is the last commit by which the grants, one person's and what binds him, changed what he sees; 0 = none.
func Changed(grants []Grant) (last uint64) {
	for _, g := range grants {
		if g.Role != Restriction || Felt(grants, g.Began, g.Met) {
			last = max(last, g.Began)
		}
		if g.Ended != 0 && (g.Role != Restriction || Felt(grants, g.Ended, g.MetAtEnd)) {
			last = max(last, g.Ended)
		}
	}
	return last
}

// Shown reports whether the grants show the scope to a person, as far as their ends are commits of the card.
func Shown(grants []Grant, to identity.AccountID, s card.Scope) (shown bool) {
	bound := false
	for _, g := range grants {
		if g.Ended != 0 || to == "" || !g.Scopes.Holds(s) {
			continue
		}
		if g.Role == Owner && g.Account == to {
			return true
		}
		bound = bound || g.Restricts(identity.Actor{Account: to})
		shown = shown || g.Role == Proxy && g.Account == to
	}
	return shown && !bound && !s.Hidden()
}

// Reaches reports whether the grant is one of the actor's account, and of the installation that he uses.
func (g Grant) Reaches(a identity.Actor) bool {
	return a.Account != "" && g.Account == a.Account && (g.Device == "" || g.Device == a.Device)
}

func (g Grant) meant(a identity.Actor, p Purpose) bool {
	switch g.Role {
	case Owner, Proxy:
		return a.Kind == identity.Patient && g.Reaches(a) && a.SecondFactor && p == PatientRequest && (a.Practitioner || !g.Powers.Staff)
	case Reader:
		return a.Kind.Organisation() && a.Client != "" && g.Client == a.Client && g.Purpose == p
	}
	return false
}

// Permit is the proof that Decide said yes. It is good for one card, one purpose and the one transaction whose token it
// carries; the store refuses it in any other.
type Permit struct {
	card    card.ID
	actor   identity.Actor
	purpose Purpose
	read    card.Scopes
	deny    card.Scopes
	write   card.Scopes
	add     card.Scopes
	owner   bool
	speaks  bool
	behalf  RepresentationID
	token   *Token
}

// Token stands for one transaction. A store makes one per transaction and hands it to Decide through its own method.
type Token struct{ _ byte }

// Card is the one card that the permit opens.
func (p Permit) Card() card.ID { return p.card }

// Actor is who was let in.
func (p Permit) Actor() identity.Actor { return p.actor }

// Purpose is why.
func (p Permit) Purpose() Purpose { return p.purpose }

// Scopes are what may be read, but for what is Denied.
func (p Permit) Scopes() card.Scopes { return p.read }

// Denied are scopes that may not be read though Scopes hold them. What the owner hid is denied to everybody else besides.
func (p Permit) Denied() card.Scopes { return p.deny }

// Owner reports whether the card is the actor's own.
func (p Permit) Owner() bool { return p.owner }

// Speaks reports whether the actor is told who opened the card: it is his own, or he speaks for its patient.
func (p Permit) Speaks() bool { return p.owner || p.speaks }

// Reads reports whether a record of the scope may be read.
func (p Permit) Reads(s card.Scope) bool {
	return p.read.Holds(s) && !p.deny.Holds(s) && (p.owner || !s.Hidden())
}

// Writes reports whether a record of the scope may be written: added, changed and deleted.
func (p Permit) Writes(s card.Scope) bool { return p.write.Holds(s) }

// Adds reports whether a new record may be written in the scope.
func (p Permit) Adds(s card.Scope) bool { return p.add.Holds(s) }

// Representation is by what right the actor acts in the patient's name; "" = in his own.
func (p Permit) Representation() RepresentationID { return p.behalf }

// Of reports whether the permit was made in the transaction of the token.
func (p Permit) Of(t *Token) bool { return p.token != nil && p.token == t }

// Refusals. To someone who may not know that a card exists both look alike at the door.
var (
	ErrNotOwner = fault.New(fault.Denied, "owner.only", "Only the card's owner may do this.")
	ErrNoGrant  = fault.New(fault.NotFound, "card.not_found", "There is no such card, or you have no right to see it.")
	ErrHeld     = fault.New(fault.Denied, "access.held", "The server was restored from a backup, so the card's owner has to confirm first that you may still see it.")
	// Who redeemed the card is told what he has still to do: that it is there he knows.
	ErrDocuments    = fault.New(fault.Denied, "documents.not_approved", "The card opens once your documents were approved: GET /v1/me says which, PUT /v1/me/documents takes them.")
	ErrPolicy       = fault.New(fault.Denied, "policy.not_linked", "The card opens once your insurer has confirmed your policy: send its number to POST /v1/me/policies, and the code that comes.")
	ErrOtherPatient = fault.New(fault.Denied, "proof.other_patient", "What you proved is another person's than the card: GET /v1/me says which. Send the right one, or ask the clinic that gave you the code.")
	ErrNotShown     = fault.New(fault.Denied, "proof.missing", "The card opens once something that you proved shows that it is yours: confirm your policy, or send your SNILS, policy or passport; GET /v1/me says more.")
	// ErrShredded is told to who owned the card, and to who works on it without having to see it.
	ErrShredded = fault.New(fault.Gone, "card.shredded", "The card was destroyed by order: its key is deleted, and nobody can read it any more. Ask its operator why.")
	// ErrPasskey is told to staff: what a clinic's people see of patients is not lost to who talked one of them out of a password and a code.
	ErrPasskey = fault.New(fault.Denied, "passkey.required", "Medical staff open a card with a passkey or a certificate alone: sign in with one.")
	// A court decided that somebody is to see nothing of a card, whoever would let him.
	ErrBarred  = fault.New(fault.Denied, "order.barred", "A court decided that this person or organisation is to see nothing of the card: the order stands among its restrictions.")
	ErrOwned   = fault.New(fault.Invalid, "order.owner", "The card is the person's own: an order keeps others from it.")
	ErrOrdered = fault.New(fault.Denied, "order.binding", "A court ordered this restriction, so only who carries its orders out can lift it: ask the operator named in the access log.")
	ErrPurpose = fault.New(fault.Malformed, "purpose.missing", "Say why you open the card: send the header Purpose-Of-Use with TREAT, ETREAT, PATRQT or HOPERAT.")
	// An organisation reads through somebody: the patient is to see who.
	ErrPerson = fault.New(fault.Denied, "person.missing", "Only a named person opens a card: sign the claim actor, with sub, name and role, in the client assertion by which the token is asked for.")
)

// Closed reports whether a refusal means that a phone has no access to the card, be it for now.
func Closed(err error) bool {
	return errors.Is(err, ErrNoGrant) || errors.Is(err, ErrHeld) || errors.Is(err, ErrPasskey) || errors.Is(err, ErrShredded) || slices.ContainsFunc(unproved, func(f *fault.Fault) bool { return errors.Is(err, f) })
}

// unproved are the refusals to who redeemed the card and has not proved yet that it is his.
var unproved = []*fault.Fault{ErrDocuments, ErrPolicy, ErrOtherPatient, ErrNotShown}

// awaited is the refusal of a grant that awaits what the code says.
func awaited(code fault.Code) error {
	for _, f := range unproved {
		if f.Code == code {
			return f
		}
	}
	return ErrDocuments
}

// Decide says whether the actor may open the card for the purpose at the instant, on grants that were read in the
// transaction of the token. It never looks at a clock or a database of its own. Refused are ErrPurpose, ErrPerson, ErrNoGrant, ErrHeld where
// nothing but held grants would let the actor in, ErrPasskey where he is staff and came without one, and one of unproved where he has to prove first that the card is his.
//
// What a restriction denies stays denied by whatever grant the actor comes; only the owner is bound by none.
func Decide(a identity.Actor, id card.ID, p Purpose, grants []Grant, now time.Time, t *Token) (Permit, error) {
	if !p.Known() {
		return Permit{}, ErrPurpose
	}
	if a.Locked {
		return Permit{}, identity.ErrLocked // no Closed refusal, of which phones would delete the card
	}
	if a.Kind.Organisation() && !a.Person.Named() {
		return Permit{}, ErrPerson // before anything is said of the card
	}
	permit := Permit{card: id, actor: a, purpose: p, token: t}
	var refusal error = ErrNoGrant
	for _, g := range grants {
		if g.Card != id || !g.given(now) {
			continue
		}
		if g.Restricts(a) {
			permit.deny = append(permit.deny, g.Scopes...)
		}
		if !g.meant(a, p) {
			continue
		}
		if g.Powers.Staff && !a.Possession {
			refusal = ErrPasskey
			continue
		}
		if !g.Held.IsZero() {
			refusal = ErrHeld
			continue
		}
		if g.Awaits != "" {
			refusal = awaited(g.Awaits)
			continue
		}
		permit.read = append(permit.read, g.Scopes...)
		permit.owner = permit.owner || g.Role == Owner
		permit.writes(g)
	}
	if len(permit.read) == 0 {
		return Permit{}, refusal
	}
	if permit.owner {
		permit.deny, permit.behalf = nil, ""
	}
	return permit, nil
}

// written are the scopes in which people write, as opposed to clinics.
var written = card.Scopes{"note.general", "vitals.general"}

// writes adds what the grant lets its person write, in what it shows him. Whom an owner lets see his notes may write there, too: the owner
// chose him. Who represents a patient writes as far as his powers go.
func (p *Permit) writes(g Grant) {
	chosen := g.Role == Owner || g.Role == Proxy && g.Representation == ""
	for _, s := range written {
		if !g.Scopes.Holds(s) {
			continue
		}
		if chosen || g.Powers.Change {
			p.write = append(p.write, s)
		}
		if chosen || g.Powers.Add {
			p.add = append(p.add, s)
		}
	}
	if p.behalf == "" {
		p.behalf = g.Representation
	}
}

// DecideWatch is for who speaks for a patient that has no account: he may see who opened the card, whether or not it is open to him now. The
// permit reads nothing of the card.
func DecideWatch(a identity.Actor, id card.ID, speaks bool, t *Token) (Permit, error) {
	switch {
	case a.Locked:
		return Permit{}, identity.ErrLocked
	case !speaks || a.Kind != identity.Patient || !a.SecondFactor:
		return Permit{}, ErrNoGrant
	}
	return Permit{card: id, actor: a, purpose: PatientRequest, speaks: true, token: t}, nil
}

// DecideWrite says whether an organisation may add to a card without reading it: a clinic publishes what it did, a doctor's
// system files a prescription, a pharmacy's dispensing changes one's state. The permit reads nothing. right is the OAuth
// scope that the act asks for. A system may do so without a person: its nightly run publishes what the clinic's people wrote, and is told
// nothing of the card.
func DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes, t *Token) (Permit, error) {
	switch a.Kind {
	case identity.Clinic, identity.Pharmacy:
		if !a.Has(right) {
			return Permit{}, fault.New(fault.Denied, "scope.missing", "The access token lacks the scope "+right+".")
		}
	case identity.Operator, identity.System:
	default:
		return Permit{}, ErrNoGrant
	}
	return Permit{card: id, actor: a, purpose: Treatment, write: scopes, token: t}, nil
}
