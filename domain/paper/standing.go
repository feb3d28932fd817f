package paper

import "time"

// Standing is what anybody who holds a paper may be told of it.
type Standing struct {
	Kind       string // of the card's kinds
	State      string // of the paper's own words, as kept: time may have passed over it
	ValidUntil time.Time
}

// Reason is why a paper that stands so is not to be relied on, in the words in which codes are judged; bad is false for one that may
// be used.
func (s Standing) Reason() (why string, bad bool) {
	switch s.State {
	case "cancelled", "revoked", "transferred", "on_hold":
		return "revoked", true
	case "expired":
		return "expired", true
	case "dispensed", "used":
		return "dispensed", true
	}
	return "", false
}
