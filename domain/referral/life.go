package referral

import (
	"slices"
	"time"

	"github.com/medcard/medcard/domain/identity"
)

// State is what became of a referral. The words travel and are stored.
type State string

// The states.
const (
	Issued      State = "issued"
	Accepted    State = "accepted" // a clinic has taken it and expects the patient
	Used        State = "used"
	Cancelled   State = "cancelled"
	Transferred State = "transferred" // another one has taken its place
	Expired     State = "expired"
)

// MaxChain is how many referrals a chain may have: whoever was handed on so often needs a doctor who decides anew.
const MaxChain = 10

// At is the state as time has left it.
func (r Referral) At(now time.Time) State {
	if r.open() && now.After(r.ValidUntil) {
		return Expired
	}
	return r.State
}

func (r Referral) open() bool { return r.State == Issued || r.State == Accepted }

// Accept gives the referral to a clinic that expects the patient. The same clinic may accept it again: its first answer was lost.
func (r Referral) Accept(by identity.ClientID, now time.Time) (Referral, error) {
	if err := r.takenBy(by, now); err != nil {
		return Referral{}, err
	}
	r.State, r.Holder = Accepted, by
	return r, nil
}

// Use marks the referral as used by whom the patient was sent to.
func (r Referral) Use(by identity.ClientID, now time.Time) (Referral, error) {
	if err := r.takenBy(by, now); err != nil {
		return Referral{}, err
	}
	r.State, r.Holder = Used, by
	return r, nil
}

func (r Referral) takenBy(by identity.ClientID, now time.Time) error {
	state := r.At(now)
	switch {
	case state != Issued && state != Accepted:
		return ErrState.In(string(state))
	case r.Holder != "" && r.Holder != by:
		return ErrTaken.In(string(state))
	}
	return nil
}

// Cancel withdraws it.
func (r Referral) Cancel(now time.Time) (Referral, error) {
	if state := r.At(now); state != Issued && state != Accepted {
		return Referral{}, ErrState.In(string(state))
	}
	r.State = Cancelled
	return r, nil
}

// Destination is where a referral is handed to, and by whom.
type Destination struct {
	Target    string // OGRN of the clinic; empty = any
	Specialty uint16 // 0 = any
	Purpose   string // empty = as before
	Clinic    string // OGRN of the clinic that hands it on
	Referrer  string // who hands it on
}

// Transfer hands the referral to another specialist or clinic: the old one is closed, a new one takes its place. The new one ends when
// the old one would have: handing on gives no time that no doctor gave. chain is what the old one replaces, in any order.
func (r Referral) Transfer(id ID, token Token, to Destination, chain []Referral, now time.Time) (closed, next Referral, err error) {
	if state := r.At(now); state != Issued && state != Accepted {
		return closed, next, ErrState.In(string(state))
	}
	if to.Target == "" && to.Specialty == 0 || to.Target == r.Sheet.Target && to.Specialty == r.Sheet.Specialty {
		return closed, next, ErrWhere
	}
	if slices.ContainsFunc(chain, func(before Referral) bool {
		return before.Sheet.Target == to.Target && before.Sheet.Specialty == to.Specialty
	}) {
		return closed, next, ErrLoop.In(string(r.State))
	}
	if len(chain)+2 > MaxChain {
		return closed, next, ErrChain.In(string(r.State))
	}
	next = r
	next.ID, next.Token, next.Number, next.Replaces, next.ReplacedBy, next.Holder, next.State = id, token, "", r.ID, "", "", Issued
	next.IssuedAt = now.UTC().Truncate(time.Second)
	s := &next.Sheet
	s.Target, s.Specialty, s.Clinic, s.Referrer = to.Target, to.Specialty, to.Clinic, to.Referrer
	if to.Purpose != "" {
		s.Purpose = to.Purpose
	}
	s.Days = max(1, int(r.ValidUntil.Sub(next.IssuedAt)/(24*time.Hour))) // as a reader of the code counts them
	if err := s.Check(); err != nil {
		return closed, Referral{}, err
	}
	closed = r
	closed.State, closed.ReplacedBy = Transferred, id
	return closed, next, nil
}

// Category is under which heading a patient finds a referral. The words travel.
type Category string

// The categories.
const (
	CategoryActive    Category = "active"
	CategoryUsed      Category = "used"
	CategoryHandedOn  Category = "transferred"
	CategoryCancelled Category = "cancelled"
	CategoryExpired   Category = "expired"
)

// Known reports whether the category is one of the list.
func (c Category) Known() bool {
	return one(c, CategoryActive, CategoryUsed, CategoryHandedOn, CategoryCancelled, CategoryExpired)
}

// Category is told from the state as time has left it.
func (r Referral) Category(now time.Time) Category {
	switch r.At(now) {
	case Issued, Accepted:
		return CategoryActive
	case Used:
		return CategoryUsed
	case Transferred:
		return CategoryHandedOn
	case Cancelled:
		return CategoryCancelled
	}
	return CategoryExpired
}
