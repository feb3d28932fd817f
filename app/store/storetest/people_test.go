package storetest

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

// update runs one transaction that must succeed.
func update(t *testing.T, db *store.DB, f func(*store.Tx) error) {
	t.Helper()
	if err := db.Update(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func anna() account.Account {
	return account.Account{ID: identity.AccountID(store.NewID()), Phone: "+79123456789", Email: "anna@example.ru",
		Password: "$argon2id$x", Language: account.Russian, Opened: noon}
}

func TestAccountIsFoundByBothContacts(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		want := anna()
		update(t, db, func(tx *store.Tx) error { return tx.AddAccount(want) })
		update(t, db, func(tx *store.Tx) error {
			for how, find := range map[string]func() (account.Account, bool, error){
				"id":    func() (account.Account, bool, error) { return tx.Account(want.ID) },
				"phone": func() (account.Account, bool, error) { return tx.AccountByPhone(want.Phone) },
				"email": func() (account.Account, bool, error) { return tx.AccountByEmail(want.Email) },
			} {
				if got, found, err := find(); err != nil || !found || got != want {
					t.Errorf("by %s: %+v, %v, %v", how, got, found, err)
				}
			}
			for how, find := range map[string]func() (account.Account, bool, error){
				"empty id":    func() (account.Account, bool, error) { return tx.Account("") },
				"other id":    func() (account.Account, bool, error) { return tx.Account(identity.AccountID(store.NewID())) },
				"no phone":    func() (account.Account, bool, error) { return tx.AccountByPhone("") },
				"other phone": func() (account.Account, bool, error) { return tx.AccountByPhone("+79123456780") },
				"as e-mail":   func() (account.Account, bool, error) { return tx.AccountByEmail("+79123456789") },
			} {
				if _, found, err := find(); err != nil || found {
					t.Errorf("%s: found %v, %v", how, found, err)
				}
			}
			return nil
		})
	})
}

// Two people finish their registrations with one phone number: the second is told, in a transaction that can go on.
func TestContactBelongsToOneAccount(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		first, phone, email := anna(), anna(), anna()
		phone.Email, email.Phone = "other@example.ru", "+79120000000"
		update(t, db, func(tx *store.Tx) error { return tx.AddAccount(first) })
		update(t, db, func(tx *store.Tx) error {
			if err := tx.AddAccount(phone); !errors.Is(err, account.ErrTaken) {
				t.Errorf("the same phone: %v", err)
			}
			if err := tx.AddAccount(email); !errors.Is(err, account.ErrTaken) {
				t.Errorf("the same e-mail: %v", err)
			}
			return tx.SetPassword(first.ID, "$argon2id$y") // the transaction lives
		})
		update(t, db, func(tx *store.Tx) error {
			got, _, err := tx.Account(first.ID)
			if got.Password != "$argon2id$y" {
				t.Errorf("password %q", got.Password)
			}
			return err
		})
	})
}

func TestRegistrationIsKeptWhole(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		r := account.Registration{ID: account.ChallengeID(store.NewID()), Phone: "+79123456789", Email: "anna@example.ru",
			Password: "$argon2id$x", Language: account.English, Started: noon, Ends: noon.Add(time.Hour)}
		twin := r
		twin.ID = account.ChallengeID(store.NewID())
		update(t, db, func(tx *store.Tx) error {
			return errors.Join(tx.AddRegistration(r), tx.AddRegistration(twin)) // nobody squats on a number
		})
		r.PhoneAt, r.Opened = noon.Add(time.Minute), "somebody"
		update(t, db, func(tx *store.Tx) error { return tx.SetRegistration(r) })
		update(t, db, func(tx *store.Tx) error {
			got, found, err := tx.LockRegistration(r.ID)
			if !found || got != r {
				t.Errorf("%+v, %v", got, found)
			}
			_, found, _ = tx.LockRegistration(account.ChallengeID(store.NewID()))
			if found {
				t.Error("found a registration that nobody started")
			}
			return err
		})
	})
}

func TestCodeIsReplacedInItsChannel(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := account.ChallengeID(store.NewID())
		sms, mail := account.NewCode(id, account.ByPhone, []byte("1"), noon), account.NewCode(id, account.ByEmail, []byte("2"), noon)
		update(t, db, func(tx *store.Tx) error { return errors.Join(tx.PutCode(sms), tx.PutCode(mail)) })
		sms.Hash, sms.Tries, sms.Sends, sms.Used = []byte("3"), 2, 3, noon.Add(time.Second)
		update(t, db, func(tx *store.Tx) error { return tx.PutCode(sms) })
		update(t, db, func(tx *store.Tx) error {
			for _, want := range []account.Code{sms, mail} {
				if got, found, err := tx.LockCode(id, want.Channel); err != nil || !found || !reflect.DeepEqual(got, want) {
					t.Errorf("%+v, %v, %v", got, found, err)
				}
			}
			return nil
		})
	})
}

