package jobs_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/medcard/medcard/app/jobs"
	"github.com/medcard/medcard/app/notifying"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/push"
	"github.com/medcard/medcard/push/fcm"
	"github.com/medcard/medcard/push/pushtest"
)

// house is everything between a commit and a phone: store, queue, act, the real SDK, and the carrier's other end.
type house struct {
	db     *store.DB
	fcm    *pushtest.Server
	notify *notifying.Service
}

type acting struct{ db *store.DB }

func (a acting) View(ctx context.Context, f func(notifying.Tx) error) error {
	return a.db.View(ctx, func(tx *store.Tx) error { return f(tx) })
}

func (a acting) Update(ctx context.Context, f func(notifying.Tx) error) error {
	return a.db.Update(ctx, func(tx *store.Tx) error { return f(tx) })
}

func newHouse(t *testing.T, db *store.DB) *house {
	t.Helper()
	carrier, err := pushtest.Start("medcard-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = carrier.Close() })
	sender, err := fcm.New(t.Context(), fcm.Config{Project: carrier.Project, Endpoint: carrier.Endpoint(), Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{db: db, fcm: carrier}
	h.notify = notifying.New(notifying.Parts{Store: acting{db}, Sender: push.NewBreaker(sender, time.Now), Clock: time.Now})
	runner, err := jobs.New(jobs.Config{
		Queue: db.Queue(), Poll: 20 * time.Millisecond, Workers: 32,
		Pause: func(int) time.Duration { return 20 * time.Millisecond },
		Work: jobs.Work{
			News: func(ctx context.Context, j jobs.News) error {
				return h.notify.Announce(ctx, j.Card, j.Account, j.About)
			},
			Push: func(ctx context.Context, j jobs.Push) error {
				return h.notify.Deliver(ctx, notice.Push{ID: j.ID, Device: j.Device, Kind: j.About, Ends: j.Ends})
			},
			Reminder:    func(ctx context.Context, j jobs.Reminder) error { return h.notify.Remind(ctx, j.Card, j.ID) },
			Supply:      func(context.Context, jobs.Supply) error { return nil },
			Alert:       func(context.Context, jobs.Alert) error { return nil },
			Destruction: func(context.Context, jobs.Destruction) error { return nil },
			Upkeep:      h.notify.Sweep,
			Collect:     func(context.Context) error { return nil },
			Sequence:    func(context.Context) error { return nil },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return h
}

// phone signs the account in on one more phone, which then tells its token.
func (h *house) phone(t *testing.T, who identity.AccountID, token string) identity.Actor {
	t.Helper()
	a := identity.Actor{Kind: identity.Patient, Account: who, Device: identity.DeviceID(store.NewID()), SecondFactor: true}
	now := time.Now()
	h.update(t, func(tx *store.Tx) error {
		return tx.AddSession(account.Session{ID: identity.SessionID(store.NewID()), Account: who, Device: a.Device, Opened: now, Ends: now.Add(time.Hour)})
	})
	if err := h.notify.Register(t.Context(), a, "fcm", token, account.Russian); err != nil {
		t.Fatal(err)
	}
	return a
}

func (h *house) update(t *testing.T, f func(*store.Tx) error) {
	t.Helper()
	if err := h.db.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func (h *house) cardOf(t *testing.T, owner identity.AccountID) (id card.ID) {
	t.Helper()
	h.update(t, func(tx *store.Tx) (err error) {
		if id, err = tx.CreateCard(time.Now()); err != nil {
			return err
		}
		return tx.GrantOwner(id, owner, time.Now().Add(-time.Minute))
	})
	return id
}

var clinic = identity.Actor{Kind: identity.Clinic, Client: "c1", Organisation: "Clinic No. 1", Scopes: []string{"system/*.c", notifying.Right}}

// result lets the clinic's laboratory commit something.
func (h *house) result(t *testing.T, id card.ID) {
	t.Helper()
	h.update(t, func(tx *store.Tx) error {
		p, err := tx.DecideWrite(clinic, id, "system/*.c", card.Scopes{"lab.general"})
		if err != nil {
			return err
		}
		return tx.EnqueueNews(p, card.Scopes{"lab.general"})
	})
}

func (h *house) wait(t *testing.T, token string, n int) []pushtest.Wire {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if got := h.fcm.To(token); len(got) >= n {
			return got
		}
	}
	t.Fatalf("%d messages for %s, want %d", len(h.fcm.To(token)), token, n)
	return nil
}

func newAccount() identity.AccountID { return identity.AccountID(store.NewID()) }

func TestFromACommitToThePhones(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ada := newAccount()
		id := h.cardOf(t, ada)
		first := h.phone(t, ada, "phone-1")
		h.phone(t, ada, "phone-2")
		h.phone(t, newAccount(), "somebody-else")

		h.result(t, id)
		for _, token := range []string{"phone-1", "phone-2"} {
			got := h.wait(t, token, 1)[0]
			if got.Data["topic"] != "news" || !got.Visible() {
				t.Errorf("%s got %s", token, got.Raw)
			}
		}

		// What a phone writes itself wakes the other one, and shows nothing.
		h.update(t, func(tx *store.Tx) error {
			p, err := tx.Decide(first, id, consent.PatientRequest, time.Now())
			if err != nil {
				return err
			}
			return tx.EnqueueNews(p, card.Scopes{"note.general"})
		})
		if got := h.wait(t, "phone-2", 2)[1]; got.Data["topic"] != "sync" || got.Visible() {
			t.Errorf("the other phone got %s", got.Raw)
		}
		if n := len(h.fcm.To("phone-1")); n != 1 {
			t.Errorf("the phone that wrote got %d messages, want the one before", n)
		}
		if n := len(h.fcm.To("somebody-else")); n != 0 {
			t.Errorf("a stranger's phone got %d messages", n)
		}
	})
}

func TestADeadTokenIsDroppedAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ada := newAccount()
		id := h.cardOf(t, ada)
		h.phone(t, ada, "dead")
		h.phone(t, ada, "alive")
		h.fcm.Fail("dead", pushtest.Unregistered())
		h.result(t, id)
		h.wait(t, "alive", 1)
		left := func() (n int) {
			h.update(t, func(tx *store.Tx) error {
				list, err := tx.ContactsOf(ada, notice.News, time.Now())
				n = len(list)
				return err
			})
			return n
		}
		for end := time.Now().Add(20 * time.Second); left() != 1 && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
		h.result(t, id)
		h.wait(t, "alive", 2)
		if n := len(h.fcm.To("dead")); n != 0 || left() != 1 {
			t.Errorf("the dead token was sent %d messages, %d contacts are left", n, left())
		}
	})
}

func TestAReminderOfAClinic(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ada := newAccount()
		id := h.cardOf(t, ada)
		phone := h.phone(t, ada, "phone")
		ask := notifying.Ask{Card: id, Template: notice.Appointment, Subject: "visit-7", Starts: time.Now().Add(2 * time.Hour), Key: "key-00001"}
		if _, err := h.notify.Trigger(t.Context(), clinic, ask); fault.KindOf(err) != fault.NotFound {
			t.Fatalf("a clinic that nobody let in: %v", err)
		}
		h.update(t, func(tx *store.Tx) error {
			p, err := tx.Decide(phone, id, consent.PatientRequest, time.Now())
			if err != nil {
				return err
			}
			return tx.AddGrant(p, consent.Grant{ID: consent.GrantID(store.NewID()), Card: id, Role: consent.Reader, Client: clinic.Client,
				Scopes: card.Scopes{"visit.*"}, Purpose: consent.Treatment, Starts: time.Now().Add(-time.Minute), Ends: time.Now().Add(time.Hour)})
		})
		first, err := h.notify.Trigger(t.Context(), clinic, ask)
		if err != nil {
			t.Fatal(err)
		}
		again, err := h.notify.Trigger(t.Context(), clinic, ask)
		if err != nil || again.ID != first.ID {
			t.Errorf("asked again: %v, %v", again.ID, err)
		}
		if got := h.wait(t, "phone", 1)[0]; got.Data["topic"] != "reminder" || !got.Visible() {
			t.Errorf("the phone got %s", got.Raw)
		}
		time.Sleep(100 * time.Millisecond)
		if n := len(h.fcm.To("phone")); n != 1 {
			t.Errorf("reminded %d times", n)
		}
	})
}

