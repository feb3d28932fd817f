package card

import "time"

// Destroyed is what those are told to whom a card meant something when it was destroyed. It holds nothing of the card.
type Destroyed struct {
	Card  ID
	At    time.Time
	Order string // which document ordered it
	Ask   string // whom to ask: a name, a number, an address
}
