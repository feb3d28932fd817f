package push

import "time"

// Topic is what a push is about, as far as a carrier may know. There are four, which is also how many collapse keys FCM keeps
// apart per phone. There is none for results or prescriptions: that somebody got a result is itself a fact about their health.
type Topic uint8

// The topics. The zero value is none.
const (
	_        Topic = iota
	Wake           // sync now; nothing is shown
	News           // something new stands in the card; a line is shown
	Reminder       // something is coming up; a line is shown
	Security       // a sign-in, or somebody's look into the card; a line is shown
	topics         // one more than the last
)

// profile is what follows from a topic.
type profile struct {
	name     string // travels, is the collapse key and the Android channel
	visible  bool   // a line is shown, so the phone may be woken at once
	lifetime time.Duration
	sentence Sentence
}

var profiles = [topics]profile{
	Wake:     {name: "sync", lifetime: time.Hour},
	News:     {name: "news", visible: true, lifetime: 3 * 24 * time.Hour, sentence: newsText},
	Reminder: {name: "reminder", visible: true, lifetime: 24 * time.Hour, sentence: reminderText},
	Security: {name: "security", visible: true, lifetime: 24 * time.Hour, sentence: securityText},
}

// Topics lists them all.
func Topics() []Topic { return []Topic{Wake, News, Reminder, Security} }

// TopicNamed finds a topic by the name that String gives.
func TopicNamed(name string) (Topic, bool) {
	for _, t := range Topics() {
		if profiles[t].name == name {
			return t, true
		}
	}
	return 0, false
}

func (t Topic) profile() profile {
	if t >= topics {
		return profile{}
	}
	return profiles[t]
}

// String is the name that travels; it is also the collapse key, so that a phone that was off gets one push a topic.
func (t Topic) String() string { return t.profile().name }

// Visible reports whether the phone shows a line. Only such a message may claim high priority: FCM watches for seven days
// whether messages of high priority show anything and demotes the app whose do not; Apple refuses it outright.
func (t Topic) Visible() bool { return t.profile().visible }

// Lifetime is how long a message of the topic is worth delivering when it does not say so itself.
func (t Topic) Lifetime() time.Duration { return t.profile().lifetime }

// Sentence is what a person reads of a visible topic.
func (t Topic) Sentence() Sentence { return t.profile().sentence }
