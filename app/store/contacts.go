package store

import (
	"database/sql"
	"time"

	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// live holds for a device while somebody is signed in on it: who signed out hears nothing more. Of what concerns security, that one
// should look into the app, it holds as well where a restore of the server ended the session.
const live = `EXISTS (SELECT 1 FROM session WHERE session.account = push_contact.account AND session.device = push_contact.device
	AND (session.revoked_at IS NULL OR session.restored AND ? = '` + string(notice.Security) + `') AND session.ends_at > ?)`

// PutContact keeps how a device is reached, in place of what was known before. A token that another device had moves: the app
// was reinstalled, or somebody else signed in on the same phone.
func (tx *Tx) PutContact(c notice.Contact) error {
	hash := tx.contactHash(c)
	if _, err := tx.exec("DELETE FROM push_contact WHERE hash = ? AND device <> ?", hash, string(c.Device)); err != nil {
		return err
	}
	sealed, err := tx.wrap([]byte(c.Token), contactLabel(c.Device))
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO push_contact (device, account, carrier, hash, sealed, language, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (device) DO UPDATE SET account = excluded.account, carrier = excluded.carrier, hash = excluded.hash,
		sealed = excluded.sealed, language = excluded.language, seen_at = excluded.seen_at`,
		string(c.Device), string(c.Account), c.Carrier, hash, sealed, string(c.Language), micros(c.Seen))
	return err
}

// Contact gives how a device is reached for a notice of the kind, if somebody is signed in on it.
func (tx *Tx) Contact(device identity.DeviceID, about notice.Kind, now time.Time) (c notice.Contact, found bool, err error) {
	list, err := tx.contacts("device = ? AND "+live, uuidOrNil(string(device)), string(about), micros(now))
	if err != nil || len(list) == 0 {
		return notice.Contact{}, false, err
	}
	return list[0], true, nil
}

// ContactsOf gives how the devices are reached for a notice of the kind on which the account is signed in.
func (tx *Tx) ContactsOf(account identity.AccountID, about notice.Kind, now time.Time) ([]notice.Contact, error) {
	return tx.contacts("account = ? AND "+live, uuidOrNil(string(account)), string(about), micros(now))
}

// DropContact forgets the contact, unless the device has told another token meanwhile.
func (tx *Tx) DropContact(c notice.Contact) error {
	_, err := tx.exec("DELETE FROM push_contact WHERE device = ? AND hash = ?", string(c.Device), tx.contactHash(c))
	return err
}

// ForgetContacts deletes contacts that were last told before the instant.
func (tx *Tx) ForgetContacts(before time.Time) error {
	_, err := tx.exec("DELETE FROM push_contact WHERE seen_at < ?", micros(before))
	return err
}

func (tx *Tx) contacts(where string, args ...any) ([]notice.Contact, error) {
	var list []notice.Contact
	var sealed [][]byte
	err := tx.each(func(rows *sql.Rows) error {
		var c notice.Contact
		var s []byte
		if err := rows.Scan(&c.Device, &c.Account, &c.Carrier, &s, &c.Language, &c.Seen); err != nil {
			return err
		}
		c.Seen = c.Seen.UTC()
		list, sealed = append(list, c), append(sealed, s)
		return nil
	}, "SELECT device, account, carrier, sealed, language, seen_at FROM push_contact WHERE "+where+" ORDER BY device", args...)
	if err != nil {
		return nil, err
	}
	for i := range list {
		token, err := tx.unwrap(sealed[i], contactLabel(list[i].Device), errSealedContact)
		if err != nil {
			return nil, err
		}
		list[i].Token = string(token)
	}
	return list, nil
}

func (tx *Tx) contactHash(c notice.Contact) []byte {
	return tx.db.keys.Hash("push", c.Carrier+"|"+c.Token)
}

func contactLabel(d identity.DeviceID) []byte { return []byte("push_contact|sealed|" + string(d)) }
