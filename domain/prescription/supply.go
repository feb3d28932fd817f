package prescription

import (
	"time"

	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/workday"
)

// Supply is deferred service: a pharmacy that lacks the medicine has taken it upon itself to get it within the term of the law.
type Supply struct {
	Holder     identity.ClientID // the pharmacy
	Registered time.Time
	Due        time.Time // the last second of the term
	Arrived    time.Time // zero = not yet
}

// Assortment says to which part of a pharmacy's goods a medicine belongs; the term depends on it.
type Assortment string

// The assortments of order 1093n. The words travel.
const (
	MinimumAssortment Assortment = "minimum"    // what every pharmacy must have
	OtherAssortment   Assortment = "other"      // anything else
	ByCommission      Assortment = "commission" // prescribed by decision of a medical commission
)

// supplyDays are the working days of order 1093n of 24.11.2021 (from memory), for prescriptions without a mark of urgency.
var supplyDays = map[Assortment]int{MinimumAssortment: 5, OtherAssortment: 10, ByCommission: 15}

// keepTerm is how long the medicine waits for the patient: a prescription under deferred supply lives that much longer than the term,
// or than the arrival. The order sets no end; without one a forgotten prescription would live for ever.
const keepTerm = 30 * 24 * time.Hour

// SupplyDue is when a pharmacy that registers a deferral now must have the medicine. A mark of urgency on the prescription outweighs
// the assortment: statim one working day, cito two.
func SupplyDue(u Urgency, a Assortment, now time.Time, zone *time.Location) (time.Time, error) {
	days, known := supplyDays[a]
	if !known {
		return time.Time{}, ErrAssortment
	}
	switch u {
	case Statim:
		days = 1
	case Cito:
		days = 2
	}
	return workday.After(now, days, zone), nil
}

// Overdue reports whether the term has passed and the medicine is not there.
func (s Supply) Overdue(now time.Time) bool {
	return s.Holder != "" && s.Arrived.IsZero() && now.After(s.Due)
}

// Keeps reports whether the supply still keeps its prescription from expiring.
func (s Supply) Keeps(now time.Time) bool { return s.Holder != "" && !now.After(s.Ends()) }

// Ends is until when the prescription is kept for the patient.
func (s Supply) Ends() time.Time {
	if s.Arrived.After(s.Due) {
		return s.Arrived.Add(keepTerm)
	}
	return s.Due.Add(keepTerm)
}

// Defer lets the holder register that it will get the medicine by due. The hold ends; the patient may still go elsewhere while the
// prescription is valid. A pharmacy that registers again keeps its first term. Another one may take over when the term has passed.
func (c Course) Defer(holder identity.ClientID, secret string, due, now time.Time) (Course, error) {
	c = c.At(now)
	if err := c.held(holder, secret); err != nil {
		return Course{}, err
	}
	switch {
	case c.Supply.Holder == holder:
	case c.Supply.Holder != "" && !c.Supply.Overdue(now):
		return Course{}, ErrDeferred.In(string(c.State))
	default:
		c.Supply = Supply{Holder: holder, Registered: now.UTC(), Due: due.UTC()}
	}
	return c.move(c.Idle()), nil
}

// Arrive records that the pharmacy has the medicine. Said twice it is as if said once.
func (c Course) Arrive(holder identity.ClientID, now time.Time) (Course, error) {
	c = c.At(now)
	if c.Supply.Holder != holder || holder == "" {
		return Course{}, ErrNoSupply.In(string(c.State))
	}
	if c.Supply.Arrived.IsZero() {
		c.Supply.Arrived = now.UTC()
		c.Version++
	}
	return c, nil
}

// Withdraw ends a deferral without the medicine: the pharmacy cannot get it, or the patient no longer wants it there. A prescription
// that lived only by it expires.
func (c Course) Withdraw(holder identity.ClientID, now time.Time) (Course, error) {
	c = c.At(now)
	if c.Supply.Holder != holder || holder == "" {
		return Course{}, ErrNoSupply.In(string(c.State))
	}
	c.Supply = Supply{}
	c.Version++
	return c.At(now), nil
}
