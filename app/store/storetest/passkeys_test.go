package storetest

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

func TestPasskeyBelongsToOneAccount(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		who, other := identity.AccountID(store.NewID()), identity.AccountID(store.NewID())
		one := account.Passkey{ID: []byte("credential one"), Account: who, Name: "Телефон", Record: []byte("{}"), Added: noon}
		two := account.Passkey{ID: []byte("credential two"), Account: who, Record: []byte("{}"), Added: noon.Add(time.Second)}
		want := func(what string, right bool, f func(tx *store.Tx) (bool, error)) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				done, err := f(tx)
				if done != right {
					t.Errorf("%s: %v", what, done)
				}
				return err
			})
		}
		want("add", true, func(tx *store.Tx) (bool, error) { return tx.AddPasskey(one) })
		want("add another", true, func(tx *store.Tx) (bool, error) { return tx.AddPasskey(two) })
		theirs := one
		theirs.Account = other
		want("add it for another", false, func(tx *store.Tx) (bool, error) { return tx.AddPasskey(theirs) })
		want("use it for another", false, func(tx *store.Tx) (bool, error) { return tx.UsePasskey(theirs) })
		want("remove it for another", false, func(tx *store.Tx) (bool, error) { return tx.RemovePasskey(other, one.ID) })
		one.Record, one.Used = []byte(`{"counter":1}`), noon.Add(time.Minute)
		want("use", true, func(tx *store.Tx) (bool, error) { return tx.UsePasskey(one) })
		update(t, db, func(tx *store.Tx) error {
			got, err := tx.Passkeys(who)
			if !reflect.DeepEqual(got, []account.Passkey{one, two}) {
				t.Errorf("%+v", got)
			}
			nobody, err2 := tx.Passkeys("")
			none, err3 := tx.Passkeys(other)
			if len(nobody)+len(none) != 0 {
				t.Errorf("%v %v", nobody, none)
			}
			return errors.Join(err, err2, err3)
		})
		want("remove", true, func(tx *store.Tx) (bool, error) { return tx.RemovePasskey(who, one.ID) })
		want("remove again", false, func(tx *store.Tx) (bool, error) { return tx.RemovePasskey(who, one.ID) })
		want("use a removed one", false, func(tx *store.Tx) (bool, error) { return tx.UsePasskey(one) })
	})
}

func TestCeremonyIsTakenOnce(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		signIn := account.Ceremony{ID: account.ChallengeID(store.NewID()), Purpose: account.PasskeySignIn, Data: []byte("{}"), Ends: noon.Add(time.Minute),
			App: account.Installation{ID: store.NewID(), Name: "Телефон", Secret: []byte("hash")}}
		proof := account.Ceremony{ID: account.ChallengeID(store.NewID()), Purpose: account.PasskeyProof, Data: []byte("{}"), Ends: noon.Add(time.Hour),
			Account: identity.AccountID(store.NewID()), Session: identity.SessionID(store.NewID())}
		old := signIn
		old.ID = account.ChallengeID(store.NewID())
		update(t, db, func(tx *store.Tx) error {
			return errors.Join(tx.AddCeremony(signIn), tx.AddCeremony(proof), tx.AddCeremony(old))
		})
		var won atomic.Int32
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				var got account.Ceremony
				var found bool
				if err := db.Update(context.Background(), func(tx *store.Tx) (err error) {
					got, found, err = tx.TakeCeremony(signIn.ID)
					return err
				}); err != nil {
					t.Error(err)
				}
				if found {
					won.Add(1)
					if !reflect.DeepEqual(got, signIn) {
						t.Errorf("%+v", got)
					}
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d took it", won.Load())
		}
		update(t, db, func(tx *store.Tx) error { return tx.ForgetEnrolling(noon.Add(2 * time.Minute)) })
		update(t, db, func(tx *store.Tx) error {
			got, found, err := tx.TakeCeremony(proof.ID)
			if !found || !reflect.DeepEqual(got, proof) {
				t.Errorf("%+v, %v", got, found)
			}
			_, found, err2 := tx.TakeCeremony(old.ID)
			if found {
				t.Error("an ended one is kept")
			}
			return errors.Join(err, err2)
		})
	})
}
