package notifying

import (
	"context"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/push"
)

// fake is a store in memory. Each closure runs twice, and only the second run counts, so that a closure with a memory of its
// own fails here.
type fake struct {
	state
	token consent.Token
}

type state struct {
	contacts  []notice.Contact
	news      map[string]notice.Due
	owners    map[card.ID][]identity.AccountID
	treats    map[identity.ClientID]bool
	reminders []notice.Reminder
	pushes    []notice.Push
	audits    []audit.Entry
}

var (
	_ Store = (*fake)(nil)
	_ Tx    = (*fakeTx)(nil)
)

func (s state) copy() state {
	c := s
	c.contacts, c.reminders = slices.Clone(s.contacts), slices.Clone(s.reminders)
	c.pushes, c.audits = slices.Clone(s.pushes), slices.Clone(s.audits)
	c.news = map[string]notice.Due{}
	for k, v := range s.news {
		c.news[k] = v
	}
	return c
}

func (f *fake) View(_ context.Context, do func(Tx) error) error {
	return do(&fakeTx{state: f.copy(), token: &f.token})
}

func (f *fake) Update(_ context.Context, do func(Tx) error) error {
	_ = do(&fakeTx{state: f.copy(), token: &f.token})
	tx := &fakeTx{state: f.copy(), token: &f.token}
	if err := do(tx); err != nil {
		return err
	}
	f.state = tx.state
	return nil
}

type fakeTx struct {
	state
	token *consent.Token
}

func (t *fakeTx) PutContact(c notice.Contact) error {
	t.contacts = slices.DeleteFunc(t.contacts, func(o notice.Contact) bool { return o.Device == c.Device || o.Token == c.Token })
	t.contacts = append(t.contacts, c)
	return nil
}

func (t *fakeTx) Contact(device identity.DeviceID, _ notice.Kind, _ time.Time) (notice.Contact, bool, error) {
	for _, c := range t.contacts {
		if c.Device == device {
			return c, true, nil
		}
	}
	return notice.Contact{}, false, nil
}

func (t *fakeTx) ContactsOf(account identity.AccountID, _ notice.Kind, _ time.Time) (list []notice.Contact, err error) {
	for _, c := range t.contacts {
		if c.Account == account {
			list = append(list, c)
		}
	}
	return list, nil
}

func (t *fakeTx) DropContact(c notice.Contact) error {
	t.contacts = slices.DeleteFunc(t.contacts, func(o notice.Contact) bool { return o.Device == c.Device && o.Token == c.Token })
	return nil
}

func (t *fakeTx) ForgetContacts(before time.Time) error {
	t.contacts = slices.DeleteFunc(t.contacts, func(o notice.Contact) bool { return o.Seen.Before(before) })
	return nil
}

func (t *fakeTx) TakeNews(id card.ID, account identity.AccountID, about notice.Kind) (notice.Due, bool, error) {
	key := string(id) + string(account) + string(about)
	d, found := t.news[key]
	delete(t.news, key)
	return d, found, nil
}

func (t *fakeTx) OwnersOf(id card.ID, _ time.Time) ([]identity.AccountID, error) {
	return t.owners[id], nil
}

func (t *fakeTx) Speaks(card.ID, identity.AccountID, time.Time) (bool, error) { return false, nil }

func (t *fakeTx) StillSees(id card.ID, account identity.AccountID, _ identity.DeviceID, _ time.Time) (bool, error) {
	return slices.Contains(t.owners[id], account), nil
}

func (t *fakeTx) EnqueuePush(p notice.Push) error { t.pushes = append(t.pushes, p); return nil }

func (t *fakeTx) LockCard(id card.ID) error {
	if t.owners[id] == nil {
		return consent.ErrNoGrant
	}
	return nil
}

func (t *fakeTx) DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes) (consent.Permit, error) {
	return consent.DecideWrite(a, id, right, scopes, t.token)
}

func (t *fakeTx) Treats(p consent.Permit, _ time.Time) (bool, error) {
	return t.treats[p.Actor().Client], nil
}

func (t *fakeTx) AddReminder(_ consent.Permit, r notice.Reminder) error {
	t.reminders = append(t.reminders, r)
	return nil
}

func (t *fakeTx) ReminderByKey(p consent.Permit, key string) (notice.Reminder, bool, error) {
	for _, r := range t.reminders {
		if r.Card == p.Card() && r.Client == p.Actor().Client && r.Key == key {
			return r, true, nil
		}
	}
	return notice.Reminder{}, false, nil
}

func (t *fakeTx) RemindersSince(p consent.Permit, since time.Time) (n int, err error) {
	for _, r := range t.reminders {
		if r.Card == p.Card() && r.Client == p.Actor().Client && !r.Created.Before(since) {
			n++
		}
	}
	return n, nil
}

func (t *fakeTx) Reminder(of card.ID, id notice.ID) (notice.Reminder, bool, error) {
	for _, r := range t.reminders {
		if r.Card == of && r.ID == id {
			return r, true, nil
		}
	}
	return notice.Reminder{}, false, nil
}

func (t *fakeTx) SetReminderSent(of card.ID, id notice.ID, now time.Time) (bool, error) {
	for i, r := range t.reminders {
		if r.Card == of && r.ID == id {
			t.reminders[i].Sent = now
			return r.Sent.IsZero(), nil
		}
	}
	return false, nil
}

func (t *fakeTx) AppendAudit(e audit.Entry) error { t.audits = append(t.audits, e); return nil }

// carrier answers every delivery alike and keeps what it was given.
type carrier struct {
	answer push.Result
	got    []push.Delivery
}

func (c *carrier) Send(_ context.Context, deliveries []push.Delivery) []push.Result {
	c.got = append(c.got, deliveries...)
	results := make([]push.Result, len(deliveries))
	for i := range results {
		results[i] = c.answer
	}
	return results
}

var _ push.Sender = (*carrier)(nil)
