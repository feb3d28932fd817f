package server

import (
	"errors"
	"testing"
	"time"

	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/sync/replica"
)

// Every request on a card reads its grants, so nobody can pile them up without end.
func TestGrantsEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("one at a time: nothing for the race detector to see")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Now()
		clinic := identity.Client{ID: identity.ClientID(store.NewID()), Kind: identity.Clinic, Name: "Поликлиника № 7", Keys: []byte("{}"), Added: now}
		reader := consent.Grant{Role: consent.Reader, Client: clinic.ID, Scopes: card.Scopes{"lab.general"}, Purpose: consent.Treatment, Starts: now, Ends: now.Add(time.Hour)}
		var id card.ID
		if err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
			if err := tx.AddClient(clinic); err != nil {
				return err
			}
			if id, err = tx.CreateCard(now); err != nil {
				return err
			}
			if err := tx.GrantOwner(id, anna.Account, now); err != nil {
				return err
			}
			p, err := tx.Decide(anna, id, consent.PatientRequest, now)
			if err != nil {
				return err
			}
			for range 999 {
				reader.ID, reader.Card = consent.GrantID(store.NewID()), id
				if err := tx.AddGrant(p, reader); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		grants := &granting.Service{Store: acting[granting.Tx]{db, func(tx *store.Tx) granting.Tx { return tx }}, Clock: time.Now, NewID: store.NewID}
		wish := granting.Wish{Card: id, Client: clinic.ID, Scopes: reader.Scopes, Purpose: reader.Purpose, Ends: now.Add(time.Hour)}
		if _, err := grants.Give(t.Context(), anna, wish); err != nil {
			t.Errorf("the last one: %v", err)
		}
		if _, err := grants.Give(t.Context(), anna, wish); !errors.Is(err, granting.ErrTooMany) {
			t.Errorf("one more: %v", err)
		}
	})
}

