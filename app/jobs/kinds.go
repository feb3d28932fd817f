package jobs

import (
	"time"

	"github.com/riverqueue/river"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/incident"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/domain/prescription"
)

// News tells an account's devices that something changed in a card.
type News struct {
	Card    card.ID            `json:"card"`
	Account identity.AccountID `json:"account"`
	About   notice.Kind        `json:"about"`
}

// Push is one notice to one device.
type Push struct {
	ID     notice.ID         `json:"id"`
	Device identity.DeviceID `json:"device"`
	About  notice.Kind       `json:"about"`
	Ends   time.Time         `json:"ends"`
}

// Reminder is due: the devices of the card's owner are told.
type Reminder struct {
	Card card.ID   `json:"card"`
	ID   notice.ID `json:"id"`
}

// Supply is due: a pharmacy was to have the medicine by now.
type Supply struct {
	Card         card.ID         `json:"card"`
	Prescription prescription.ID `json:"prescription"`
}

// Alert mails one person what happened to his data.
type Alert struct {
	Incident incident.ID        `json:"incident"`
	Account  identity.AccountID `json:"account"`
}

// Destruction mails one person that a card was destroyed.
type Destruction struct {
	Card    card.ID            `json:"card"`
	Account identity.AccountID `json:"account"`
}

// Upkeep deletes what has run out.
type Upkeep struct{}

// Collect forgets what no phone can ask for any more, on the cards whose turn it is.
type Collect struct{}

// Kind names the kind in the queue's table. The names never change: jobs of yesterday's binary are still there.
func (News) Kind() string { return "news" }

// Kind names the kind in the queue's table.
func (Push) Kind() string { return "push" }

// Kind names the kind in the queue's table.
func (Reminder) Kind() string { return "reminder" }

// Kind names the kind in the queue's table.
func (Supply) Kind() string { return "supply" }

// Kind names the kind in the queue's table.
func (Alert) Kind() string { return "alert" }

// Kind names the kind in the queue's table.
func (Destruction) Kind() string { return "destruction" }

// Kind names the kind in the queue's table.
func (Upkeep) Kind() string { return "upkeep" }

// Kind names the kind in the queue's table.
func (Collect) Kind() string { return "collect" }

// upkeepEvery is how often Upkeep runs, and once when a server starts.
const upkeepEvery = time.Hour

// collectEvery is how often Collect runs. A run takes as many cards as it has time for, and the next goes on.
const collectEvery = 10 * time.Minute

// pushQueue keeps the carrier's slowness away from every other job.
const pushQueue = "push"

// alertQueue keeps the mails to a million people, and their server's slowness, away too.
const alertQueue = "alert"

// lowest is the last of River's priorities.
const lowest = 4

// InsertOpts bounds how often a push is tried: with the pauses between, 12 attempts are about a day and a half, and a notice
// that is no longer worth delivering ends by itself before that.
func (Push) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: pushQueue, MaxAttempts: 12}
}

// InsertOpts keeps the mails to many from the jobs of others. With the pauses between, 20 attempts are about a week: a person has a right to know.
func (Alert) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: alertQueue, MaxAttempts: 20}
}

// InsertOpts bounds the tries as those of an Alert are.
func (Destruction) InsertOpts() river.InsertOpts { return Alert{}.InsertOpts() }

// InsertOpts lets upkeep wait for everything else.
func (Upkeep) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Priority: lowest, MaxAttempts: 3}
}

// InsertOpts lets collecting wait for everything else.
func (Collect) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Priority: lowest, MaxAttempts: 1}
}
