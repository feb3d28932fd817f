package prescription

import "time"

// Category is under which heading a patient finds a prescription. The words travel.
type Category string

// The categories.
const (
	CategoryActive    Category = "active"
	CategoryPartly    Category = "partlyDispensed"
	CategoryDispensed Category = "dispensed"
	CategoryExpired   Category = "expired"
	CategoryCancelled Category = "cancelled"
	CategoryOnHold    Category = "onHold"
)

// Known reports whether the category is one of the list.
func (c Category) Known() bool {
	switch c {
	case CategoryActive, CategoryPartly, CategoryDispensed, CategoryExpired, CategoryCancelled, CategoryOnHold:
		return true
	}
	return false
}

// Category is told from the course as time has left it. A pharmacy's hold is a matter of minutes and no category: what it holds is
// where it was.
func (c Course) Category(now time.Time) Category {
	c = c.At(now)
	state := c.State
	if state == InWork {
		state = c.Idle()
	}
	switch state {
	case Issued:
		return CategoryActive
	case PartlyDispensed:
		return CategoryPartly
	case Dispensed:
		return CategoryDispensed
	case Cancelled:
		return CategoryCancelled
	case OnHold:
		return CategoryOnHold
	}
	return CategoryExpired
}
