package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/app/jobs"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// signedIn adds an account with a device on which it is signed in.
func signedIn(t *testing.T, db *store.DB) (identity.AccountID, identity.DeviceID) {
	t.Helper()
	account, device := identity.AccountID(store.NewID()), identity.DeviceID(store.NewID())
	signInOn(t, db, account, device)
	return account, device
}

func signInOn(t *testing.T, db *store.DB, who identity.AccountID, device identity.DeviceID) identity.SessionID {
	t.Helper()
	s := account.Session{ID: identity.SessionID(store.NewID()), Account: who, Device: device, Opened: noon, Ends: noon.Add(30 * 24 * time.Hour)}
	update(t, db, func(tx *store.Tx) error { return tx.AddSession(s) })
	return s.ID
}

func contact(who identity.AccountID, device identity.DeviceID, token string) notice.Contact {
	return notice.Contact{Account: who, Device: device, Carrier: "fcm", Token: token, Language: account.Russian, Seen: noon}
}

func tokensOf(t *testing.T, db *store.DB, who identity.AccountID, now time.Time) (tokens []string) {
	t.Helper()
	if err := db.View(context.Background(), func(tx *store.Tx) error {
		tokens = nil
		list, err := tx.ContactsOf(who, notice.News, now)
		for _, c := range list {
			tokens = append(tokens, c.Token)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(tokens)
	return tokens
}

func TestContactFollowsTheDeviceAndTheToken(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ada, phone := signedIn(t, db)
		want := contact(ada, phone, "t1")
		update(t, db, func(tx *store.Tx) error { return tx.PutContact(want) })
		update(t, db, func(tx *store.Tx) error {
			got, found, err := tx.Contact(phone, notice.News, noon)
			if err != nil || !found || got != want {
				t.Errorf("%+v, %v, %v; want %+v", got, found, err, want)
			}
			if _, found, err := tx.Contact("", notice.News, noon); found || err != nil {
				t.Errorf("no device is reached: %v, %v", found, err)
			}
			return nil
		})
		update(t, db, func(tx *store.Tx) error { return tx.PutContact(contact(ada, phone, "t2")) })
		if got := tokensOf(t, db, ada, noon); !slices.Equal(got, []string{"t2"}) {
			t.Errorf("after another token: %v", got)
		}

		// Somebody else signs in on the same phone: its token is theirs now, and Ada's news stay away from it.
		eve, sameToken := signedIn(t, db)
		update(t, db, func(tx *store.Tx) error { return tx.PutContact(contact(eve, sameToken, "t2")) })
		if got := tokensOf(t, db, ada, noon); len(got) != 0 {
			t.Errorf("Ada is still reached at %v", got)
		}
		if got := tokensOf(t, db, eve, noon); !slices.Equal(got, []string{"t2"}) {
			t.Errorf("Eve is reached at %v", got)
		}
	})
}

func TestContactNeedsSomebodySignedIn(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ada, phone := identity.AccountID(store.NewID()), identity.DeviceID(store.NewID())
		first, second := signInOn(t, db, ada, phone), signInOn(t, db, ada, phone)
		update(t, db, func(tx *store.Tx) error { return tx.PutContact(contact(ada, phone, "t")) })
		update(t, db, func(tx *store.Tx) error { return tx.EndSession(first, noon) })
		if got := tokensOf(t, db, ada, noon); len(got) != 1 {
			t.Errorf("one of two sessions ended: %v", got)
		}
		update(t, db, func(tx *store.Tx) error { return tx.EndSession(second, noon) })
		if got := tokensOf(t, db, ada, noon); len(got) != 0 {
			t.Errorf("signed out, but still reached at %v", got)
		}
		signInOn(t, db, ada, phone)
		if got := tokensOf(t, db, ada, noon.Add(31*24*time.Hour)); len(got) != 0 {
			t.Errorf("the session is over, but reached at %v", got)
		}
		if got := tokensOf(t, db, ada, noon); len(got) != 1 {
			t.Errorf("signed in again, but reached at %v", got)
		}
	})
}

func TestDeadContactIsDroppedUnlessRenewed(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ada, phone := signedIn(t, db)
		dead := contact(ada, phone, "dead")
		update(t, db, func(tx *store.Tx) error { return tx.PutContact(contact(ada, phone, "fresh")) })
		update(t, db, func(tx *store.Tx) error { return tx.DropContact(dead) })
		if got := tokensOf(t, db, ada, noon); !slices.Equal(got, []string{"fresh"}) {
			t.Errorf("the token that the phone told meanwhile went with the dead one: %v", got)
		}
		update(t, db, func(tx *store.Tx) error { return tx.DropContact(contact(ada, phone, "fresh")) })
		if got := tokensOf(t, db, ada, noon); len(got) != 0 {
			t.Errorf("dropped, but reached at %v", got)
		}
		update(t, db, func(tx *store.Tx) error { return tx.PutContact(contact(ada, phone, "old")) })
		update(t, db, func(tx *store.Tx) error { return tx.ForgetContacts(noon) })
		if got := tokensOf(t, db, ada, noon); len(got) != 1 {
			t.Error("a contact of this very instant was forgotten")
		}
		update(t, db, func(tx *store.Tx) error { return tx.ForgetContacts(noon.Add(time.Second)) })
		if got := tokensOf(t, db, ada, noon); len(got) != 0 {
			t.Errorf("forgotten, but reached at %v", got)
		}
	})
}

