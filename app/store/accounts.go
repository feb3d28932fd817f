package store

import (
	"database/sql"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

// accountColumns in the order that scanAccount reads them.
const accountColumns = "id, phone_sealed, email_sealed, password, language, opened_at"

// Account finds an account by its id.
func (tx *Tx) Account(id identity.AccountID) (account.Account, bool, error) {
	return tx.scanAccount("SELECT "+accountColumns+" FROM account WHERE id = ?", uuidOrNil(string(id)))
}

// AccountByPhone finds the account of a phone number.
func (tx *Tx) AccountByPhone(p identity.Phone) (account.Account, bool, error) {
	return tx.scanAccount("SELECT "+accountColumns+" FROM account WHERE phone_hash = ?", tx.db.keys.Hash("phone", string(p)))
}

// AccountByEmail finds the account of an e-mail address.
func (tx *Tx) AccountByEmail(e identity.Email) (account.Account, bool, error) {
	return tx.scanAccount("SELECT "+accountColumns+" FROM account WHERE email_hash = ?", tx.db.keys.Hash("email", string(e)))
}

func (tx *Tx) scanAccount(query string, key any) (account.Account, bool, error) {
	var a account.Account
	var phone, email []byte
	found, err := tx.one([]any{&a.ID, &phone, &email, &a.Password, &a.Language, &a.Opened}, query, key)
	if err != nil || !found {
		return account.Account{}, false, err
	}
	a.Opened = a.Opened.UTC()
	a.Phone, a.Email, err = tx.openContacts("account", string(a.ID), phone, email)
	return a, err == nil, err
}

// AddAccount gives account.ErrTaken, and leaves the transaction usable, when another account has the phone or the e-mail.
func (tx *Tx) AddAccount(a account.Account) error {
	phone, email, err := tx.sealContacts("account", string(a.ID), a.Phone, a.Email)
	if err != nil {
		return err
	}
	n, err := tx.exec(`INSERT INTO account (id, phone_hash, email_hash, phone_sealed, email_sealed, password, language, opened_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, string(a.ID), tx.db.keys.Hash("phone", string(a.Phone)),
		tx.db.keys.Hash("email", string(a.Email)), phone, email, a.Password, string(a.Language), micros(a.Opened))
	if err == nil && n == 0 {
		return account.ErrTaken
	}
	return err
}

// SetPassword replaces the hash of an account's password.
func (tx *Tx) SetPassword(id identity.AccountID, hash string) error {
	_, err := tx.exec("UPDATE account SET password = ? WHERE id = ?", hash, string(id))
	return err
}

// AddRegistration keeps a new registration.
func (tx *Tx) AddRegistration(r account.Registration) error {
	phone, email, err := tx.sealContacts("registration", string(r.ID), r.Phone, r.Email)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO registration (id, phone_sealed, email_sealed, password, language, started_at, ends_at)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, string(r.ID), phone, email, r.Password, string(r.Language), micros(r.Started), micros(r.Ends))
	return err
}

// LockRegistration finds a registration, and locks it.
func (tx *Tx) LockRegistration(id account.ChallengeID) (account.Registration, bool, error) {
	r := account.Registration{ID: id}
	if n, err := tx.exec("UPDATE registration SET id = id WHERE id = ?", string(id)); err != nil || n == 0 {
		return account.Registration{}, false, err
	}
	var phone, email []byte
	var phoneAt, emailAt sql.NullTime
	found, err := tx.one([]any{&phone, &email, &r.Password, &r.Language, &r.Started, &r.Ends, &phoneAt, &emailAt, &r.Opened},
		`SELECT phone_sealed, email_sealed, password, language, started_at, ends_at, phone_at, email_at, account
		FROM registration WHERE id = ?`, string(id))
	if err != nil || !found {
		return account.Registration{}, false, err
	}
	r.Started, r.Ends, r.PhoneAt, r.EmailAt = r.Started.UTC(), r.Ends.UTC(), fromNull(phoneAt), fromNull(emailAt)
	r.Phone, r.Email, err = tx.openContacts("registration", string(id), phone, email)
	return r, err == nil, err
}

// SetRegistration keeps how far a registration is. What is typed at its start does not change.
func (tx *Tx) SetRegistration(r account.Registration) error {
	_, err := tx.exec("UPDATE registration SET phone_at = ?, email_at = ?, account = ? WHERE id = ?",
		nullTime(r.PhoneAt), nullTime(r.EmailAt), string(r.Opened), string(r.ID))
	return err
}

func personPlace(table, what, id string) []byte { return []byte(table + "|" + what + "|" + id) }

// sealContacts encrypts what says who a person is. No card is there to lend its key, so the key that wraps the cards' keys
// does it; place and row are bound in.
func (tx *Tx) sealContacts(table, id string, p identity.Phone, e identity.Email) (phone, email []byte, err error) {
	if phone, err = tx.wrap([]byte(p), personPlace(table, "phone", id)); err != nil {
		return nil, nil, err
	}
	email, err = tx.wrap([]byte(e), personPlace(table, "email", id))
	return phone, email, err
}

func (tx *Tx) openContacts(table, id string, phone, email []byte) (identity.Phone, identity.Email, error) {
	p, err := tx.unwrap(phone, personPlace(table, "phone", id), errSealedContact)
	if err != nil {
		return "", "", err
	}
	e, err := tx.unwrap(email, personPlace(table, "email", id), errSealedContact)
	if err != nil {
		return "", "", err
	}
	return identity.Phone(p), identity.Email(e), nil
}

// LockAllowance gives until when a limit is spent, zero for one that nobody touched, and locks it.
func (tx *Tx) LockAllowance(key []byte) (time.Time, error) {
	var until time.Time
	_, err := tx.one([]any{&until}, `INSERT INTO allowance (id, spent_until) VALUES (?, ?)
		ON CONFLICT (id) DO UPDATE SET spent_until = allowance.spent_until RETURNING spent_until`, key, time.Unix(0, 0).UTC())
	return until.UTC(), err
}

// SetAllowance says until when a limit is spent.
func (tx *Tx) SetAllowance(key []byte, spentUntil time.Time) error {
	_, err := tx.exec("UPDATE allowance SET spent_until = ? WHERE id = ?", micros(spentUntil), key)
	return err
}

// ForgetEnrolling deletes what ended before the instant: registrations, sign-ins, codes, refresh tokens, sessions and limits.
func (tx *Tx) ForgetEnrolling(before time.Time) error {
	for _, statement := range []string{
		"DELETE FROM registration WHERE ends_at < ?",
		"DELETE FROM contact_change WHERE ends_at < ?",
		"DELETE FROM sign_in WHERE ends_at < ?",
		"DELETE FROM password_recovery WHERE ends_at < ?",
		"DELETE FROM ceremony WHERE ends_at < ?",
		"DELETE FROM one_time_code WHERE ends_at < ?",
		"DELETE FROM refresh_token WHERE ends_at < ?",
		"DELETE FROM session WHERE ends_at < ?",
		"DELETE FROM allowance WHERE spent_until < ?",
	} {
		if _, err := tx.exec(statement, micros(before)); err != nil {
			return err
		}
	}
	return tx.forgetEvents(before)
}

// ForgetUnused deletes what nobody has used since the instant: devices that were seen last before it, and on which nobody is signed in; codes of clinics'
// desks, and clinics' words on their practitioners, that ended before it.
func (tx *Tx) ForgetUnused(before time.Time) error {
	for _, statement := range []string{
		`DELETE FROM account_device WHERE seen_at < ? AND NOT EXISTS
			(SELECT 1 FROM session AS s WHERE s.account = account_device.account AND s.device = account_device.device AND s.revoked_at IS NULL)`,
		"DELETE FROM claim_code WHERE ends_at < ?",
		"DELETE FROM practitioner WHERE ends_at < ?",
	} {
		if _, err := tx.exec(statement, micros(before)); err != nil {
			return err
		}
	}
	return nil
}
