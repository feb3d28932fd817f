package prescription

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// State is how far the handing out has come. The words travel and are stored.
type State string

// The states.
const (
	Issued          State = "issued"
	InWork          State = "in_work"
	PartlyDispensed State = "partly_dispensed"
	Dispensed       State = "dispensed"
	OnHold          State = "on_hold" // the clinic has suspended it
	Cancelled       State = "cancelled"
	Expired         State = "expired"
)

// LeaseTerm is how long a pharmacy may hold a prescription: enough to fetch a pack, short enough to go elsewhere when its
// computer breaks.
const LeaseTerm = 10 * time.Minute

// Course is how far the handing out of a prescription has come. Its methods are pure: they return the next course and leave the
// receiver as it was.
type Course struct {
	State      State
	Version    int // counts the transitions; the store writes only over the version that was read
	ValidUntil time.Time
	Items      []Progress // as on the sheet, in its order
	Lease      Lease      // of State InWork, else zero
	Supply     Supply     // a pharmacy has ordered what it lacked; zero = none
}

// Progress is how far one item has come.
type Progress struct {
	Prescribed int
	Dispensed  int
	Excess     int       // handed out beyond what was prescribed, by receipts that came later; never by the server
	Every      int       // days between two hand-outs, 0 = none
	NextAt     time.Time // no earlier hand-out than this; zero = any time
}

// Remaining is what may still be handed out, at once or later.
func (p Progress) Remaining() int { return p.Prescribed - p.Dispensed }

// Lease is one pharmacy's hold.
type Lease struct {
	ID     string
	Holder identity.ClientID
	Secret SecretHash
	Until  time.Time
}

// SecretHash is what is kept of the secret that the holder was given.
type SecretHash [sha256.Size]byte

// HashSecret hashes a lease's secret, which is random and long, so a plain hash will do.
func HashSecret(secret string) SecretHash { return sha256.Sum256([]byte(secret)) }

// Portion is what was handed out of one item.
type Portion struct {
	Item     int // its place on the sheet, from 0
	Quantity int
}

func newCourse(items []Item, until time.Time) Course {
	c := Course{State: Issued, ValidUntil: until}
	for _, item := range items {
		c.Items = append(c.Items, Progress{Prescribed: item.Quantity, Every: int(item.Regimen.Every)})
	}
	return c
}

// At is the course as time has left it: a hold that ran out is gone, a prescription past its end has expired. A hold outlives the
// end: who was accepted in time may finish.
func (c Course) At(now time.Time) Course {
	if c.State == InWork && !now.Before(c.Lease.Until) {
		c = c.move(c.Idle())
	}
	if c.Supply.Holder != "" && !c.Supply.Keeps(now) {
		c.Supply = Supply{}
	}
	if (c.State == Issued || c.State == PartlyDispensed || c.State == OnHold) && now.After(c.ValidUntil) && c.Supply.Holder == "" {
		c = c.move(Expired)
	}
	return c
}

// Open reports whether something may still be handed out, now or when a hold ends, as far as the course knows: see At.
func (c Course) Open() bool {
	return c.State == Issued || c.State == InWork || c.State == PartlyDispensed || c.State == OnHold
}

// Ends is the last instant at which the course is open though nobody does anything; zero = it is not.
func (c Course) Ends() (last time.Time) {
	if !c.Open() {
		return last
	}
	last = c.ValidUntil
	for _, longer := range []time.Time{c.Lease.Until, c.Supply.Ends()} {
		if longer.After(last) {
			last = longer
		}
	}
	return last
}

// Accept gives the prescription to one pharmacy until the lease ends. Nobody gets it twice, the same pharmacy neither: it has
// Recover for an answer that was lost.
func (c Course) Accept(lease Lease, now time.Time) (Course, error) {
	c = c.At(now)
	if err := c.refusal(); err != nil {
		return Course{}, err
	}
	if now.After(c.ValidUntil) && lease.Holder != c.Supply.Holder {
		return Course{}, ErrExpired.In(string(Expired)) // it lives on for the pharmacy that ordered, and for no other
	}
	if err := c.tooEarly(now); err != nil {
		return Course{}, err
	}
	lease.Until = now.Add(LeaseTerm).UTC()
	next := c.move(InWork)
	next.Lease = lease
	return next, nil
}

// Recover gives the holder a new secret when the answer to Accept was lost. The old secret stops working and the hold does not
// get longer.
func (c Course) Recover(lease Lease, now time.Time) (Course, error) {
	c = c.At(now)
	if c.State != InWork {
		return Course{}, ErrNoLease.In(string(c.State))
	}
	if c.Lease.Holder != lease.Holder {
		return Course{}, ErrInWork.In(string(c.State))
	}
	next := c.move(InWork)
	next.Lease = Lease{ID: lease.ID, Holder: lease.Holder, Secret: lease.Secret, Until: c.Lease.Until}
	return next, nil
}