// A hundred wrong codes at once must count as a hundred: the lock is what keeps five tries five.
func TestCodeIsLocked(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := account.ChallengeID(store.NewID())
		update(t, db, func(tx *store.Tx) error { return tx.PutCode(account.NewCode(id, account.ByPhone, []byte("1"), noon)) })
		var all sync.WaitGroup
		var counted sync.Map
		for range 100 {
			all.Go(func() {
				var verdict account.Verdict
				if err := db.Update(context.Background(), func(tx *store.Tx) error {
					c, _, err := tx.LockCode(id, account.ByPhone)
					if err != nil {
						return err
					}
					next, v := c.Try([]byte("0"), noon)
					verdict = v
					if v == account.Wrong {
						counted.Store(next.Tries, true)
					}
					return tx.PutCode(next)
				}); err != nil {
					t.Error(err)
				}
				if verdict == account.Right {
					t.Error("a wrong code was right")
				}
			})
		}
		all.Wait()
		update(t, db, func(tx *store.Tx) error {
			c, _, err := tx.LockCode(id, account.ByPhone)
			if c.Tries != account.CodeTries {
				t.Errorf("%d tries counted, want %d", c.Tries, account.CodeTries)
			}
			return err
		})
	})
}

func TestSessionEndsOnce(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		who := identity.AccountID(store.NewID())
		s := account.Session{ID: identity.SessionID(store.NewID()), Account: who, Device: identity.DeviceID(store.NewID()),
			Methods: []account.Method{account.Password, account.SMS, account.Several}, Opened: noon, Proved: noon, Ends: noon.Add(time.Hour)}
		other := s
		other.ID = identity.SessionID(store.NewID())
		update(t, db, func(tx *store.Tx) error { return errors.Join(tx.AddSession(s), tx.AddSession(other)) })
		update(t, db, func(tx *store.Tx) error { return tx.EndSession(s.ID, noon.Add(time.Minute)) })
		update(t, db, func(tx *store.Tx) error { return tx.EndSessions(who, noon.Add(2*time.Minute)) })
		s.Revoked, other.Revoked = noon.Add(time.Minute), noon.Add(2*time.Minute)
		update(t, db, func(tx *store.Tx) error {
			for _, want := range []account.Session{s, other} {
				if got, found, err := tx.Session(want.ID); err != nil || !found || !reflect.DeepEqual(got, want) {
					t.Errorf("%+v, %v, %v", got, found, err)
				}
			}
			return nil
		})
	})
}

func TestRefreshKeepsTheFirstUse(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		r := account.Refresh{Hash: []byte("hash"), Session: identity.SessionID(store.NewID()), Ends: noon.Add(time.Hour)}
		update(t, db, func(tx *store.Tx) error { return tx.AddRefresh(r) })
		update(t, db, func(tx *store.Tx) error { return tx.UseRefresh(r.Hash, []byte("salt"), noon) })
		update(t, db, func(tx *store.Tx) error { return tx.UseRefresh(r.Hash, []byte("other"), noon.Add(time.Minute)) })
		r.Used, r.Salt = noon, []byte("salt")
		update(t, db, func(tx *store.Tx) error {
			if got, found, err := tx.LockRefresh(r.Hash); err != nil || !found || !reflect.DeepEqual(got, r) {
				t.Errorf("%+v, %v, %v", got, found, err)
			}
			_, found, err := tx.LockRefresh([]byte("unknown"))
			if found {
				t.Error("found a token that was never given")
			}
			return err
		})
	})
}

func TestDeviceBelongsToItsAccount(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ada, bob := identity.AccountID(store.NewID()), identity.AccountID(store.NewID())
		d := account.Device{ID: identity.DeviceID(store.NewID()), Name: "Телефон Анны", Secret: []byte("s"), Seen: noon}
		update(t, db, func(tx *store.Tx) error { return tx.PutDevice(ada, d) })
		d.Secret, d.Seen = []byte("t"), noon.Add(time.Minute)
		update(t, db, func(tx *store.Tx) error { return tx.PutDevice(ada, d) })
		update(t, db, func(tx *store.Tx) error {
			if got, found, err := tx.Device(ada, d.ID); err != nil || !found || !reflect.DeepEqual(got, d) {
				t.Errorf("%+v, %v, %v", got, found, err)
			}
			_, found, err := tx.Device(bob, d.ID)
			_, nobody, err2 := tx.Device("", d.ID)
			if found || nobody {
				t.Error("a device of another account was found")
			}
			return errors.Join(err, err2)
		})
	})
}

