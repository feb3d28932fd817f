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
)

// Every request on a card reads its grants, so nobody can pile them up without end.
func TestGrantsEnd(t *testing.T) {
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
			for range 998 {
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
