package card

import "time"

// Turn is when the upkeep of a card is due. Turns are taken in their order: the oldest first, and of one instant by card.
type Turn struct {
	Card ID
	At   time.Time
}