func TestAllowanceStartsUnspent(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		update(t, db, func(tx *store.Tx) error {
			until, err := tx.LockAllowance([]byte("k"))
			if until.After(time.Unix(0, 0)) {
				t.Errorf("a new limit is spent until %v", until)
			}
			return errors.Join(err, tx.SetAllowance([]byte("k"), noon))
		})
		update(t, db, func(tx *store.Tx) error {
			until, err := tx.LockAllowance([]byte("k"))
			if !until.Equal(noon) {
				t.Errorf("spent until %v", until)
			}
			return err
		})
	})
}

func TestSweepTakesOnlyWhatEnded(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := account.ChallengeID(store.NewID())
		live := account.Refresh{Hash: []byte("live"), Session: identity.SessionID(store.NewID()), Ends: noon.Add(time.Hour)}
		dead := account.Refresh{Hash: []byte("dead"), Session: live.Session, Ends: noon.Add(-time.Hour)}
		update(t, db, func(tx *store.Tx) error {
			return errors.Join(tx.AddRefresh(live), tx.AddRefresh(dead), tx.PutCode(account.NewCode(id, account.ByPhone, []byte("1"), noon)))
		})
		update(t, db, func(tx *store.Tx) error { return tx.ForgetEnrolling(noon) })
		update(t, db, func(tx *store.Tx) error {
			_, kept, err := tx.LockRefresh(live.Hash)
			_, gone, err2 := tx.LockRefresh(dead.Hash)
			_, code, err3 := tx.LockCode(id, account.ByPhone)
			if !kept || gone || !code {
				t.Errorf("live %v, dead %v, code %v", kept, gone, code)
			}
			return errors.Join(err, err2, err3)
		})
	})
}

func TestClientIsRevokedOnce(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		c := identity.Client{ID: identity.ClientID(store.NewID()), Kind: identity.Pharmacy, Name: "Аптека № 1", Scopes: []string{"a", "b"}, Policies: []string{}, Keys: []byte(`{"keys":[]}`), Added: noon}
		clinic := identity.Client{ID: identity.ClientID(store.NewID()), Kind: identity.Clinic, Name: "Поликлиника № 7", Scopes: []string{}, Policies: []string{}, Keys: []byte("{}"), Added: noon.Add(time.Second)}
		update(t, db, func(tx *store.Tx) error { return errors.Join(tx.AddClient(c), tx.AddClient(clinic)) })
		for i, want := range []bool{true, false} {
			update(t, db, func(tx *store.Tx) error {
				got, err := tx.RevokeClient(c.ID, noon.Add(time.Duration(i+1)*time.Minute))
				if got != want {
					t.Errorf("revoke number %d: %v", i+1, got)
				}
				return err
			})
		}
		c.Revoked = noon.Add(time.Minute)
		update(t, db, func(tx *store.Tx) error {
			if got, found, err := tx.Client(c.ID); err != nil || !found || !reflect.DeepEqual(got, c) {
				t.Errorf("%+v, %v, %v", got, found, err)
			}
			all, err := tx.Clients()
			if !reflect.DeepEqual(all, []identity.Client{c, clinic}) {
				t.Errorf("listed %+v", all)
			}
			return err
		})
	})
}

// Many tries with one assertion at once: one of them is first.
func TestAssertionCountsOnce(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		client, other := identity.ClientID(store.NewID()), identity.ClientID(store.NewID())
		jti := bytes.Repeat([]byte{7}, 32)
		var all sync.WaitGroup
		fresh := make(chan bool, 50)
		for range 50 {
			all.Go(func() {
				var first bool
				if err := db.Update(context.Background(), func(tx *store.Tx) (err error) {
					first, err = tx.SpendAssertion(client, jti, noon.Add(time.Minute))
					return err
				}); err != nil {
					t.Error(err)
				}
				fresh <- first
			})
		}
		all.Wait()
		close(fresh)
		won := 0
		for first := range fresh {
			if first {
				won++
			}
		}
		if won != 1 {
			t.Errorf("%d of 50 were first", won)
		}
		update(t, db, func(tx *store.Tx) error {
			if first, err := tx.SpendAssertion(other, jti, noon.Add(time.Minute)); err != nil || !first {
				t.Errorf("another client's jti: %v, %v", first, err)
			}
			return tx.ForgetAssertions(noon.Add(time.Hour))
		})
		update(t, db, func(tx *store.Tx) error {
			if first, err := tx.SpendAssertion(client, jti, noon); err != nil || !first {
				t.Errorf("after it was forgotten: %v, %v", first, err)
			}
			return nil
		})
	})
}
