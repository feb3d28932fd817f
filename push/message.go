package push

import (
	"encoding/hex"
	"errors"
	"time"
)

// Message is what a phone is told. It holds no text and no reference to a person, a card or a record: numbers of closed sets,
// a duration and a random id. A test walks its fields and refuses any that could carry words.
type Message struct {
	ID       ID            // the phone shows each id once
	Topic    Topic         // what it is about
	Language Language      // of what the person reads; DeviceLanguage = the phone's own
	TTL      time.Duration // how long it is worth delivering; 0 = the topic's own
}

// ID is 16 random bytes. It must not be the id of anything in the card.
type ID [16]byte

// String is the form that travels.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Language is that of the sentence a person reads.
type Language uint8

// The languages. DeviceLanguage leaves the words to the app: only the key of a sentence travels.
const (
	DeviceLanguage Language = iota
	Russian
	English
	languages // their number
)

// MaxTTL is how long FCM keeps a message at most.
const MaxTTL = 28 * 24 * time.Hour

// ErrMessage means that a message is not one that a carrier may get.
var ErrMessage = errors.New("push: not a message: its topic, language, id or time to live is outside the closed set")

// Check reports whether the message is complete.
func (m Message) Check() error {
	if m.Topic == 0 || m.Topic >= topics || m.Language >= languages || m.ID == (ID{}) || m.TTL < 0 || m.TTL > MaxTTL {
		return ErrMessage
	}
	return nil
}

// Lifetime is how long the message is worth delivering.
func (m Message) Lifetime() time.Duration {
	if m.TTL > 0 {
		return m.TTL
	}
	return m.Topic.Lifetime()
}
