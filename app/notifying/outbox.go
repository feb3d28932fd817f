package notifying

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/medcard/medcard/domain/identity"
)

// Outbox is where one-time codes go in development: onto the console, and into a short list that the status page may show.
// It must not stand in production, because whoever sees the console could sign in as anybody.
type Outbox struct {
	console io.Writer
	clock   func() time.Time

	mu      sync.Mutex
	letters []Letter
}

// Letter is one message that would have gone to a person.
type Letter struct {
	At   time.Time
	By   string // "sms" or "email"
	To   string
	Text string
}

// keptLetters is how many the outbox remembers.
const keptLetters = 50

// NewOutbox makes one that writes to the console.
func NewOutbox(console io.Writer, clock func() time.Time) *Outbox {
	return &Outbox{console: console, clock: clock}
}

// SMS shows a text message.
func (o *Outbox) SMS(_ context.Context, to identity.Phone, text string) error {
	return o.keep(Letter{By: "sms", To: string(to), Text: text})
}

// Email shows a mail; the first line is its subject.
func (o *Outbox) Email(_ context.Context, to identity.Email, text string) error {
	return o.keep(Letter{By: "email", To: string(to), Text: text})
}

// Letters are the last ones, newest first.
func (o *Outbox) Letters() []Letter {
	o.mu.Lock()
	defer o.mu.Unlock()
	newest := make([]Letter, 0, len(o.letters))
	for i := len(o.letters) - 1; i >= 0; i-- {
		newest = append(newest, o.letters[i])
	}
	return newest
}

func (o *Outbox) keep(l Letter) error {
	l.At = o.clock().UTC()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.letters = append(o.letters, l); len(o.letters) > keptLetters {
		o.letters = append([]Letter(nil), o.letters[1:]...)
	}
	_, err := fmt.Fprintf(o.console, "outbox: %s to %s: %s\n", l.By, l.To, strings.Join(strings.Fields(l.Text), " "))
	return err
}
