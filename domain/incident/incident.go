// Package incident names what is kept of it when health data may have got into wrong hands: what happened, whom it concerns, and by when the
// supervisory authority has to hear of it (federal law 152-FZ, article 21 part 3.1: what happened within 24 hours of when it was found, and what
// the inquiry found out within 72).
package incident

import (
	"time"

	"github.com/medcard/medcard/domain/account"
)

// ID names an incident, a UUID in canonical text form.
type ID string

// Duty is what the operator owes the authority, one of a closed set of words.
type Duty string

// The duties.
const (
	Report   Duty = "report"   // that it happened, what was hurt, who answers for it
	Conclude Duty = "conclude" // why it happened, and by whom
)

// Duties lists them in the order in which they are due.
func Duties() []Duty { return []Duty{Report, Conclude} }

// within is how long after the incident was found each is due.
var within = map[Duty]time.Duration{Report: 24 * time.Hour, Conclude: 72 * time.Hour}

// Known reports whether the duty is one of those above.
func (d Duty) Known() bool { return within[d] > 0 }

// Incident is one. Words hold no data of anybody: they go to all whom it concerns.
type Incident struct {
	ID     ID
	Found  time.Time // when somebody saw that it happened: the terms run from here
	Opened time.Time // when it was written down here
	By     string    // who did that
	Words  map[account.Language]string
	Done   map[Duty]time.Time
}

// Due is when a duty is to be done.
func (i Incident) Due(d Duty) time.Time { return i.Found.Add(within[d]) }

// Late reports whether the term of a duty is over, or was when it was done.
func (i Incident) Late(d Duty, now time.Time) bool {
	if at, done := i.Done[d]; done {
		now = at
	}
	return now.After(i.Due(d))
}

// Overdue counts the duties that are still to be done and late.
func (i Incident) Overdue(now time.Time) (n int) {
	for _, d := range Duties() {
		if _, done := i.Done[d]; !done && i.Late(d, now) {
			n++
		}
	}
	return n
}

// In gives the words in the language, or in Russian.
func (i Incident) In(l account.Language) string {
	if text, ok := i.Words[l]; ok {
		return text
	}
	return i.Words[account.Russian]
}

// Listed is an incident with how many people it concerns, to how many the mail was handed over, and how many said that they read it.
type Listed struct {
	Incident
	Concerned, Mailed, Read int
}

// Notice is an incident as a person whom it concerns has it.
type Notice struct {
	Incident
	Told time.Time // when it was found that it concerns this person
	Read time.Time // zero = not yet
}