// Complete records what the holder handed out and ends the hold.
func (c Course) Complete(holder identity.ClientID, secret string, portions []Portion, now time.Time) (Course, error) {
	c = c.At(now)
	if err := c.held(holder, secret); err != nil {
		return Course{}, err
	}
	items, err := c.after(portions, now)
	if err != nil {
		return Course{}, err
	}
	next := c
	next.Items = items
	if next.Idle() == Dispensed || next.Supply.Holder == holder {
		next.Supply = Supply{}
	}
	return next.move(next.Idle()), nil
}

// Reject gives the prescription back untouched.
func (c Course) Reject(holder identity.ClientID, secret string, now time.Time) (Course, error) {
	c = c.At(now)
	if err := c.held(holder, secret); err != nil {
		return Course{}, err
	}
	return c.move(c.Idle()), nil
}

// Cancel withdraws what has not been handed out. While a pharmacy holds the prescription the clinic has to wait: the medicine may
// be in the patient's hand already.
func (c Course) Cancel(now time.Time) (Course, error) {
	c = c.At(now)
	if err := c.refusal(); err != nil && c.State != OnHold {
		return Course{}, err
	}
	c.Supply = Supply{}
	return c.move(Cancelled), nil
}

// move makes the next version in another state; a hold ends with every move, Accept and Recover set their own after it.
func (c Course) move(to State) Course {
	c.State, c.Lease = to, Lease{}
	c.Version++
	return c
}

// Idle is the state without a hold, told from the amounts.
func (c Course) Idle() State {
	some, all := false, true
	for _, p := range c.Items {
		some = some || p.Dispensed > 0
		all = all && p.Remaining() <= 0
	}
	switch {
	case all:
		return Dispensed
	case some:
		return PartlyDispensed
	}
	return Issued
}

func (c Course) refusal() error {
	var err *fault.Fault
	switch c.State {
	case Issued, PartlyDispensed:
		return nil
	case InWork:
		err = ErrInWork
	case Dispensed:
		err = ErrDispensed
	case OnHold:
		err = ErrOnHold
	case Cancelled:
		err = ErrCancelled
	default:
		err = ErrExpired
	}
	return err.In(string(c.State))
}

func (c Course) held(holder identity.ClientID, secret string) error {
	if c.State != InWork {
		return ErrNoLease.In(string(c.State))
	}
	given := HashSecret(secret)
	if c.Lease.Holder != holder || subtle.ConstantTimeCompare(given[:], c.Lease.Secret[:]) != 1 {
		return ErrWrongSecret
	}
	return nil
}

// tooEarly refuses while nothing of a long course may be handed out yet, and tells of each item when it may.
func (c Course) tooEarly(now time.Time) error {
	early := ErrTooEarly.In(string(c.State))
	for i, p := range c.Items {
		switch {
		case p.Remaining() <= 0:
		case !now.Before(p.NextAt):
			return nil
		default:
			early = early.At(fmt.Sprintf("items[%d]", i), notBefore(p.NextAt))
		}
	}
	return early
}

func notBefore(t time.Time) string { return "not before " + t.UTC().Format(time.RFC3339) }

// after is what the amounts are once the portions are handed out. The same item may not be named twice, so that a list that was
// put together wrongly is refused rather than added up.
func (c Course) after(portions []Portion, now time.Time) ([]Progress, error) {
	items := slices.Clone(c.Items)
	wrong := ErrPortion
	if len(portions) == 0 {
		return nil, wrong.At("items", "name what was handed out, or reject the prescription")
	}
	seen := map[int]bool{}
	for i, p := range portions {
		where := fmt.Sprintf("items[%d]", i)
		switch {
		case p.Item < 0 || p.Item >= len(items):
			return nil, wrong.At(where+".item", "is not on the prescription")
		case seen[p.Item]:
			return nil, wrong.At(where+".item", "is named twice")
		case p.Quantity < 1:
			return nil, wrong.At(where+".quantity", "must be at least 1")
		case p.Quantity > items[p.Item].Remaining():
			return nil, wrong.At(where+".quantity", "is more than remains")
		case now.Before(items[p.Item].NextAt):
			return nil, ErrTooEarly.In(string(c.State)).At(where, notBefore(items[p.Item].NextAt))
		}
		seen[p.Item] = true
		item := &items[p.Item]
		item.Dispensed += p.Quantity
		if item.Every > 0 && item.Remaining() > 0 {
			item.NextAt = now.AddDate(0, 0, item.Every).UTC()
		}
	}
	return items, nil
}
