package prescription

import (
	"encoding/hex"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/identity"
)

// Receipt is what a pharmacy's device wrote down and signed when it handed something out without a network.
type Receipt struct {
	Device   DeviceKey
	Number   uint64 // of the device's receipts, from 1, without gaps
	Previous Digest // of the receipt before; zero for the first
	Hash     Digest // of this one

	Token    Token // of the prescription
	Portions []Portion
	At       time.Time // when it was handed out, by the device's clock
	ListedAt time.Time // when the status list was issued that the device went by
}

// DeviceKey names the key that a device signs its receipts with: the first eight bytes of SHA-256 over the public key.
type DeviceKey [8]byte

// String writes the name as 16 hexadecimal digits.
func (k DeviceKey) String() string { return hex.EncodeToString(k[:]) }

// Device is a pharmacy's device that signs receipts, and how far its chain of them has come.
type Device struct {
	Key     DeviceKey
	Public  []byte // Ed25519
	Holder  identity.ClientID
	Name    string // the pharmacy's own
	Added   time.Time
	Retired time.Time // zero = in use; what was signed before stays good
	Stolen  time.Time // zero = not; nothing that comes after it is believed, whatever time it claims
	Forked  time.Time // zero = not; two devices went on from one receipt, so nobody knows which is which
	Count   uint64    // receipts of the chain
	Head    Digest    // the last one's hash
}

// Limits of receipts.
const (
	MaxDevices   = 50              // in use at a time, of one pharmacy
	MaxReceipts  = 32              // uploaded at a time
	ReceiptSkew  = 5 * time.Minute // clocks differ
	OfflineLists = 48 * time.Hour  // a status list older than this allows no hand-out
)

// Doubt is why a receipt is no fact but waits for an operator.
type Doubt string

// The doubts, in the order in which they are looked for.
const (
	BadFormat    Doubt = "bad_format"
	UnknownKey   Doubt = "unknown_key"
	NotItsKey    Doubt = "foreign_key" // another pharmacy's
	BadSignature Doubt = "bad_signature"
	ForkedChain  Doubt = "forked_chain" // its number was used before, or it follows another receipt than ours: a device was cloned
	GapInChain   Doubt = "gap_in_chain" // receipts before it are missing; when they come it is looked at again
	KeyStolen    Doubt = "key_stolen"
	KeyNotThen   Doubt = "key_not_in_force" // enrolled later, or retired before
	InTheFuture  Doubt = "in_the_future"
	StaleLists   Doubt = "stale_lists"
	ForeignToken Doubt = "foreign_token" // no prescription of ours
	IsControlled Doubt = "controlled_form"
	OutOfTime    Doubt = "not_valid_then" // the prescription was not valid at that time
	Impossible   Doubt = "impossible_amounts"
)

// Follows says how the receipt stands to the device's chain: "" when it is the next one. A receipt that is known is asked of nobody.
func (d Device) Follows(r Receipt) Doubt {
	switch {
	case !d.Forked.IsZero(), r.Number <= d.Count:
		return ForkedChain
	case r.Number > d.Count+1:
		return GapInChain
	case r.Previous != d.Head:
		return ForkedChain
	}
	return ""
}

// Next is the device once the receipt is in its chain.
func (d Device) Next(r Receipt) Device {
	d.Count, d.Head = r.Number, r.Hash
	return d
}

// Signs says whether the device may have signed the receipt when it says so, and whether it went by what it had to: "" = yes.
func (d Device) Signs(r Receipt, now time.Time) Doubt {
	switch {
	case !d.Stolen.IsZero():
		return KeyStolen
	case r.At.Before(d.Added.Add(-ReceiptSkew)), !d.Retired.IsZero() && !r.At.Before(d.Retired):
		return KeyNotThen
	case r.At.After(now.Add(ReceiptSkew)):
		return InTheFuture
	case r.At.Sub(r.ListedAt) > OfflineLists, r.ListedAt.Sub(r.At) > ReceiptSkew:
		return StaleLists
	}
	return ""
}

// Fits says whether the prescription could have been handed out so, without a network and at that time: "" = yes.
func (r Receipt) Fits(p Prescription) Doubt {
	rules, known := RulesOn(p.Sheet.Form, p.IssuedAt)
	switch {
	case !known || rules.Controlled:
		return IsControlled
	case r.At.Before(p.IssuedAt.Add(-ReceiptSkew)), r.At.After(p.ValidUntil):
		return OutOfTime
	}
	return r.Possible(p)
}

// Possible says whether the amounts could be of this prescription at all: "" = yes. That others took some of it meanwhile is no reason.
func (r Receipt) Possible(p Prescription) Doubt {
	items, seen := p.Course.Items, map[int]bool{}
	for _, p := range r.Portions {
		if p.Item < 0 || p.Item >= len(items) || seen[p.Item] || p.Quantity < 1 || p.Quantity > items[p.Item].Prescribed {
			return Impossible
		}
		seen[p.Item] = true
	}
	if len(r.Portions) == 0 {
		return Impossible
	}
	return ""
}

// Concern is why a receipt that is a fact becomes a case that people are told of.
type Concern string

// The concerns.
const (
	OverDispensed  Concern = "over_dispensed"
	WasCancelled   Concern = "was_cancelled"
	EarlierThanDue Concern = "too_early" // of a long course
)

// Case is a hand-out that happened and should not have.
type Case struct {
	Prescription ID
	Receipt      Digest
	At           time.Time // when it came to light
	Concerns     []Concern
	Excess       []Portion // beyond what was prescribed
	HandOuts     []HandOut // everything that was handed out, this and what came before it
}

// HandOut is one entry of what was handed out of a prescription, by whom.
type HandOut struct {
	By       identity.ClientID
	At       time.Time
	Portions []Portion
	Receipt  Digest // zero = with the server
	Text     string // the receipt as it was signed; "" = with the server
}

// Record takes a receipt in. It is a fact, so it counts in every state: what still was there is dispensed, the rest is excess. A hold
// elsewhere goes on while something remains. concerns is empty when all is as it should be.
func (c Course) Record(r Receipt, now time.Time) (next Course, excess []Portion, concerns []Concern) {
	c = c.At(now)
	next = c
	next.Items = slices.Clone(c.Items)
	early := false
	for _, p := range r.Portions {
		item := &next.Items[p.Item]
		taken := min(p.Quantity, item.Remaining())
		early = early || r.At.Before(item.NextAt)
		item.Dispensed += taken
		if over := p.Quantity - taken; over > 0 {
			item.Excess += over
			excess = append(excess, Portion{Item: p.Item, Quantity: over})
		}
		if item.Every > 0 && item.Remaining() > 0 {
			item.NextAt = later(item.NextAt, r.At.AddDate(0, 0, item.Every).UTC())
		}
	}
	if len(excess) > 0 {
		concerns = append(concerns, OverDispensed)
	}
	if c.State == Cancelled {
		concerns = append(concerns, WasCancelled)
	}
	if early && len(excess) == 0 {
		concerns = append(concerns, EarlierThanDue)
	}
	return next.recorded(), excess, concerns
}

// recorded is the course in the state that follows from its amounts: all is out, or the end that it had stands, or the hold, or part
// of it is out.
func (c Course) recorded() Course {
	idle := c.Idle()
	switch {
	case idle == Dispensed:
		c.Supply = Supply{}
		return c.move(Dispensed)
	case c.State == InWork:
		lease := c.Lease
		c = c.move(InWork)
		c.Lease = lease
		return c
	case c.State == Cancelled || c.State == Expired:
		return c.move(c.State)
	}
	return c.move(idle)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
