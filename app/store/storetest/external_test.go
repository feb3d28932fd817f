package storetest

import (
	"errors"
	"testing"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

func TestALinkIsOfOnePersonAndOneAccount(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		anna, boris := identity.AccountID(store.NewID()), identity.AccountID(store.NewID())
		one, two := account.External{Provider: "esia", Subject: "1"}, account.External{Provider: "esia", Subject: "2"}
		elsewhere := account.External{Provider: "other", Subject: "1"}
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
		want("link", true, func(tx *store.Tx) (bool, error) { return tx.AddLink(anna, one, noon) })
		want("link the same person", false, func(tx *store.Tx) (bool, error) { return tx.AddLink(boris, one, noon) })
		want("link the same account", false, func(tx *store.Tx) (bool, error) { return tx.AddLink(anna, two, noon) })
		want("link elsewhere", true, func(tx *store.Tx) (bool, error) { return tx.AddLink(anna, elsewhere, noon) })
		update(t, db, func(tx *store.Tx) error {
			id, found, err := tx.LinkedAccount(one)
			_, strange, err2 := tx.LinkedAccount(two)
			list, err3 := tx.Links(anna)
			if id != anna || !found || strange || len(list) != 2 || list[0] != (account.Link{Provider: "esia", Since: noon}) {
				t.Errorf("%s %v %v %+v", id, found, strange, list)
			}
			return errors.Join(err, err2, err3)
		})
		want("unlink another's", false, func(tx *store.Tx) (bool, error) { return tx.RemoveLink(boris, "esia") })
		want("unlink", true, func(tx *store.Tx) (bool, error) { return tx.RemoveLink(anna, "esia") })
		want("link again", true, func(tx *store.Tx) (bool, error) { return tx.AddLink(boris, one, noon) })
	})
}
