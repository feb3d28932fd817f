package audit

import (
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// Hash is a hash of the log: of one entry, or of a tree of entries.
type Hash [sha256.Size]byte

// SaltSize is how many random bytes stand before an entry when it is hashed. Without them whoever sees the hashes, and anybody may, could
// try out what an entry might say.
const SaltSize = 16

// Salted is an entry with what its hash in the log needs besides.
type Salted struct {
	Entry
	Salt []byte // empty: the entry is older than the log
}

// Hash is the entry's hash in the log.
func (s Salted) Hash() Hash { return LeafHash(s.Salt, s.Canonical()) }

// Leaf is an entry as the log knows it.
type Leaf struct {
	Card   card.ID
	Number uint64
	Hash   Hash
}

// Logged is a place of the log with the entry to which it leads.
type Logged struct {
	Place int64
	Leaf
	Entry Salted
	State EntryState
}

// EntryState says whether the entry to which the log leads is there.
type EntryState uint8

// The states.
const (
	Readable EntryState = iota
	Gone                // there is none
	Broken              // its sealed part does not open: it was changed, or is another entry's
	Shredded            // its sealed part was destroyed with its card's key: what stands in the clear is all that is left
)

// Damage says what is wrong with the entry at the place; "" = nothing, or that it was destroyed with its card, as it may be.
func (l Logged) Damage() string {
	switch {
	case l.State == Gone:
		return "the entry was deleted"
	case l.State == Broken:
		return "the entry was changed: its sealed part does not open"
	case l.State == Readable && l.Entry.Hash() != l.Hash:
		return "the entry was changed: it is not what was hashed"
	}
	return ""
}

// CardTrail is how a card's entries hang together.
type CardTrail struct {
	Card    card.ID
	Count   uint64   // the number that was given out last
	Entries uint64   // how many there are
	Highest uint64   // the highest number among them
	First   uint64   // the lowest number in the log; 0 = none
	Stray   []uint64 // those that neither stand in the log nor wait for it, and should
	Older   uint64   // how many are from before the log
	Last    uint64   // the highest number among those; 0 = none
	// Shredded says that the card has no key any more, and Order whether an entry of it says that somebody destroyed it.
	Shredded, Order bool
}

// A head opens every entry's canonical form: the second one that of an entry in another's name, which has one line more. Another form
// would have another head, and so other hashes.
const (
	canonicalHead = "medcard audit entry 1\n"
	behalfHead    = "medcard audit entry 2\n"
)

// fields are the names in the canonical form, in their order. The last one stands in the second form only.
var fields = [...]string{"card", "number", "at", "action", "purpose", "kind", "account", "device", "client", "organisation",
	"person", "name", "role", "scopes", "what", "request", "representation"}

const instantLayout = "2006-01-02T15:04:05.000000Z"

// Canonical writes all that an entry says as bytes that do not depend on who writes them: a head, then one line for each field,
// "name length:value", where the length is that of the value in bytes. Times are UTC with six digits, scopes are joined by a space.
func (e Entry) Canonical() []byte {
	values := [len(fields)]string{
		string(e.Card), strconv.FormatUint(e.Number, 10), e.At.UTC().Format(instantLayout), string(e.Action), string(e.Purpose), e.Actor.Kind.String(),
		string(e.Actor.Account), string(e.Actor.Device), string(e.Actor.Client), e.Actor.Organisation,
		e.Actor.Person.ID, e.Actor.Person.Name, e.Actor.Person.Role, strings.Join(e.Actor.Scopes, " "), e.What, e.Request, string(e.Representation),
	}
	head, names := canonicalHead, fields[:len(fields)-1]
	if e.Representation != "" {
		head, names = behalfHead, fields[:]
	}
	b := make([]byte, 0, 512)
	b = append(b, head...)
	for i, name := range names {
		b = append(b, name...)
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(len(values[i])), 10)
		b = append(b, ':')
		b = append(b, values[i]...)
		b = append(b, '\n')
	}
	return b
}

// ErrCanonical says that bytes are not the canonical form of an entry.
var ErrCanonical = errors.New("audit: not the canonical form of an entry")

// ParseCanonical undoes Canonical. It takes nothing that Canonical would write otherwise.
func ParseCanonical(b []byte) (e Entry, err error) {
	names := fields[:len(fields)-1]
	rest, ok := strings.CutPrefix(string(b), canonicalHead)
	if !ok {
		names = fields[:]
		rest, ok = strings.CutPrefix(string(b), behalfHead)
	}
	var values [len(fields)]string
	for i := 0; ok && i < len(names); i++ {
		values[i], rest, ok = cutField(rest, fields[i])
	}
	if !ok || rest != "" {
		return e, ErrCanonical
	}
	number, bad := strconv.ParseUint(values[1], 10, 64)
	at, worse := time.Parse(instantLayout, values[2])
	if bad != nil || worse != nil {
		return e, ErrCanonical
	}
	e = Entry{
		Card: card.ID(values[0]), Number: number, At: at, Action: Action(values[3]), Purpose: consent.Purpose(values[4]), What: values[14], Request: values[15],
		Representation: consent.RepresentationID(values[16]),
		Actor: identity.Actor{
			Kind: identity.KindOf(values[5]), Account: identity.AccountID(values[6]), Device: identity.DeviceID(values[7]), Client: identity.ClientID(values[8]),
			Organisation: values[9], Person: identity.Person{ID: values[10], Name: values[11], Role: values[12]},
		},
	}
	if values[13] != "" {
		e.Actor.Scopes = strings.Split(values[13], " ")
	}
	if string(e.Canonical()) != string(b) {
		return Entry{}, ErrCanonical
	}
	return e, nil
}

// cutField takes one line off.
func cutField(s, name string) (value, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, name+" ")
	length, s, found := strings.Cut(s, ":")
	n, err := strconv.Atoi(length)
	if !ok || !found || err != nil || n < 0 || n >= len(s) || s[n] != '\n' {
		return "", "", false
	}
	return s[:n], s[n+1:], true
}

// leafPrefix keeps the hash of an entry apart from that of a tree (RFC 6962, section 2.1).
const leafPrefix = 0

// LeafHash is the hash under which an entry stands in the log: SHA-256 over a zero byte, the salt and the canonical form.
func LeafHash(salt, canonical []byte) Hash {
	b := make([]byte, 0, 1+len(salt)+len(canonical))
	b = append(b, leafPrefix)
	b = append(b, salt...)
	return sha256.Sum256(append(b, canonical...))
}