var lab = identity.Actor{Kind: identity.Clinic, Client: "c1", Scopes: []string{"system/*.c", "system/Communication.c"}}

// publish makes a change of the card by a clinic in the scopes.
func publish(t *testing.T, db *store.DB, id card.ID, scopes ...card.Scope) {
	t.Helper()
	update(t, db, func(tx *store.Tx) error {
		p, err := tx.DecideWrite(lab, id, "system/*.c", scopes)
		if err != nil {
			return err
		}
		return tx.EnqueueNews(p, scopes)
	})
}

func take(t *testing.T, db *store.DB, id card.ID, who identity.AccountID, about notice.Kind) (d notice.Due, found bool) {
	t.Helper()
	update(t, db, func(tx *store.Tx) (err error) { d, found, err = tx.TakeNews(id, who, about); return err })
	return d, found
}

func TestNewsIsTakenOnce(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		publish(t, db, id, "lab.general")
		publish(t, db, id, "lab.general")
		first, found := take(t, db, id, "ada", notice.News)
		if !found || first.ID == "" || first.Except != "" {
			t.Fatalf("%+v, %v", first, found)
		}
		if _, found := take(t, db, id, "ada", notice.News); found {
			t.Error("a burst of changes was announced twice")
		}
		if _, found := take(t, db, id, "eve", notice.News); found {
			t.Error("a stranger has news")
		}
		publish(t, db, id, "lab.general")
		second, found := take(t, db, id, "ada", notice.News)
		if !found || second.ID == first.ID {
			t.Errorf("what changed after the taking: %+v, %v; want news of its own", second, found)
		}
	})
}

func TestNewsStaysAwayFromWhoMayNotSeeIt(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		publish(t, db, id) // nothing changed
		if _, found := take(t, db, id, "ada", notice.News); found {
			t.Error("news of nothing")
		}
		err := db.Update(context.Background(), func(tx *store.Tx) error {
			return tx.EnqueueNews(consent.Permit{}, card.Everything())
		})
		if !errors.Is(err, store.ErrForeignPermit) {
			t.Errorf("without a permit: %v", err)
		}
	})
}

func TestOwnChangesWakeTheOtherDevices(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		write := func(device identity.DeviceID) {
			update(t, db, func(tx *store.Tx) error {
				who := patient("ada")
				who.Device = device
				p, err := tx.Decide(who, id, consent.PatientRequest, noon)
				if err != nil {
					return err
				}
				return tx.EnqueueNews(p, card.Scopes{"note.general"})
			})
		}
		write("d1")
		write("d1")
		if d, found := take(t, db, id, "ada", notice.Wake); !found || d.Except != "d1" {
			t.Errorf("%+v, %v; want all but the phone that wrote", d, found)
		}
		write("d1")
		write("d2")
		if d, found := take(t, db, id, "ada", notice.Wake); !found || d.Except != "" {
			t.Errorf("%+v, %v; both phones wrote, so both have news", d, found)
		}
		if _, found := take(t, db, id, "ada", notice.News); found {
			t.Error("the own change shows a line")
		}
	})
}

// A job stands in the queue if and only if its transaction committed.
func TestJobsShareTheTransaction(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		thought := errors.New("changed my mind")
		p := func(id string) notice.Push {
			return notice.Push{ID: notice.ID(id), Device: "d1", Kind: notice.News, Ends: noon}
		}
		if err := db.Update(ctx, func(tx *store.Tx) error {
			if err := tx.EnqueuePush(p("rolled back")); err != nil {
				return err
			}
			return thought
		}); !errors.Is(err, thought) {
			t.Fatal(err)
		}
		update(t, db, func(tx *store.Tx) error { return tx.EnqueuePush(p("committed")) })

		worked := make(chan jobs.Push, 10)
		runner, err := jobs.New(jobs.Config{Queue: db.Queue(), Poll: 20 * time.Millisecond, Work: jobs.Work{
			News:        func(context.Context, jobs.News) error { return nil },
			Push:        func(_ context.Context, j jobs.Push) error { worked <- j; return nil },
			Reminder:    func(context.Context, jobs.Reminder) error { return nil },
			Supply:      func(context.Context, jobs.Supply) error { return nil },
			Alert:       func(context.Context, jobs.Alert) error { return nil },
			Destruction: func(context.Context, jobs.Destruction) error { return nil },
			Upkeep:      func(context.Context) error { return nil },
			Collect:     func(context.Context) error { return nil },
			Sequence:    func(context.Context) error { return nil },
		}})
		if err != nil {
			t.Fatal(err)
		}
		running, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- runner.Run(running) }()
		select {
		case j := <-worked:
			if j.ID != "committed" || j.Device != "d1" || j.About != notice.News || !j.Ends.Equal(noon) {
				t.Errorf("worked %+v", j)
			}
		case <-ctx.Done():
			t.Error("the committed job was not worked")
		}
		time.Sleep(100 * time.Millisecond)
		stop()
		if err := <-done; err != nil {
			t.Errorf("stop: %v", err)
		}
		if len(worked) > 0 {
			t.Errorf("worked also %+v", <-worked)
		}
	})
}

