package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/signature"
)

func (tx *Tx) signerHash(person identity.SNILS) []byte {
	return tx.db.keys.Hash("signer", string(person))
}

// BindSigner makes the person the one who signs in to the account, in place of whoever was it. signature.ErrTaken says that he signs in
// to another account; then the transaction has to end.
func (tx *Tx) BindSigner(of identity.AccountID, person identity.SNILS, now time.Time) error {
	if _, err := tx.UnbindSigner(of); err != nil {
		return err
	}
	n, err := tx.exec("INSERT INTO signer (account, snils, bound_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", string(of), tx.signerHash(person), micros(now))
	if err == nil && n == 0 {
		return signature.ErrTaken
	}
	return err
}

// UnbindSigner ends signing in by certificate to the account.
func (tx *Tx) UnbindSigner(of identity.AccountID) (found bool, err error) {
	n, err := tx.exec("DELETE FROM signer WHERE account = ?", string(of))
	return n > 0, err
}

// SignerAccount finds the account that the person signs in to.
func (tx *Tx) SignerAccount(person identity.SNILS) (of identity.AccountID, found bool, err error) {
	found, err = tx.one([]any{&of}, "SELECT account FROM signer WHERE snils = ?", tx.signerHash(person))
	return of, found, err
}

// NoteCertificate remembers from when a certificate of an authority is valid, and gives from when the newest is that was noted.
func (tx *Tx) NoteCertificate(of identity.AccountID, issuer []byte, from time.Time) (newest time.Time, err error) {
	_, err = tx.one([]any{&newest}, `INSERT INTO signer_certificate (account, issuer, not_before) VALUES (?, ?, ?)
		ON CONFLICT (account, issuer) DO UPDATE SET not_before = CASE WHEN excluded.not_before > signer_certificate.not_before
			THEN excluded.not_before ELSE signer_certificate.not_before END RETURNING not_before`,
		string(of), tx.db.keys.Hash("issuer", string(issuer)), micros(from))
	return newest.UTC(), err
}

// SpendChallenge gives false when the challenge was spent before.
func (tx *Tx) SpendChallenge(text []byte, ends time.Time) (bool, error) {
	n, err := tx.exec("INSERT INTO signature_challenge (hash, ends_at) VALUES (?, ?) ON CONFLICT DO NOTHING", tx.db.keys.Hash("spent challenge", string(text)), micros(ends))
	return n > 0, err
}

// ForgetChallenges deletes those that ended before the instant.
func (tx *Tx) ForgetChallenges(before time.Time) error {
	_, err := tx.exec("DELETE FROM signature_challenge WHERE ends_at < ?", micros(before))
	return err
}

// CountConfirmations counts those of an account.
func (tx *Tx) CountConfirmations(of identity.AccountID) (n int, err error) {
	_, err = tx.one([]any{&n}, "SELECT count(*) FROM signature WHERE account = ?", string(of))
	return n, err
}

// AddConfirmation keeps a confirmation. No card is there to lend its key, so the proof is sealed as contacts are.
func (tx *Tx) AddConfirmation(c signature.Confirmation) error {
	proof, err := json.Marshal(c.Proof)
	if err != nil {
		return err
	}
	sealed, err := tx.wrap(proof, proofPlace(c.Account, c.ID))
	if err != nil {
		return err
	}
	_, err = tx.exec("INSERT INTO signature (account, id, action, digest, made_at, sealed) VALUES (?, ?, ?, ?, ?, ?)",
		string(c.Account), string(c.ID), c.Action, c.Digest[:], micros(c.At), sealed)
	return err
}

var errSealedProof = errors.New("store: the proof of a signature does not open: it was changed or moved, or this is another key folder")

func proofPlace(of identity.AccountID, id signature.ID) []byte {
	return []byte("signature|sealed|" + string(of) + "|" + string(id))
}

// Confirmation reads one, with its proof.
func (tx *Tx) Confirmation(of identity.AccountID, id signature.ID) (c signature.Confirmation, found bool, err error) {
	c = signature.Confirmation{ID: id, Account: of}
	var digest, sealed []byte
	found, err = tx.one([]any{&c.Action, &digest, &c.At, &sealed}, "SELECT action, digest, made_at, sealed FROM signature WHERE account = ? AND id = ?",
		uuidOrNil(string(of)), uuidOrNil(string(id)))
	if err != nil || !found {
		return signature.Confirmation{}, false, err
	}
	proof, err := tx.unwrap(sealed, proofPlace(of, id), errSealedProof)
	if err != nil {
		return signature.Confirmation{}, false, err
	}
	copy(c.Digest[:], digest)
	c.At = c.At.UTC()
	return c, true, json.Unmarshal(proof, &c.Proof)
}

// Confirmations lists the newest of an account, without their proofs; of one request where a digest is given.
func (tx *Tx) Confirmations(of identity.AccountID, digest *signature.Digest, limit int) (list []signature.Confirmation, err error) {
	query, args := "SELECT id, action, digest, made_at FROM signature WHERE account = ?", []any{uuidOrNil(string(of))}
	if digest != nil {
		query, args = query+" AND digest = ?", append(args, digest[:])
	}
	err = tx.each(func(rows *sql.Rows) error {
		c := signature.Confirmation{Account: of}
		var raw []byte
		err := rows.Scan(&c.ID, &c.Action, &raw, &c.At)
		copy(c.Digest[:], raw)
		c.At = c.At.UTC()
		list = append(list, c)
		return err
	}, query+" ORDER BY made_at DESC, id LIMIT ?", append(args, limit)...)
	return list, err
}
