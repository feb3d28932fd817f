package notifying

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/push"
)

// What becomes of a push that did not go out. The first comes back, the others are final.
var (
	errLater   = fault.New(fault.Unavailable, "push.later", "The carrier did not take it yet.")
	errExpired = fault.New(fault.Gone, "push.expired", "The carrier did not take it while it was worth delivering.")
	errRefused = fault.New(fault.Invalid, "push.refused", "The carrier will never take it.")
)

// Deliver hands one notice to the carrier of one device. A device that is gone, or on which nobody is signed in any more, is no
// failure.
func (s *Service) Deliver(ctx context.Context, p notice.Push) error {
	now := s.clock()
	left := p.Ends.Sub(now)
	if left <= 0 {
		return errExpired
	}
	var contact notice.Contact
	var found bool
	if err := s.store.View(ctx, func(tx Tx) (err error) {
		contact, found, err = tx.Contact(p.Device, p.Kind, now)
		return err
	}); err != nil || !found {
		return err
	}
	message, ok := messageOf(p, contact.Language, left)
	if !ok {
		return errRefused
	}
	address := push.Address{Carrier: push.Carrier(contact.Carrier), Token: contact.Token}
	result := s.sender.Send(ctx, []push.Delivery{{To: address, Message: message}})[0]
	s.count(p.Kind, result)

	switch result.Outcome {
	case push.Delivered:
		return nil
	case push.TokenDead:
		s.log.InfoContext(ctx, "push contact dropped", "device", string(p.Device), "reason", string(result.Reason))
		return s.store.Update(ctx, func(tx Tx) error { return tx.DropContact(contact) })
	case push.Refused:
		return errRefused
	}
	if result.After > 0 {
		return errLater.After(result.After)
	}
	return errLater
}

// topics says under which of the carrier's topics a kind travels.
var topics = map[notice.Kind]push.Topic{
	notice.Wake:      push.Wake,
	notice.Access:    push.Wake,
	notice.News:      push.News,
	notice.Upcoming:  push.Reminder,
	notice.Security:  push.Security,
	notice.Verdict:   push.News,
	notice.Family:    push.Security,
	notice.Incident:  push.Security,
	notice.Device:    push.Security,
	notice.Destroyed: push.Security,
}

var languages = map[account.Language]push.Language{account.Russian: push.Russian, account.English: push.English}

func messageOf(p notice.Push, l account.Language, left time.Duration) (push.Message, bool) {
	m := push.Message{Topic: topics[p.Kind], Language: languages[l], TTL: max(left.Truncate(time.Second), time.Second)}
	raw, err := hex.DecodeString(strings.ReplaceAll(string(p.ID), "-", ""))
	if err != nil || len(raw) != len(m.ID) {
		return push.Message{}, false
	}
	copy(m.ID[:], raw)
	return m, m.Check() == nil
}