func TestNothingIsLostWhenTheCarrierIsIll(t *testing.T) {
	const phones = 300
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		h.fcm.Roulette(0.3, 7, pushtest.Internal(), pushtest.Unavailable(), pushtest.Reset(), pushtest.Garbage(200), pushtest.Garbage(502), pushtest.Unauthorized())
		h.update(t, func(tx *store.Tx) error {
			for i := range phones {
				now := time.Now()
				who, device := newAccount(), identity.DeviceID(store.NewID())
				if err := tx.AddSession(account.Session{ID: identity.SessionID(store.NewID()), Account: who, Device: device, Opened: now, Ends: now.Add(time.Hour)}); err != nil {
					return err
				}
				if err := tx.PutContact(notice.Contact{Device: device, Account: who, Carrier: "fcm", Token: fmt.Sprintf("phone-%d", i), Seen: now}); err != nil {
					return err
				}
				if err := tx.EnqueuePush(notice.Push{ID: notice.ID(store.NewID()), Device: device, Kind: notice.News, Ends: now.Add(time.Hour)}); err != nil {
					return err
				}
			}
			return nil
		})
		for i := range phones {
			h.wait(t, fmt.Sprintf("phone-%d", i), 1)
		}
		time.Sleep(200 * time.Millisecond)
		if got := len(h.fcm.Messages()); got != phones {
			t.Errorf("%d messages arrived for %d phones", got, phones)
		}
	})
}
