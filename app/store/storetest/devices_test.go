package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// handsets are a person's devices, each with a session and a push token.
type handsets struct {
	who      identity.AccountID
	devices  []identity.DeviceID
	sessions []identity.SessionID
}

func newHandsets(t *testing.T, db *store.DB, n int) handsets {
	t.Helper()
	h := handsets{who: identity.AccountID(store.NewID())}
	for i := range n {
		device, session := identity.DeviceID(store.NewID()), identity.SessionID(store.NewID())
		h.devices, h.sessions = append(h.devices, device), append(h.sessions, session)
		update(t, db, func(tx *store.Tx) error {
			return errors.Join(
				tx.PutDevice(h.who, account.Device{ID: device, Name: "Телефон", Secret: []byte("hash"), Seen: noon.Add(time.Duration(i) * time.Second)}),
				tx.AddSession(account.Session{ID: session, Account: h.who, Device: device, Opened: noon, Proved: noon, Ends: noon.Add(time.Hour)}),
				tx.PutContact(notice.Contact{Device: device, Account: h.who, Carrier: "fcm", Token: string(device), Seen: noon}))
		})
	}
	return h
}

// standing gives the devices that are listed as signed in, and those that are reached by push.
func (h handsets) standing(t *testing.T, db *store.DB) (signedIn, reached []identity.DeviceID) {
	t.Helper()
	update(t, db, func(tx *store.Tx) error {
		list, err := tx.Devices(h.who, noon)
		for _, d := range list {
			if d.SignedIn {
				signedIn = append(signedIn, d.ID)
			}
		}
		contacts, err2 := tx.ContactsOf(h.who, notice.News, noon)
		for _, c := range contacts {
			reached = append(reached, c.Device)
		}
		return errors.Join(err, err2)
	})
	slices.Sort(reached)
	return signedIn, reached
}

func (h handsets) want(t *testing.T, db *store.DB, what string, latestFirst ...identity.DeviceID) {
	t.Helper()
	signedIn, reached := h.standing(t, db)
	sorted := slices.Sorted(slices.Values(latestFirst))
	if !slices.Equal(signedIn, latestFirst) || !slices.Equal(reached, sorted) {
		t.Errorf("%s: signed in %v, reached %v, want %v", what, signedIn, reached, latestFirst)
	}
}

func TestDevicesAreForgottenWithTheirSessionsAndPushes(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		h, other := newHandsets(t, db, 4), newHandsets(t, db, 1)
		d := h.devices
		h.want(t, db, "all", d[3], d[2], d[1], d[0])
		update(t, db, func(tx *store.Tx) error { return tx.SeeDevice(h.who, d[0], noon.Add(time.Minute)) })
		h.want(t, db, "the first was used", d[0], d[3], d[2], d[1])
		update(t, db, func(tx *store.Tx) error {
			found, err := tx.ForgetDevice(h.who, d[3], noon)
			strange, err2 := tx.ForgetDevice(h.who, other.devices[0], noon)
			if !found || strange {
				t.Errorf("found %v, another person's %v", found, strange)
			}
			return errors.Join(err, err2)
		})
		h.want(t, db, "one is out", d[0], d[2], d[1])
		update(t, db, func(tx *store.Tx) error { return tx.DropPush(h.who, d[1]) })
		if _, reached := h.standing(t, db); slices.Contains(reached, d[1]) || len(reached) != 2 {
			t.Errorf("reached %v", reached)
		}
		update(t, db, func(tx *store.Tx) error { return tx.ForgetOtherDevices(h.who, d[0], h.sessions[0], noon) })
		h.want(t, db, "the others are out", d[0])
		other.want(t, db, "another person", other.devices[0])
		update(t, db, func(tx *store.Tx) error {
			for i, id := range h.sessions {
				s, _, err := tx.Session(id)
				if err != nil || s.Live(noon) != (i == 0) {
					t.Errorf("session %d: %+v, %v", i, s, err)
				}
			}
			return tx.DropPush(h.who, "")
		})
		if _, reached := h.standing(t, db); len(reached) != 0 {
			t.Errorf("reached %v", reached)
		}
		update(t, db, func(tx *store.Tx) error { return tx.ForgetOtherDevices(h.who, "", "", noon) })
		h.want(t, db, "all are out")
		other.want(t, db, "another person, still", other.devices[0])
	})
}

func TestPasswordRecoveryIsKept(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		who := identity.AccountID(store.NewID())
		somebody := account.PasswordRecovery{ID: account.ChallengeID(store.NewID()), Account: who, Started: noon, Ends: noon.Add(time.Minute)}
		nobody := account.PasswordRecovery{ID: account.ChallengeID(store.NewID()), Started: noon, Ends: noon.Add(time.Hour)}
		waiting := account.SignIn{ID: account.ChallengeID(store.NewID()), Account: who, Method: account.SMS,
			Device: account.Device{ID: identity.DeviceID(store.NewID()), Secret: []byte("hash")}, Started: noon, Ends: noon.Add(time.Hour)}
		update(t, db, func(tx *store.Tx) error {
			return errors.Join(tx.AddPasswordRecovery(somebody), tx.AddPasswordRecovery(nobody), tx.AddSignIn(waiting))
		})
		update(t, db, func(tx *store.Tx) error {
			for _, want := range []account.PasswordRecovery{somebody, nobody} {
				if got, found, err := tx.PasswordRecovery(want.ID); err != nil || !found || got != want {
					t.Errorf("%+v, %v, %v", got, found, err)
				}
			}
			return errors.Join(tx.ForgetSignIns(who), tx.ForgetEnrolling(noon.Add(2*time.Minute)))
		})
		update(t, db, func(tx *store.Tx) error {
			_, found, err := tx.PasswordRecovery(somebody.ID)
			_, kept, err2 := tx.PasswordRecovery(nobody.ID)
			_, still, err3 := tx.SignIn(waiting.ID)
			if found || !kept || still {
				t.Errorf("the ended one %v, the other %v, the sign-in %v", found, kept, still)
			}
			return errors.Join(err, err2, err3)
		})
	})
}
