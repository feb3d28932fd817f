package store

import (
	"database/sql"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

func (tx *Tx) claimHash(code identity.ClaimCode) []byte {
	return tx.db.keys.Hash("claim", string(code))
}

// PutClaim keeps a claim code's hash and kills the codes that the client got for this card before.
func (tx *Tx) PutClaim(p consent.Permit, client identity.ClientID, code identity.ClaimCode, ends time.Time) error {
	if err := tx.mayPost(p); err != nil {
		return err
	}
	if _, err := tx.exec("DELETE FROM claim_code WHERE card = ? AND client = ? AND redeemed_at IS NULL", string(p.Card()), string(client)); err != nil {
		return err
	}
	_, err := tx.exec("INSERT INTO claim_code (code_hash, card, client, ends_at) VALUES (?, ?, ?, ?)", tx.claimHash(code), string(p.Card()), string(client), micros(ends))
	return err
}

// Claim finds what a code from a clinic's desk opens.
func (tx *Tx) Claim(code identity.ClaimCode) (account.Claim, bool, error) {
	var c account.Claim
	var redeemed sql.NullTime
	found, err := tx.one([]any{&c.Card, &c.Client, &c.Ends, &redeemed, &c.By}, "SELECT card, client, ends_at, redeemed_at, redeemed_by FROM claim_code WHERE code_hash = ?", tx.claimHash(code))
	c.Ends, c.Redeemed = c.Ends.UTC(), fromNull(redeemed)
	return c, found, err
}

// RedeemClaim uses a code up; false when it was redeemed meanwhile.
func (tx *Tx) RedeemClaim(code identity.ClaimCode, by identity.AccountID, now time.Time) (bool, error) {
	n, err := tx.exec("UPDATE claim_code SET redeemed_at = ?, redeemed_by = ? WHERE code_hash = ? AND redeemed_at IS NULL", micros(now), string(by), tx.claimHash(code))
	return n > 0, err
}
