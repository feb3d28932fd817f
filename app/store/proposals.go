package store

import (
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// agreedKept is how long an organisation can ask into which card it was let.
const agreedKept = 24 * time.Hour

func (tx *Tx) proposalHash(code identity.ProposalCode) []byte {
	return tx.db.keys.Hash("proposal", string(code))
}

// PutProposal keeps a proposal and its code's hash.
func (tx *Tx) PutProposal(p consent.Proposal, code identity.ProposalCode) error {
	person, err := json.Marshal(p.Person)
	if err != nil {
		return err
	}
	_, err = tx.exec("INSERT INTO proposal (id, code_hash, client, person, scopes, purpose, ends_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		string(p.ID), tx.proposalHash(code), string(p.Client), string(person), strings.Join(p.Scopes.Words(), " "), string(p.Purpose), micros(p.Ends), micros(p.Expires))
	return err
}

// DropProposals forgets those of a client that nobody needs any more, and counts the ones that wait.
func (tx *Tx) DropProposals(client identity.ClientID, now time.Time) (waiting int, err error) {
	if _, err := tx.exec("DELETE FROM proposal WHERE client = ? AND (expires_at <= ? AND card IS NULL OR expires_at <= ?)",
		string(client), micros(now), micros(now.Add(-agreedKept))); err != nil {
		return 0, err
	}
	_, err = tx.one([]any{&waiting}, "SELECT count(*) FROM proposal WHERE client = ? AND card IS NULL", string(client))
	return waiting, err
}

// ProposalOf finds what a code stands for.
func (tx *Tx) ProposalOf(code identity.ProposalCode) (consent.Proposal, bool, error) {
	return tx.proposal("code_hash = ?", tx.proposalHash(code))
}

// Proposal finds one of a client's own.
func (tx *Tx) Proposal(client identity.ClientID, id consent.GrantID) (consent.Proposal, bool, error) {
	return tx.proposal("client = ? AND id = ?", string(client), string(id))
}

func (tx *Tx) proposal(condition string, args ...any) (p consent.Proposal, found bool, err error) {
	var person, scopes string
	var agreed sql.NullString
	found, err = tx.one([]any{&p.ID, &p.Client, &person, &scopes, &p.Purpose, &p.Ends, &p.Expires, &agreed},
		"SELECT id, client, person, scopes, purpose, ends_at, expires_at, card FROM proposal WHERE "+condition, args...)
	if err != nil || !found {
		return consent.Proposal{}, false, err
	}
	p.Scopes, p.Card = card.ScopesOf(strings.Fields(scopes)), card.ID(agreed.String)
	p.Ends, p.Expires = p.Ends.UTC(), p.Expires.UTC()
	if err := json.Unmarshal([]byte(person), &p.Person); err != nil {
		return consent.Proposal{}, false, err
	}
	p.Organisation, _, err = tx.Organisation(p.Client)
	return p, true, err
}

// AgreeProposal writes down into which card it was let; false if it was let in meanwhile.
func (tx *Tx) AgreeProposal(p consent.Permit, id consent.GrantID) (bool, error) {
	if err := tx.mayOwn(p); err != nil {
		return false, err
	}
	n, err := tx.exec("UPDATE proposal SET card = ? WHERE id = ? AND card IS NULL", string(p.Card()), string(id))
	return n > 0, err
}
