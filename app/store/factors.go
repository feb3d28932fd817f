package store

import (
	"database/sql"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

var errSealedSecret = errors.New("store: the sealed secret of an authenticator does not open: it was changed or moved, or this is another key folder")

func authenticatorLabel(of identity.AccountID) []byte {
	return []byte("authenticator|sealed|" + string(of))
}

// LockAuthenticator finds the secret that an account shares with an authenticator app, confirmed or not, and locks it.
func (tx *Tx) LockAuthenticator(of identity.AccountID) (account.Authenticator, bool, error) {
	if n, err := tx.exec("UPDATE authenticator SET step = step WHERE account = ?", uuidOrNil(string(of))); err != nil || n == 0 {
		return account.Authenticator{}, false, err
	}
	return tx.Authenticator(of)
}

// Authenticator is LockAuthenticator for who only wants to know.
func (tx *Tx) Authenticator(of identity.AccountID) (account.Authenticator, bool, error) {
	a := account.Authenticator{Account: of}
	var sealed []byte
	var confirmed sql.NullTime
	found, err := tx.one([]any{&sealed, &a.Started, &confirmed, &a.Step},
		"SELECT sealed, started_at, confirmed_at, step FROM authenticator WHERE account = ?", uuidOrNil(string(of)))
	if err != nil || !found {
		return account.Authenticator{}, false, err
	}
	a.Started, a.Confirmed = a.Started.UTC(), fromNull(confirmed)
	if a.Secret, err = tx.unwrap(sealed, authenticatorLabel(of), errSealedSecret); err != nil {
		return account.Authenticator{}, false, err
	}
	return a, true, nil
}

// PutAuthenticator keeps the secret in place of the one that the account had.
func (tx *Tx) PutAuthenticator(a account.Authenticator) error {
	sealed, err := tx.wrap(a.Secret, authenticatorLabel(a.Account))
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO authenticator (account, sealed, started_at, confirmed_at, step) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (account) DO UPDATE SET sealed = excluded.sealed, started_at = excluded.started_at, confirmed_at = excluded.confirmed_at, step = excluded.step`,
		string(a.Account), sealed, micros(a.Started), nullTime(a.Confirmed), a.Step)
	return err
}

// DropAuthenticator forgets the secret.
func (tx *Tx) DropAuthenticator(of identity.AccountID) error {
	_, err := tx.exec("DELETE FROM authenticator WHERE account = ?", string(of))
	return err
}

// ReplaceRecoveryCodes kills the codes that the account had, used or not, and keeps the hashes of new ones.
func (tx *Tx) ReplaceRecoveryCodes(of identity.AccountID, hashes [][]byte) error {
	if _, err := tx.exec("DELETE FROM recovery_code WHERE account = ?", string(of)); err != nil {
		return err
	}
	for _, hash := range hashes {
		if _, err := tx.exec("INSERT INTO recovery_code (account, hash) VALUES (?, ?)", string(of), hash); err != nil {
			return err
		}
	}
	return nil
}

// UseRecoveryCode uses a code up; false when the account has no such code, or it was used already.
func (tx *Tx) UseRecoveryCode(of identity.AccountID, hash []byte, now time.Time) (bool, error) {
	n, err := tx.exec("UPDATE recovery_code SET used_at = ? WHERE account = ? AND hash = ? AND used_at IS NULL", micros(now), string(of), hash)
	return n > 0, err
}

// RecoveryCodes counts the codes of an account that are not used.
func (tx *Tx) RecoveryCodes(of identity.AccountID) (left int, err error) {
	_, err = tx.one([]any{&left}, "SELECT count(*) FROM recovery_code WHERE account = ? AND used_at IS NULL", uuidOrNil(string(of)))
	return left, err
}

// ProveSession notes that a second factor was shown in a session that is open already.
func (tx *Tx) ProveSession(id identity.SessionID, now time.Time) error {
	_, err := tx.exec("UPDATE session SET proved_at = ? WHERE id = ?", micros(now), string(id))
	return err
}
