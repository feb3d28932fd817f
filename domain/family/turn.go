package family

import (
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
)

// Turns are the instants at which a child's own word begins to count. Zero: there is none.
type Turns struct {
	Consent   time.Time // 15: the teenager decides who sees the card
	Addiction time.Time // 16: also what is labelled as addiction
	Majority  time.Time // 18: nobody represents him as a child
}

// TurnsOf gives the turns of who was born on the date, as midnights of the zone.
func TurnsOf(born card.Date, zone *time.Location) Turns {
	return Turns{Consent: birthday(born, 15, zone), Addiction: birthday(born, 16, zone), Majority: birthday(born, 18, zone)}
}

// birthday is the midnight with which the birthday begins.
func birthday(born card.Date, age int, zone *time.Location) time.Time {
	year, month, day := born.Day().Earliest().Date()
	if month == time.February && day == 29 && time.Date(year+age, month, day, 0, 0, 0, 0, zone).Month() != month {
		day = 28
	}
	return time.Date(year+age, month, day, 0, 0, 0, 0, zone).UTC()
}

// Notice is what the people of a representation are told ahead of time, once each.
type Notice struct {
	About string // a word that is kept: turn15, turn16, turn18, ends14, ends3
	Due   time.Time
}

// Due is a notice whose time has come.
type Due struct {
	Card           card.ID
	Representation consent.RepresentationID
	About          string
}

// How long before something happens its people are told.
const (
	turnAhead = 30 * 24 * time.Hour
	endAhead  = 14 * 24 * time.Hour
	lastAhead = 3 * 24 * time.Hour
)

// Notices are what is to be told of the representation, as seen from its beginning. What it does not change is not announced.
func (r Representation) Notices() (list []Notice) {
	add := func(about string, at time.Time, ahead time.Duration) {
		ends := r.Ends()
		if at.After(r.Since) && !at.After(ends) {
			list = append(list, Notice{About: about, Due: at.Add(-ahead)})
		}
	}
	if r.Child() {
		add("turn15", r.Turns.Consent, turnAhead)
		if len(secrets(r.Level.Scopes())) > 0 {
			add("turn16", r.Turns.Addiction, turnAhead)
		}
		add("turn18", r.Turns.Majority, turnAhead)
	}
	if r.Ends().Equal(r.Until) && !r.Until.IsZero() {
		add("ends14", r.Until, endAhead)
		add("ends3", r.Until, lastAhead)
	}
	return list
}
