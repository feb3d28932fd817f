package store

import (
	"database/sql"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// mostDevices is as many as anybody looks at; who has had more sees those of late.
const mostDevices = 200

// Devices lists the devices from which the account was signed in to, the last one first.
func (tx *Tx) Devices(of identity.AccountID, now time.Time) (list []account.ListedDevice, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var d account.ListedDevice
		var sessions int
		err := rows.Scan(&d.ID, &d.Name, &d.Seen, &sessions)
		d.Seen, d.SignedIn = d.Seen.UTC(), sessions > 0
		list = append(list, d)
		return err
	}, `SELECT d.device, d.name, d.seen_at, (SELECT count(*) FROM session AS s
			WHERE s.account = d.account AND s.device = d.device AND s.revoked_at IS NULL AND s.ends_at > ?)
		FROM account_device AS d WHERE d.account = ? ORDER BY d.seen_at DESC, d.device LIMIT ?`, now, uuidOrNil(string(of)), mostDevices)
	return list, err
}

// TellOfDevice lets the account's phones ring, except for one: a device that was not there before signed in.
func (tx *Tx) TellOfDevice(of identity.AccountID, except identity.DeviceID) error {
	return tx.enqueueNews(audit.LogCard, of, notice.Device, except)
}

// SeeDevice notes that a device renewed its session.
func (tx *Tx) SeeDevice(of identity.AccountID, id identity.DeviceID, now time.Time) error {
	_, err := tx.exec("UPDATE account_device SET seen_at = ? WHERE account = ? AND device = ?", micros(now), string(of), string(id))
	return err
}

// ForgetDevice ends the sessions on a device, and how it is reached by push; should it come again, it is a strange one. found is
// false where the account has no such device.
func (tx *Tx) ForgetDevice(of identity.AccountID, id identity.DeviceID, now time.Time) (found bool, err error) {
	n, err := tx.exec("DELETE FROM account_device WHERE account = ? AND device = ?", string(of), string(id))
	if err != nil || n == 0 {
		return false, err
	}
	if _, err := tx.exec("DELETE FROM push_contact WHERE account = ? AND device = ?", string(of), string(id)); err != nil {
		return false, err
	}
	_, err = tx.exec("UPDATE session SET revoked_at = ? WHERE account = ? AND device = ? AND revoked_at IS NULL", micros(now), string(of), string(id))
	return true, err
}

// ForgetOtherDevices does so with all devices but one, on which only one session stays; "" = with all.
func (tx *Tx) ForgetOtherDevices(of identity.AccountID, kept identity.DeviceID, session identity.SessionID, now time.Time) error {
	if kept == "" {
		kept, session = nobody, nobody
	}
	if _, err := tx.exec("DELETE FROM account_device WHERE account = ? AND device <> ?", string(of), string(kept)); err != nil {
		return err
	}
	if _, err := tx.exec("DELETE FROM push_contact WHERE account = ? AND device <> ?", string(of), string(kept)); err != nil {
		return err
	}
	_, err := tx.exec("UPDATE session SET revoked_at = ? WHERE account = ? AND id <> ? AND revoked_at IS NULL", micros(now), string(of), string(session))
	return err
}

// DropPush forgets how a device of the account is reached by push; "" = all of them.
func (tx *Tx) DropPush(of identity.AccountID, id identity.DeviceID) error {
	if id == "" {
		_, err := tx.exec("DELETE FROM push_contact WHERE account = ?", string(of))
		return err
	}
	_, err := tx.exec("DELETE FROM push_contact WHERE account = ? AND device = ?", string(of), string(id))
	return err
}

// ForgetSignIns deletes the sign-ins of an account that wait for their second factor: their password is not the right one any more.
func (tx *Tx) ForgetSignIns(of identity.AccountID) error {
	_, err := tx.exec("DELETE FROM sign_in WHERE account = ?", string(of))
	return err
}

// AddPasswordRecovery keeps a lost password that waits for its codes.
func (tx *Tx) AddPasswordRecovery(r account.PasswordRecovery) error {
	_, err := tx.exec("INSERT INTO password_recovery (id, account, started_at, ends_at) VALUES (?, ?, ?, ?)",
		string(r.ID), uuidOrNil(string(r.Account)), micros(r.Started), micros(r.Ends))
	return err
}

// PasswordRecovery finds a lost password that waits for its codes.
func (tx *Tx) PasswordRecovery(id account.ChallengeID) (account.PasswordRecovery, bool, error) {
	r := account.PasswordRecovery{ID: id}
	var who sql.NullString
	found, err := tx.one([]any{&who, &r.Started, &r.Ends}, "SELECT account, started_at, ends_at FROM password_recovery WHERE id = ?", string(id))
	r.Account, r.Started, r.Ends = identity.AccountID(who.String), r.Started.UTC(), r.Ends.UTC()
	return r, found, err
}
