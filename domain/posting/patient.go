package posting

import (
	"errors"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
)

// Introduction is by what a patient's card is found again: the numbers that the state gave the person, and the names by which one
// organisation knows him. Numbers belong to at most one card each; a name belongs to at most one card of its organisation.
type Introduction struct {
	Client  identity.ClientID
	Names   []string // the organisation's own identifiers of the patient, as Key.Name
	Numbers []card.Number
	Born    card.Date // told again with every match, so that a stranger's number is noticed
}

// Match is a card that a number or a name leads to.
type Match struct {
	Card card.ID
	Born card.Date
	By   string // what led there: the system of the number, or "" for an organisation's own name
}

// Why an introduction is refused.
var (
	// ErrTaken means that a number or a name leads to another card already: two introductions ran at once. Looking again helps.
	ErrTaken = errors.New("posting: the number or name leads to another card")
	// ErrOther means that the card has another number of the same register, and a person has only one.
	ErrOther = errors.New("posting: the card has another number of that register")
)
