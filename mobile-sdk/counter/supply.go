package counter

import (
	"context"
	"time"
)

// Supply is a deferral: a pharmacy gets a medicine that it lacked.
type Supply struct {
	RegisteredAt time.Time  `json:"registeredAt"`
	DueAt        time.Time  `json:"dueAt"` // the end of the term of the law
	ArrivedAt    *time.Time `json:"arrivedAt"`
	KeptUntil    time.Time  `json:"keptUntil"` // until then the prescription does not expire for this pharmacy
}

// Deferred is a prescription that this pharmacy has ordered the medicine for.
type Deferred struct {
	ID      string `json:"id"`
	Supply  Supply `json:"supply"`
	Overdue bool   `json:"overdue"`
}

// Assortment says to which part of the pharmacy's goods the medicine belongs. It decides the term, unless the prescription is urgent.
type Assortment string

// The assortments of order 1093n.
const (
	MinimumAssortment Assortment = "minimum"    // 5 working days
	OtherAssortment   Assortment = "other"      // 10 working days
	ByCommission      Assortment = "commission" // 15 working days
)

// Defer registers that the pharmacy lacks the medicine and will get it. The hold ends; when the medicine is there say Arrived, and when
// the patient comes accept the code again, even if the prescription has ended by then.
func (c *Counter) Defer(ctx context.Context, held Held, a Assortment, key string) (Outcome, error) {
	var outcome Outcome
	err := c.post(ctx, "/v1/dispensing/"+held.ID+"/defer", map[string]any{"secret": held.Secret, "assortment": a, "idempotencyKey": key}, &outcome)
	return outcome, err
}

// Arrived says that the medicine is there. The patient is told.
func (c *Counter) Arrived(ctx context.Context, id, key string) (Outcome, error) {
	var outcome Outcome
	err := c.post(ctx, "/v1/dispensing/"+id+"/arrived", map[string]any{"idempotencyKey": key}, &outcome)
	return outcome, err
}

// Withdraw ends a deferral without the medicine.
func (c *Counter) Withdraw(ctx context.Context, id, key string) (Outcome, error) {
	var outcome Outcome
	err := c.post(ctx, "/v1/dispensing/"+id+"/withdraw", map[string]any{"idempotencyKey": key}, &outcome)
	return outcome, err
}

// Deferred lists what the pharmacy has ordered, the next term first.
func (c *Counter) Deferred(ctx context.Context) ([]Deferred, error) {
	var answer struct {
		Deferred []Deferred `json:"deferred"`
	}
	err := c.get(ctx, "/v1/dispensing/deferred", &answer)
	return answer.Deferred, err
}
