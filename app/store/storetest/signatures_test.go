package storetest

import (
	"bytes"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/signature"
)

const annasSNILS, borisSNILS = identity.SNILS("11223344595"), identity.SNILS("08765430300")

func TestAPersonSignsInToOneAccount(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		one, two := identity.AccountID(store.NewID()), identity.AccountID(store.NewID())
		opens := func(person identity.SNILS) (of identity.AccountID) {
			t.Helper()
			if err := db.View(t.Context(), func(tx *store.Tx) (err error) {
				of, _, err = tx.SignerAccount(person)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return of
		}
		bind := func(of identity.AccountID, person identity.SNILS) error {
			return db.Update(t.Context(), func(tx *store.Tx) error { return tx.BindSigner(of, person, noon) })
		}
		if err := errors.Join(bind(one, annasSNILS), bind(one, annasSNILS)); err != nil || opens(annasSNILS) != one || opens(borisSNILS) != "" {
			t.Fatalf("bound: %v, %s", err, opens(annasSNILS))
		}
		if err := bind(two, borisSNILS); err != nil {
			t.Fatal(err)
		}
		if err := bind(two, annasSNILS); !errors.Is(err, signature.ErrTaken) || opens(annasSNILS) != one || opens(borisSNILS) != two {
			t.Errorf("taken by another: %v; then hers opens %s and his %s", err, opens(annasSNILS), opens(borisSNILS))
		}
		update(t, db, func(tx *store.Tx) error { _, err := tx.UnbindSigner(one); return err })
		if err := bind(two, annasSNILS); err != nil || opens(annasSNILS) != two || opens(borisSNILS) != "" {
			t.Errorf("free again: %v", err)
		}
		// The server is restored from a backup: who unbound a certificate since must not find it bound again.
		if _, err := db.BeginEpoch(t.Context(), noon, func(int) {}); err != nil || opens(annasSNILS) != "" {
			t.Errorf("after a restore: %v, %s", err, opens(annasSNILS))
		}
	})
}

func TestTheNewestCertificateIsRemembered(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		of := identity.AccountID(store.NewID())
		for i, c := range []struct {
			issuer     string
			from, want time.Time
		}{{"a", noon, noon}, {"a", noon.Add(-time.Hour), noon}, {"a", noon.Add(time.Hour), noon.Add(time.Hour)}, {"a", noon, noon.Add(time.Hour)}, {"b", noon.Add(-time.Hour), noon.Add(-time.Hour)}} {
			update(t, db, func(tx *store.Tx) error {
				newest, err := tx.NoteCertificate(of, []byte(c.issuer), c.from)
				if err == nil && !newest.Equal(c.want) {
					t.Errorf("%d: %v, want %v", i, newest, c.want)
				}
				return err
			})
		}
	})
}

func TestAChallengeIsSpentOnce(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		spend := func(text string, ends time.Time) (fresh bool) {
			if err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
				fresh, err = tx.SpendChallenge([]byte(text), ends)
				return err
			}); err != nil {
				t.Error(err)
			}
			return fresh
		}
		var won atomic.Int32
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if spend("one", noon) {
					won.Add(1)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || !spend("two", noon.Add(time.Hour)) {
			t.Errorf("%d spent it", won.Load())
		}
		update(t, db, func(tx *store.Tx) error { return tx.ForgetChallenges(noon.Add(time.Minute)) })
		if !spend("one", noon) || spend("two", noon) {
			t.Error("forgotten is what has ended, and nothing else")
		}
	})
}

func TestConfirmationsAreKept(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		of := identity.AccountID(store.NewID())
		var made []signature.Confirmation
		for i := range byte(3) {
			c := signature.Confirmation{ID: signature.ID(store.NewID()), Account: of, Action: "grant.give", At: noon.Add(time.Duration(i) * time.Second), Proof: signature.Proof{
				Content: []byte("text"), Message: bytes.Repeat([]byte{i}, 40<<10), Chain: [][]byte{{1}, {2, 3}}, Issuer: "Центр", Serial: "0a", Until: noon,
			}}
			c.Digest[0] = i / 2
			made = append(made, c)
			update(t, db, func(tx *store.Tx) error { return tx.AddConfirmation(c) })
		}
		update(t, db, func(tx *store.Tx) error {
			for _, c := range made {
				if kept, found, err := tx.Confirmation(of, c.ID); err != nil || !found || !reflect.DeepEqual(kept, c) {
					t.Errorf("%+v, %v, %v", kept, found, err)
				}
			}
			for _, other := range []struct {
				of identity.AccountID
				id signature.ID
			}{{identity.AccountID(store.NewID()), made[0].ID}, {of, signature.ID(store.NewID())}, {"", made[0].ID}, {of, ""}} {
				if _, found, err := tx.Confirmation(other.of, other.id); err != nil || found {
					t.Errorf("another's: %v, %v", found, err)
				}
			}
			n, err := tx.CountConfirmations(of)
			all, err2 := tx.Confirmations(of, nil, 2)
			same, err3 := tx.Confirmations(of, &made[0].Digest, 10)
			if err := errors.Join(err, err2, err3); err != nil || n != 3 || len(all) != 2 || all[0].ID != made[2].ID || len(same) != 2 || same[0].ID != made[1].ID || !same[0].At.Equal(made[1].At) {
				t.Errorf("%v; %d; %v; %v", err, n, all, same)
			}
			return nil
		})
	})
}