func TestReminders(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		want := notice.Reminder{ID: notice.ID(store.NewID()), Card: id, Client: "c1", Key: "key-1", Template: notice.Appointment,
			Subject: "visit-7", Starts: noon.Add(48 * time.Hour), At: noon.Add(24 * time.Hour), Created: noon}
		as := func(do func(*store.Tx, consent.Permit) error) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				p, err := tx.DecideWrite(lab, id, "system/Communication.c", nil)
				if err != nil {
					return err
				}
				return do(tx, p)
			})
		}
		as(func(tx *store.Tx, p consent.Permit) error { return tx.AddReminder(p, want) })
		as(func(tx *store.Tx, p consent.Permit) error {
			if got, found, err := tx.ReminderByKey(p, "key-1"); err != nil || !found || got != want {
				t.Errorf("by key: %+v, %v, %v; want %+v", got, found, err, want)
			}
			if _, found, err := tx.ReminderByKey(p, "key-2"); err != nil || found {
				t.Errorf("by another key: %v, %v", found, err)
			}
			if n, err := tx.RemindersSince(p, noon); err != nil || n != 1 {
				t.Errorf("since noon: %d, %v", n, err)
			}
			if n, err := tx.RemindersSince(p, noon.Add(time.Second)); err != nil || n != 0 {
				t.Errorf("after noon: %d, %v", n, err)
			}
			if err := tx.AddReminder(p, notice.Reminder{ID: "x", Card: id, Client: "another"}); !errors.Is(err, store.ErrForeignPermit) {
				t.Errorf("in another's name: %v", err)
			}
			return nil
		})
		for run, wanted := range []bool{true, false} {
			update(t, db, func(tx *store.Tx) error {
				if first, err := tx.SetReminderSent(id, want.ID, noon); err != nil || first != wanted {
					t.Errorf("run %d: first = %v, %v", run, first, err)
				}
				return nil
			})
		}
		update(t, db, func(tx *store.Tx) error {
			got, found, err := tx.Reminder(id, want.ID)
			want.Sent = noon
			if err != nil || !found || got != want {
				t.Errorf("when sent: %+v, %v, %v; want %+v", got, found, err, want)
			}
			return nil
		})
	})
}

func TestWhoTreats(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		treats := func(now time.Time) (yes bool) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				p, err := tx.DecideWrite(lab, id, "system/Communication.c", nil)
				if err != nil {
					return err
				}
				yes, err = tx.Treats(p, now)
				return err
			})
			return yes
		}
		if treats(noon) {
			t.Error("a clinic that nobody let in treats")
		}
		update(t, db, func(tx *store.Tx) error {
			p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
			if err != nil {
				return err
			}
			return tx.AddGrant(p, consent.Grant{ID: consent.GrantID(store.NewID()), Card: id, Role: consent.Reader, Client: "c1",
				Scopes: card.Scopes{"lab.*"}, Purpose: consent.Treatment, Starts: noon, Ends: noon.Add(time.Hour)})
		})
		if !treats(noon) || treats(noon.Add(time.Hour)) {
			t.Error("it treats from the grant's start to just before its end")
		}
		update(t, db, func(tx *store.Tx) error {
			owners, err := tx.OwnersOf(id, noon)
			if !slices.Equal(owners, []identity.AccountID{"ada"}) {
				t.Errorf("owners: %v", owners)
			}
			return err
		})
	})
}

// Whom the owner lets see part of a card hears of news in that part, while that lasts.
func TestAProxyHearsOfNews(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		var sees, before, after bool
		update(t, db, func(tx *store.Tx) error {
			p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
			if err != nil {
				return err
			}
			if err := tx.AddGrant(p, consent.Grant{ID: consent.GrantID(store.NewID()), Card: id, Role: consent.Proxy, Account: "bob",
				Scopes: card.Scopes{"lab.*"}, Purpose: consent.PatientRequest, Starts: noon, Ends: noon.Add(time.Hour)}); err != nil {
				return err
			}
			return tx.EnqueueNews(p, card.Scopes{"lab.general"})
		})
		update(t, db, func(tx *store.Tx) (err error) {
			if _, sees, err = tx.TakeNews(id, "bob", notice.Wake); err != nil {
				return err
			}
			if before, err = tx.StillSees(id, "bob", "phone", noon); err != nil {
				return err
			}
			after, err = tx.StillSees(id, "bob", "phone", noon.Add(time.Hour))
			return err
		})
		if !sees || !before || after {
			t.Errorf("news wait: %t; sees: %t, and after the end: %t", sees, before, after)
		}
	})
}
