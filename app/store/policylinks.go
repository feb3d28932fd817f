package store

import (
	"database/sql"
	"errors"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/posting"
)

var errSealedPolicy = errors.New("store: a sealed policy number does not open: it was changed or moved, or this is another key folder")

func policyPlace(of identity.AccountID) []byte { return []byte("policy_link|sealed|" + string(of)) }

// LockPolicyLink finds the account's policy on its way to be confirmed, and locks it.
func (tx *Tx) LockPolicyLink(of identity.AccountID) (evidence.Link, bool, error) {
	if n, err := tx.exec("UPDATE policy_link SET state = state WHERE account = ?", string(of)); err != nil || n == 0 {
		return evidence.Link{}, false, err
	}
	return tx.PolicyLink(of)
}

// PolicyLink is LockPolicyLink for who only wants to know.
func (tx *Tx) PolicyLink(of identity.AccountID) (evidence.Link, bool, error) {
	l := evidence.Link{Account: of}
	var sealed []byte
	var settled sql.NullTime
	found, err := tx.one([]any{&l.Challenge, &l.State, &sealed, &l.Asked, &settled},
		"SELECT challenge, state, sealed, asked_at, settled_at FROM policy_link WHERE account = ?", uuidOrNil(string(of)))
	if err != nil || !found {
		return evidence.Link{}, false, err
	}
	number, err := tx.unwrap(sealed, policyPlace(of), errSealedPolicy)
	if err != nil {
		return evidence.Link{}, false, err
	}
	l.Number, l.Asked, l.Settled = identity.Policy(number), l.Asked.UTC(), fromNull(settled)
	l.Question, err = tx.question(l.Challenge)
	return l, err == nil, err
}

// PutPolicyLink keeps how the account's policy stands, in place of what was there.
func (tx *Tx) PutPolicyLink(l evidence.Link) error {
	sealed, err := tx.wrap([]byte(l.Number), policyPlace(l.Account))
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO policy_link (account, challenge, state, hash, sealed, asked_at, settled_at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (account) DO UPDATE SET challenge = excluded.challenge, state = excluded.state, hash = excluded.hash, sealed = excluded.sealed,
		asked_at = excluded.asked_at, settled_at = excluded.settled_at`,
		string(l.Account), l.Challenge, string(l.State), tx.policyHash(l.Number), sealed, micros(l.Asked), nullTime(l.Settled))
	if err != nil {
		return err
	}
	return tx.putQuestion(l)
}

func (tx *Tx) policyHash(n identity.Policy) []byte { return tx.db.keys.Hash("policy link", string(n)) }

// PolicyFits reports whether the account may have the policy: no other account has linked it, and no card to which it leads is somebody else's.
func (tx *Tx) PolicyFits(of identity.AccountID, n identity.Policy) (bool, error) {
	var others int
	if _, err := tx.one([]any{&others}, "SELECT count(*) FROM policy_link WHERE hash = ? AND state = ? AND account <> ?", tx.policyHash(n), string(evidence.Linked), string(of)); err != nil || others > 0 {
		return false, err
	}
	key := tx.patientKeys(posting.Introduction{Numbers: []card.Number{{System: card.SystemOMS, Value: string(n)}}})[0]
	var id card.ID
	if found, err := tx.one([]any{&id}, "SELECT card FROM patient_key WHERE hash = ?", key.hash); err != nil || !found {
		return err == nil, err
	}
	if err := tx.enter(id); err != nil {
		return false, err
	}
	var owner string
	found, err := tx.one([]any{&owner}, "SELECT account FROM access_grant WHERE card = ? AND role = ? AND revoked_at IS NULL AND awaits = ''", string(id), string(consent.Owner))
	return !found || owner == string(of), err
}
