package store

import (
	"database/sql"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/posting"
)

func (tx *Tx) subjectHash(e account.External) []byte {
	return tx.db.keys.Hash("external", e.Provider+"|"+e.Subject)
}

// LinkedAccount finds the account that is linked to somebody at a provider.
func (tx *Tx) LinkedAccount(e account.External) (id identity.AccountID, found bool, err error) {
	found, err = tx.one([]any{&id}, "SELECT account FROM external_link WHERE subject = ?", tx.subjectHash(e))
	return id, found, err
}

// AddLink links an account to somebody at a provider; false when either has another link there.
func (tx *Tx) AddLink(of identity.AccountID, e account.External, now time.Time) (bool, error) {
	n, err := tx.exec("INSERT INTO external_link (subject, provider, account, since) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
		tx.subjectHash(e), e.Provider, string(of), micros(now))
	return n > 0, err
}

// Links lists the providers to which an account is linked.
func (tx *Tx) Links(of identity.AccountID) (list []account.Link, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var l account.Link
		err := rows.Scan(&l.Provider, &l.Since)
		l.Since = l.Since.UTC()
		list = append(list, l)
		return err
	}, "SELECT provider, since FROM external_link WHERE account = ? ORDER BY provider", uuidOrNil(string(of)))
	return list, err
}

// RemoveLink forgets a link; false when there is none.
func (tx *Tx) RemoveLink(of identity.AccountID, provider string) (bool, error) {
	n, err := tx.exec("DELETE FROM external_link WHERE account = ? AND provider = ?", string(of), provider)
	return n > 0, err
}

// OwnerBySNILS finds the account that owns the card to which the number leads. Who has still to prove that he is the person is not found.
func (tx *Tx) OwnerBySNILS(n identity.SNILS) (owner identity.AccountID, found bool, err error) {
	if n == "" {
		return "", false, nil
	}
	keys := tx.patientKeys(posting.Introduction{Numbers: []card.Number{{System: card.SystemSNILS, Value: string(n)}}})
	var id card.ID
	if found, err = tx.one([]any{&id}, "SELECT card FROM patient_key WHERE hash = ?", keys[0].hash); err != nil || !found {
		return "", false, err
	}
	if err := tx.enter(id); err != nil {
		return "", false, err
	}
	found, err = tx.one([]any{&owner}, "SELECT account FROM access_grant WHERE card = ? AND role = ? AND revoked_at IS NULL AND awaits = ''", string(id), string(consent.Owner))
	return owner, found, err
}
