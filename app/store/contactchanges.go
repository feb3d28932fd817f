package store

import (
	"errors"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

func contactChangePlace(id account.ChallengeID) []byte {
	return []byte("contact_change|sealed|" + string(id))
}

// AddContactChange keeps a contact that waits for its code.
func (tx *Tx) AddContactChange(c account.ContactChange) error {
	sealed, err := tx.wrap([]byte(string(c.Phone)+string(c.Email)), contactChangePlace(c.ID)) // it is one of the two
	if err != nil {
		return err
	}
	_, err = tx.exec("INSERT INTO contact_change (id, account, channel, sealed, started_at, ends_at) VALUES (?, ?, ?, ?, ?, ?)",
		string(c.ID), string(c.Account), string(c.By), sealed, micros(c.Started), micros(c.Ends))
	return err
}

// LockContactChange finds one and locks it.
func (tx *Tx) LockContactChange(id account.ChallengeID) (c account.ContactChange, found bool, err error) {
	if n, err := tx.exec("UPDATE contact_change SET id = id WHERE id = ?", string(id)); err != nil || n == 0 {
		return c, false, err
	}
	var sealed []byte
	found, err = tx.one([]any{&c.ID, &c.Account, &c.By, &sealed, &c.Started, &c.Ends},
		"SELECT id, account, channel, sealed, started_at, ends_at FROM contact_change WHERE id = ?", string(id))
	if err != nil || !found {
		return account.ContactChange{}, false, err
	}
	c.Started, c.Ends = c.Started.UTC(), c.Ends.UTC()
	plain, err := tx.unwrap(sealed, contactChangePlace(c.ID), errSealedContact)
	if c.By == account.ByPhone {
		c.Phone = identity.Phone(plain)
	} else {
		c.Email = identity.Email(plain)
	}
	return c, err == nil, err
}

// DropContactChange forgets one.
func (tx *Tx) DropContactChange(id account.ChallengeID) error {
	_, err := tx.exec("DELETE FROM contact_change WHERE id = ?", string(id))
	return err
}

// SetContact puts the contact in the place of the account's.
func (tx *Tx) SetContact(c account.ContactChange) error {
	kind, value := "phone", string(c.Phone)
	if c.By == account.ByEmail {
		kind, value = "email", string(c.Email)
	}
	sealed, err := tx.wrap([]byte(value), personPlace("account", kind, string(c.Account)))
	if err != nil {
		return err
	}
	n, err := tx.exec("UPDATE account SET "+kind+"_hash = ?, "+kind+"_sealed = ? WHERE id = ?", tx.db.keys.Hash(kind, value), sealed, string(c.Account))
	if err == nil && n == 0 {
		err = errors.New("store: a contact of no account")
	}
	return err
}