// What ran out is committed as ended by the hour, also where nobody asks: the phones that lose something are told.
func TestGrantsThatRunOutAreEnded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Now()
		grants := &granting.Service{Store: acting[granting.Tx]{db, func(tx *store.Tx) granting.Tx { return tx }}, Clock: func() time.Time { return now }, NewID: store.NewID}
		boris := identity.AccountID(store.NewID())
		var id card.ID
		if err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
			if id, err = tx.CreateCard(now); err != nil {
				return err
			}
			if err := tx.GrantOwner(id, anna.Account, now); err != nil {
				return err
			}
			p, err := tx.Decide(anna, id, consent.PatientRequest, now)
			if err != nil {
				return err
			}
			for _, lasts := range []time.Duration{time.Hour, 2 * time.Hour} {
				if err := tx.AddGrant(p, consent.Grant{ID: consent.GrantID(store.NewID()), Card: id, Role: consent.Proxy, Account: boris,
					Scopes: card.Scopes{"dx.*"}, Purpose: consent.PatientRequest, Starts: now, Ends: now.Add(lasts)}); err != nil {
					return err
				}
			}
			_, _, err = tx.TakeNews(id, boris, notice.Access) // that he was let in
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []struct{ listed, told bool }{{true, true}, {false, true}, {false, false}} {
			now = now.Add(time.Hour)
			if err := grants.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := db.Update(t.Context(), func(tx *store.Tx) error {
				cards, err := tx.CardsOf(boris, "")
				if listed := len(cards) == 1; listed != want.listed {
					t.Errorf("the card is in his list: %v", listed)
				}
				_, told, more := tx.TakeNews(id, boris, notice.Access)
				if told != want.told {
					t.Errorf("he was told: %v", told)
				}
				return errors.Join(err, more)
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A restriction wakes whom it takes something, and nobody else: neither who was never let see its scopes, nor who finds nothing in them. It
// leaves no trace in what he may know of the card, when it begins, while records come under it, and when it ends.
func TestARestrictionThatTakesNothingIsNotFelt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Now()
		grants := &granting.Service{Store: acting[granting.Tx]{db, func(tx *store.Tx) granting.Tx { return tx }}, Clock: func() time.Time { return now }, NewID: store.NewID}
		her, boris := anna, identity.Actor{Kind: identity.Patient, Account: identity.AccountID(store.NewID()), SecondFactor: true}
		her.Proved = now
		var id card.ID
		update := func(f func(*store.Tx, consent.Permit) error) {
			t.Helper()
			if err := db.Update(t.Context(), func(tx *store.Tx) error {
				if id == "" {
					var err error
					if id, err = tx.CreateCard(now); err != nil {
						return err
					}
					if err := tx.GrantOwner(id, her.Account, now); err != nil {
						return err
					}
				}
				p, err := tx.Decide(her, id, consent.PatientRequest, now)
				if err == nil {
					err = f(tx, p)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		comes := func(scope string) {
			t.Helper()
			update(func(tx *store.Tx, p consent.Permit) error {
				l, err := tx.Ledger(p)
				if err != nil {
					return err
				}
				head, err := l.Lock()
				if err != nil {
					return err
				}
				return errors.Join(l.Advance(head.Seq+1), l.SaveRecords([]replica.Record{{ID: store.NewID(), Kind: "condition", Scope: scope, Seq: head.Seq + 1, Date: now}}))
			})
		}
		comes("dx.general")
		update(func(tx *store.Tx, p consent.Permit) error {
			return tx.AddGrant(p, consent.Grant{ID: consent.GrantID(store.NewID()), Card: id, Role: consent.Proxy, Account: boris.Account,
				Scopes: card.Scopes{"dx.*"}, Purpose: consent.PatientRequest, Starts: now, Ends: now.Add(time.Hour)})
		})
		// last is the last commit that he can know of by his grants, told whether he was told since the last look.
		look := func() (last uint64, told bool) {
			t.Helper()
			if err := db.Update(t.Context(), func(tx *store.Tx) error {
				p, err := tx.Decide(boris, id, consent.PatientRequest, now)
				if err != nil {
					return err
				}
				own, err := tx.OwnGrants(p)
				if err != nil {
					return err
				}
				last = consent.Changed(own)
				_, told, err = tx.TakeNews(id, boris.Account, notice.Access)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return last, told
		}
		before, _ := look()
		felt := func(what string, want bool) {
			t.Helper()
			last, told := look()
			if told != want || (last != before) != want {
				t.Errorf("%s: he is told: %v, and it shows: %v", what, told, last != before)
			}
			before = last
		}
		restrict := func(by granting.Ban) consent.GrantID {
			t.Helper()
			by.Card = id
			n, err := grants.Restrict(t.Context(), her, by)
			if err != nil {
				t.Fatal(err)
			}
			return n.ID
		}
		lift := func(ban consent.GrantID) {
			t.Helper()
			if err := grants.Lift(t.Context(), her, id, ban, "r"); err != nil {
				t.Fatal(err)
			}
		}
		foreign := restrict(granting.Ban{Scopes: card.Scopes{"rx.*", "note.*"}})
		felt("of what he was never let see", false)
		comes("rx.general")
		lift(foreign)
		felt("lifted", false)
		empty := restrict(granting.Ban{Scopes: card.Scopes{"dx.hiv"}})
		felt("of what is empty", false)
		comes("dx.hiv")
		felt("while it is not any more", false)
		lift(empty)
		felt("lifted when something stands there", true)
		full := restrict(granting.Ban{Scopes: card.Scopes{"dx.hiv"}})
		felt("of what he sees", true)
		twice := restrict(granting.Ban{Scopes: card.Scopes{"dx.hiv", "dx.violence"}})
		felt("once more", false)
		lift(full)
		felt("one of two lifted", false)
		lift(twice)
		felt("both lifted", true)
	})
}
