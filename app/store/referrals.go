package store

import (
	"database/sql"
	"encoding/json"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/sync/cardsync"
)

// CardOfReferral finds whose referral it is.
func (tx *Tx) CardOfReferral(id referral.ID) (card.ID, bool, error) {
	return tx.cardOfPaper(card.KindReferral, string(id))
}

// ReferralByToken finds whose and which referral a code's token names.
func (tx *Tx) ReferralByToken(token referral.Token) (card.ID, referral.ID, bool, error) {
	id, paper, found, err := tx.paperByToken(card.KindReferral, token)
	return id, referral.ID(paper), found, err
}

// AddReferral does for a referral what AddPrescription does.
func (tx *Tx) AddReferral(p consent.Permit, r referral.Referral, code string, issuer identity.ClientID) (added bool, err error) {
	if err := tx.mayWrite(p, r.Card, card.ScopeOf(card.KindReferral, card.General)); err != nil {
		return false, err
	}
	sealed, err := tx.seal(r.Card, paperPlace(card.KindReferral, string(r.ID)), cardsync.FromReferral(r, code).Atoms[cardsync.AtomDocument])
	if err != nil {
		return false, err
	}
	if added, err = tx.addPaper(card.KindReferral, r.Token, string(r.ID), r.Card); err != nil || !added {
		return false, err
	}
	_, err = tx.exec("INSERT INTO referral (card, id, token, issuer, state, valid_until, replaces, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		string(r.Card), string(r.ID), r.Token[:], string(issuer), string(r.State), micros(r.ValidUntil), orNull(string(r.Replaces)), sealed)
	return err == nil, err
}

// Referral reads one, with the text of its code.
func (tx *Tx) Referral(p consent.Permit, id referral.ID) (r referral.Referral, code string, found bool, err error) {
	if err := tx.mayPaper(p, card.KindReferral, string(id)); err != nil {
		return r, "", false, err
	}
	var state referral.State
	var token, sealed []byte
	var holder identity.ClientID
	var by sql.NullString
	found, err = tx.one([]any{&state, &holder, &by, &token, &sealed}, "SELECT state, holder, replaced_by, token, sealed FROM referral WHERE card = ? AND id = ?",
		string(p.Card()), string(id))
	if err != nil || !found {
		return r, "", found, err
	}
	document, err := tx.open(p.Card(), paperPlace(card.KindReferral, string(id)), sealed)
	if err != nil {
		return r, "", false, err
	}
	r, code, err = cardsync.ToReferral(card.RecordID(id), map[string]json.RawMessage{
		cardsync.AtomDocument: document, cardsync.AtomState: json.RawMessage(`{}`),
	})
	r.Card, r.State, r.Holder, r.ReplacedBy = p.Card(), stateOf(state, holder, by.Valid), holder, referral.ID(by.String)
	copy(r.Token[:], token)
	return r, code, true, err
}

// SaveReferral writes what became of a referral.
func (tx *Tx) SaveReferral(p consent.Permit, r referral.Referral) error {
	if err := tx.mayWrite(p, r.Card, card.ScopeOf(card.KindReferral, card.General)); err != nil {
		return err
	}
	_, err := tx.exec("UPDATE referral SET state = ?, holder = ?, replaced_by = ? WHERE card = ? AND id = ?",
		string(columnOf(r.State)), string(r.Holder), orNull(string(r.ReplacedBy)), string(r.Card), string(r.ID))
	return err
}

// The column knows neither of these states: who holds a referral and what took its place say the same.
func columnOf(state referral.State) referral.State {
	switch state {
	case referral.Accepted:
		return referral.Issued
	case referral.Transferred:
		return referral.Cancelled
	}
	return state
}

func stateOf(column referral.State, holder identity.ClientID, replaced bool) referral.State {
	switch {
	case column == referral.Issued && holder != "":
		return referral.Accepted
	case column == referral.Cancelled && replaced:
		return referral.Transferred
	}
	return column
}

func orNull(id string) any {
	if id == "" {
		return nil
	}
	return id
}
