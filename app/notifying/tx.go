package notifying

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// Store runs transactions. A closure may run again, so it holds nothing but Tx calls.
type Store interface {
	View(ctx context.Context, f func(Tx) error) error
	Update(ctx context.Context, f func(Tx) error) error
}

// Tx is what notifying needs of one transaction.
type Tx interface {
	// PutContact keeps how a device is reached; a token that another device had moves. Contact and ContactsOf find only devices
	// on which somebody is signed in; of Security also those whose session a restore of the server ended. DropContact leaves a
	// token alone that is not the one of the contact.
	PutContact(c notice.Contact) error
	Contact(device identity.DeviceID, about notice.Kind, now time.Time) (notice.Contact, bool, error)
	ContactsOf(account identity.AccountID, about notice.Kind, now time.Time) ([]notice.Contact, error)
	DropContact(c notice.Contact) error
	ForgetContacts(before time.Time) error

	// TakeNews takes what waits to be announced; what changes from then on waits anew.
	TakeNews(id card.ID, account identity.AccountID, about notice.Kind) (notice.Due, bool, error)
	// StillSees is asked of whoever has news of a card waiting, owner or not, for each of his devices; OwnersOf says whom reminders are for.
	StillSees(id card.ID, account identity.AccountID, device identity.DeviceID, now time.Time) (bool, error)
	// Speaks reports whether the account's person is told what is done with the card: its owner, or where it has none, who represents the patient
	// wholly.
	Speaks(id card.ID, account identity.AccountID, now time.Time) (bool, error)
	OwnersOf(id card.ID, now time.Time) ([]identity.AccountID, error)
	EnqueuePush(p notice.Push) error

	LockCard(id card.ID) error
	DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes) (consent.Permit, error)
	Treats(p consent.Permit, now time.Time) (bool, error)
	AddReminder(p consent.Permit, r notice.Reminder) error
	ReminderByKey(p consent.Permit, key string) (notice.Reminder, bool, error)
	RemindersSince(p consent.Permit, since time.Time) (int, error)
	Reminder(of card.ID, id notice.ID) (notice.Reminder, bool, error)
	// SetReminderSent gives false when it was sent before.
	SetReminderSent(of card.ID, id notice.ID, now time.Time) (bool, error)
	AppendAudit(e audit.Entry) error
}
