package push

import (
	"context"
	"errors"
	"time"
)

// Carrier says by what road a phone is reached.
type Carrier string

// The carriers. The names are stored and travel.
const (
	FCM    Carrier = "fcm" // a Firebase registration token
	FCMApp Carrier = "fid" // a Firebase installation id, to which Google is moving
)

// maxToken bounds an address. FCM names no limit; its tokens are about 160 characters today.
const maxToken = 2048

// Address is where one installation of the app is reached. The token is a secret of sorts: whoever has it and our
// credentials can wake the phone. It is not logged.
type Address struct {
	Carrier Carrier
	Token   string
}

// ErrAddress means that something is no address of a phone.
var ErrAddress = errors.New("push: not an address: unknown carrier, or a token that is empty, too long or not plain ASCII")

// Check reports whether the address can be one at all.
func (a Address) Check() error {
	if a.Carrier != FCM && a.Carrier != FCMApp {
		return ErrAddress
	}
	if a.Token == "" || len(a.Token) > maxToken {
		return ErrAddress
	}
	for i := range len(a.Token) {
		if c := a.Token[i]; c <= ' ' || c > '~' {
			return ErrAddress
		}
	}
	return nil
}

// Delivery is one message to one phone.
type Delivery struct {
	To      Address
	Message Message
}

// Outcome is what became of a delivery.
type Outcome uint8

// The outcomes. Later is the zero value: a result that somebody forgot to fill in loses no message.
const (
	Later     Outcome = iota // not delivered, or not known: try again
	Delivered                // the carrier has it
	TokenDead                // this address will never work again: forget it
	Refused                  // the carrier will never take this message: do not try again
)

func (o Outcome) String() string {
	return [...]string{"later", "delivered", "token dead", "refused"}[min(o, Refused)]
}

// Reason says why, for logs and counters. The carrier's own words are not kept: they may quote the token.
type Reason string

// The reasons.
const (
	Accepted      Reason = "accepted"
	Logged        Reason = "logged"       // LogSender: there was nobody to give it to
	Unregistered  Reason = "unregistered" // the app was removed or got another token
	WrongSender   Reason = "wrong_sender" // the token belongs to another project
	BadToken      Reason = "bad_token"
	BadMessage    Reason = "bad_message"
	BadCredential Reason = "bad_credential" // ours, or the one that the carrier shows to Apple
	Throttled     Reason = "throttled"
	Down          Reason = "down"    // the carrier says that it cannot now
	Network       Reason = "network" // no answer, or half of one
	Garbled       Reason = "garbled" // an answer that is not the carrier's
	Paused        Reason = "paused"  // the breaker is open: it was not tried
)

// Result tells of one delivery. After is how long to wait before the next try, 0 where the carrier did not say.
type Result struct {
	Outcome Outcome
	Reason  Reason
	After   time.Duration
}

// Sender hands messages to a carrier. It returns one result per delivery, in their order, and always all of them: what went
// wrong, a cancelled context too, stands in the results.
type Sender interface {
	Send(ctx context.Context, deliveries []Delivery) []Result
}
