package store

import (
	"database/sql"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

// Passkeys lists the passkeys of an account, the oldest first.
func (tx *Tx) Passkeys(of identity.AccountID) (list []account.Passkey, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		p := account.Passkey{Account: of}
		var used sql.NullTime
		err := rows.Scan(&p.ID, &p.Name, &p.Record, &p.Added, &used)
		p.Added, p.Used = p.Added.UTC(), fromNull(used)
		list = append(list, p)
		return err
	}, "SELECT credential, name, record, added_at, used_at FROM passkey WHERE account = ? ORDER BY added_at, credential LIMIT ?",
		uuidOrNil(string(of)), account.MostPasskeys)
	return list, err
}

// AddPasskey keeps a passkey; false when there is one of that id already, whoever's it is.
func (tx *Tx) AddPasskey(p account.Passkey) (bool, error) {
	n, err := tx.exec("INSERT INTO passkey (credential, account, name, record, added_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		p.ID, string(p.Account), p.Name, p.Record, micros(p.Added))
	return n > 0, err
}

// UsePasskey keeps what was learned of the authenticator; false when the passkey was removed meanwhile.
func (tx *Tx) UsePasskey(p account.Passkey) (bool, error) {
	n, err := tx.exec("UPDATE passkey SET record = ?, used_at = ? WHERE credential = ? AND account = ?", p.Record, nullTime(p.Used), p.ID, string(p.Account))
	return n > 0, err
}

// RemovePasskey forgets a passkey; false when the account has no such.
func (tx *Tx) RemovePasskey(of identity.AccountID, id []byte) (bool, error) {
	n, err := tx.exec("DELETE FROM passkey WHERE credential = ? AND account = ?", id, string(of))
	return n > 0, err
}

// AddCeremony keeps a challenge that an authenticator is to sign.
func (tx *Tx) AddCeremony(c account.Ceremony) error {
	_, err := tx.exec("INSERT INTO ceremony (id, purpose, account, session, device, device_name, device_secret, data, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		string(c.ID), string(c.Purpose), uuidOrNil(string(c.Account)), uuidOrNil(string(c.Session)), uuidOrNil(c.App.ID),
		c.App.Name, c.App.Secret, c.Data, micros(c.Ends))
	return err
}

// TakeCeremony finds a challenge and deletes it: it is good once.
func (tx *Tx) TakeCeremony(id account.ChallengeID) (account.Ceremony, bool, error) {
	c := account.Ceremony{ID: id}
	var who, session, device sql.NullString
	found, err := tx.one([]any{&c.Purpose, &who, &session, &device, &c.App.Name, &c.App.Secret, &c.Data, &c.Ends},
		"DELETE FROM ceremony WHERE id = ? RETURNING purpose, account, session, device, device_name, device_secret, data, ends_at", string(id))
	c.Account, c.Session, c.App.ID = identity.AccountID(who.String), identity.SessionID(session.String), device.String
	c.Ends = c.Ends.UTC()
	return c, found, err
}
