// Package notice names what a person is told outside the app: a push that says "there is news", a reminder that a clinic asked
// for, the hours in which nothing rings. None of these nouns holds what the news is.
package notice

import (
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
)

// ID names a notice. It is random and the id of nothing else, because it travels through foreign carriers.
type ID string

// Kind is what a notice is about, as far as anybody outside may know.
type Kind string

// The kinds. The names are stored with jobs: they never change.
const (
	Wake      Kind = "wake"      // the phone syncs and shows nothing: the person's other phone wrote something
	Access    Kind = "access"    // the phone syncs and shows nothing: what it may see of a card changed
	News      Kind = "news"      // something new stands in the card
	Upcoming  Kind = "upcoming"  // a reminder
	Security  Kind = "security"  // somebody's look into the card
	Verdict   Kind = "verdict"   // a document or a policy of the person was judged; it is of no card
	Family    Kind = "family"    // who may act for whom changed, or soon will
	Incident  Kind = "incident"  // something happened to the person's data; it is of no card
	Destroyed Kind = "destroyed" // a card of the person's was destroyed; it is of no card
	Device    Kind = "device"    // a device that was not there before signed in to the account; it is of no card
)

// Lifetime is how long a notice of the kind is worth delivering.
func (k Kind) Lifetime() time.Duration {
	switch k {
	case Wake:
		return time.Hour
	case Access, News, Verdict, Family, Incident, Destroyed:
		return 3 * 24 * time.Hour
	}
	return 24 * time.Hour
}

// Anyway reports whether an account is told even if it does not see the card, or if there is none: that access to it ended, and what is the
// person's own matter, is news to him all the same.
func (k Kind) Anyway() bool {
	switch k {
	case Access, Family, Verdict, Incident, Device, Destroyed:
		return true
	}
	return false
}

// Contact is how one installation of the app is reached: a carrier's name and the token that the carrier gave to the app.
type Contact struct {
	Device   identity.DeviceID
	Account  identity.AccountID
	Carrier  string
	Token    string
	Language account.Language // "" = the phone's own
	Seen     time.Time        // when the app last told it
}

// StaleAfter is when a contact that was not renewed is forgotten: a carrier lets a token die after 270 days of silence.
const StaleAfter = 270 * 24 * time.Hour

// Due is news that waits to be announced to an account: what of a burst of changes is left when the job comes to it.
type Due struct {
	ID     ID
	Except identity.DeviceID // the phone that the change came from; "" = none
}

// Push is a notice on its way to one device.
type Push struct {
	ID     ID
	Device identity.DeviceID
	Kind   Kind
	Ends   time.Time // not worth delivering any more
}

// Template is a kind of reminder that a clinic may ask for. The clinic chooses one and cannot write a text.
type Template string

// The templates.
const (
	Appointment Template = "appointment"
)

// Known reports whether the template is one of those above.
func (t Template) Known() bool { return t == Appointment }

// Reminder is what a clinic asked to remind a patient of.
type Reminder struct {
	ID       ID
	Card     card.ID
	Client   identity.ClientID
	Key      string // the clinic's idempotency key
	Template Template
	Subject  string    // the clinic's own id of the appointment
	Starts   time.Time // when what it is about begins
	At       time.Time // when the phone is told
	Created  time.Time
	Sent     time.Time // zero = not yet
}

// Same reports whether two requests ask for the same reminder.
func (r Reminder) Same(other Reminder) bool {
	return r.Card == other.Card && r.Client == other.Client && r.Template == other.Template && r.Subject == other.Subject && r.Starts.Equal(other.Starts)
}
