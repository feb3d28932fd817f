package notifying

import (
	"context"
	"regexp"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// Right is the OAuth scope that a clinic needs to ask for reminders.
const Right = "system/Communication.c"

// perDay bounds how often one clinic may ring one patient.
const perDay = 10

// farthest is how long ahead a reminder may be asked for.
const farthest = 366 * 24 * time.Hour

// Ask is what a clinic sends: which template about which of its own subjects, and nothing in its own words.
type Ask struct {
	Card     card.ID
	Template notice.Template
	Subject  string    // the clinic's id of the appointment
	Starts   time.Time // with the clinic's own offset: quiet hours are those of the place
	Key      string    // idempotency key
	Request  string    // id of the request, for the audit
}

var (
	subjects = regexp.MustCompile(`^[A-Za-z0-9\-.]{1,64}$`) // an id of FHIR
	keys     = regexp.MustCompile(`^[!-~]{8,128}$`)
)

var (
	errAsk       = fault.New(fault.Invalid, "invalid_input", "Some of the input is not acceptable; fields tells where and why.")
	errKeyReused = fault.New(fault.Conflict, "idempotency.reused", "This idempotency key was used for another reminder.")
	errTooOften  = fault.New(fault.Throttled, "reminder.too_many", "This card got as many reminders from you as a day allows.").After(time.Hour)
)

func (a Ask) check(now time.Time) error {
	f := errAsk
	if !a.Template.Known() {
		f = f.At("body.template", "unknown template")
	}
	if !subjects.MatchString(a.Subject) {
		f = f.At("body.subject", "expected an id of 1 to 64 letters, digits, - and .")
	}
	if !keys.MatchString(a.Key) {
		f = f.At("header.Idempotency-Key", "expected 8 to 128 printable ASCII characters without spaces")
	}
	if !a.Starts.After(now) || a.Starts.Sub(now) > farthest {
		f = f.At("body.startsAt", "expected an instant within the next 366 days")
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

// Trigger takes a clinic's wish to remind the owner of a card. Asked again under the same key it gives the same reminder.
// Only a clinic that the card has to do with may; to any other the card does not exist.
func (s *Service) Trigger(ctx context.Context, a identity.Actor, ask Ask) (notice.Reminder, error) {
	now := s.clock().Truncate(time.Microsecond) // what databases keep, so that a repeated request gets the same answer
	ask.Starts = ask.Starts.Truncate(time.Second)
	if err := ask.check(now); err != nil {
		return notice.Reminder{}, err
	}
	wanted := notice.Reminder{
		ID: notice.ID(s.newID()), Card: ask.Card, Client: a.Client, Key: ask.Key, Template: ask.Template, Subject: ask.Subject,
		Starts: ask.Starts, At: s.quiet.Send(ask.Starts, now), Created: now,
	}
	var given notice.Reminder
	err := s.store.Update(ctx, func(tx Tx) error {
		if err := tx.LockCard(ask.Card); err != nil {
			return err
		}
		permit, err := tx.DecideWrite(a, ask.Card, Right, nil)
		if err != nil {
			return err
		}
		treats, err := tx.Treats(permit, now)
		if err != nil {
			return err
		}
		if !treats {
			return consent.ErrNoGrant
		}
		before, found, err := tx.ReminderByKey(permit, ask.Key)
		if err != nil {
			return err
		}
		if found {
			if !before.Same(wanted) {
				return errKeyReused
			}
			given = before
			return nil
		}
		n, err := tx.RemindersSince(permit, now.Add(-24*time.Hour))
		if err != nil {
			return err
		}
		if n >= perDay {
			return errTooOften
		}
		given = wanted
		if err := tx.AddReminder(permit, wanted); err != nil {
			return err
		}
		return tx.AppendAudit(audit.Entry{Card: ask.Card, At: now, Actor: a, Action: audit.Remind, Purpose: consent.Treatment,
			What: string(ask.Template), Request: ask.Request})
	})
	if err != nil {
		return notice.Reminder{}, err
	}
	return given, nil
}

// Remind tells the devices of the card's owner that a reminder is due.
func (s *Service) Remind(ctx context.Context, of card.ID, id notice.ID) error {
	now := s.clock()
	return s.store.Update(ctx, func(tx Tx) error {
		r, found, err := tx.Reminder(of, id)
		if err != nil || !found || !now.Before(r.Starts) {
			return err
		}
		if first, err := tx.SetReminderSent(of, id, now); err != nil || !first {
			return err
		}
		owners, err := tx.OwnersOf(of, now)
		if err != nil {
			return err
		}
		for _, owner := range owners {
			contacts, err := tx.ContactsOf(owner, notice.Upcoming, now)
			if err != nil {
				return err
			}
			for _, c := range contacts {
				if err := tx.EnqueuePush(notice.Push{ID: r.ID, Device: c.Device, Kind: notice.Upcoming, Ends: r.Starts}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
