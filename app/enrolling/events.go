package enrolling

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

// What is done with an account is kept, in the transaction that does it, and shown to its person. The audit log gets it within the hour.

// eventsListed is how many events a page holds at most.
const eventsListed = 100

// told are the events that a message tells of: what changes the ways in does both.
var told = map[string]account.Event{
	emailAppOn: {Kind: account.AppChanged, What: "added"}, emailAppOff: {Kind: account.AppChanged, What: "removed"},
	emailPasskeyOn: {Kind: account.PasskeySet, What: "added"}, emailPasskeyOff: {Kind: account.PasskeySet, What: "removed"},
	emailLinked: {Kind: account.LinkSet, What: "added"}, emailUnlinked: {Kind: account.LinkSet, What: "removed"},
	emailCodesNew: {Kind: account.NewCodes}, emailPassword: {Kind: account.NewPassword}, emailSignedOut: {Kind: account.SignedOut, What: "from another device"},
	emailLocked: {Kind: account.Locking, What: "locked"}, emailUnlocked: {Kind: account.Locking, What: "unlocked"},
}

// note keeps that the event of a message happened to an account.
func note(tx Tx, of identity.AccountID, device identity.DeviceID, message string, now time.Time) error {
	e := told[message]
	e.Account, e.Device, e.At = of, device, now
	return tx.AddEvent(e)
}

// methodsOf words how somebody signed in.
func methodsOf(methods []account.Method, strange bool) string {
	words := make([]string, 0, len(methods)+1)
	for _, m := range methods {
		if m != account.Several {
			words = append(words, string(m))
		}
	}
	if strange {
		words = append(words, "new device")
	}
	return strings.Join(slices.Compact(words), ", ")
}

// Happened is an event with the name of the device from which it came.
type Happened struct {
	account.Event
	DeviceName string // "" = it is none of the person's any more
}

// Events gives a page of what was done with the actor's account, the newest first, below one of them ("" = from the newest).
func (s *Service) Events(ctx context.Context, a identity.Actor, below account.EventID) (page []Happened, more bool, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		page = nil
		list, err := tx.EventsOf(a.Account, below, eventsListed+1)
		if err != nil {
			return err
		}
		more = len(list) > eventsListed
		devices, err := tx.Devices(a.Account, s.now())
		if err != nil {
			return err
		}
		for _, e := range list[:min(len(list), eventsListed)] {
			h := Happened{Event: e}
			if i := slices.IndexFunc(devices, func(d account.ListedDevice) bool { return d.ID == e.Device }); i >= 0 {
				h.DeviceName = devices[i].Name
			}
			page = append(page, h)
		}
		return nil
	})
	return page, more, err
}

// eventsAtOnce bounds one look for what the audit log lacks.
const eventsAtOnce = 500

// noteAfter is how long an event waits at least: a person who is busy with his account has its lines in one piece.
const noteAfter = 10 * time.Minute

// Note writes into the audit log what was done with accounts up to the instant, each in a transaction of its own. One that fails keeps no other
// from its turn.
func (s *Service) Note(ctx context.Context, until time.Time) error {
	var after account.EventID
	var failed []error
	for {
		var due []account.Event
		if err := s.store.View(ctx, func(tx Tx) (err error) {
			due, err = tx.DueEvents(after, until, eventsAtOnce)
			return err
		}); err != nil || len(due) == 0 {
			return errors.Join(append(failed, err)...)
		}
		for _, e := range due {
			failed = append(failed, s.store.Update(ctx, func(tx Tx) error { return tx.AuditEvent(e, until, s.now()) }))
			after = e.ID
		}
		if err := ctx.Err(); err != nil {
			return errors.Join(append(failed, err)...)
		}
	}
}
