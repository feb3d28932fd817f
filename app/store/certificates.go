package store

import (
	"encoding/json"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/cardsync"
)

// CardOfCertificate finds whose certificate it is.
func (tx *Tx) CardOfCertificate(id certificate.ID) (card.ID, bool, error) {
	return tx.cardOfPaper(card.KindCertificate, string(id))
}

// AddCertificate does for a certificate what AddPrescription does.
func (tx *Tx) AddCertificate(p consent.Permit, c certificate.Certificate, code string, issuer identity.ClientID) (added bool, err error) {
	if err := tx.mayWrite(p, c.Card, card.ScopeOf(card.KindCertificate, card.General)); err != nil {
		return false, err
	}
	sealed, err := tx.seal(c.Card, paperPlace(card.KindCertificate, string(c.ID)), cardsync.FromCertificate(c, code).Atoms[cardsync.AtomDocument])
	if err != nil {
		return false, err
	}
	if added, err = tx.addPaper(card.KindCertificate, c.Token, string(c.ID), c.Card); err != nil || !added {
		return false, err
	}
	_, err = tx.exec("INSERT INTO certificate (card, id, token, issuer, state, valid_until, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)",
		string(c.Card), string(c.ID), c.Token[:], string(issuer), string(c.State), micros(c.ValidUntil), sealed)
	return err == nil, err
}

// Certificate reads one, with the text of its code.
func (tx *Tx) Certificate(p consent.Permit, id certificate.ID) (c certificate.Certificate, code string, found bool, err error) {
	if err := tx.mayPaper(p, card.KindCertificate, string(id)); err != nil {
		return c, "", false, err
	}
	var state certificate.State
	var token, sealed []byte
	found, err = tx.one([]any{&state, &token, &sealed}, "SELECT state, token, sealed FROM certificate WHERE card = ? AND id = ?", string(p.Card()), string(id))
	if err != nil || !found {
		return c, "", found, err
	}
	document, err := tx.open(p.Card(), paperPlace(card.KindCertificate, string(id)), sealed)
	if err != nil {
		return c, "", false, err
	}
	c, code, err = cardsync.ToCertificate(card.RecordID(id), map[string]json.RawMessage{
		cardsync.AtomDocument: document, cardsync.AtomState: json.RawMessage(`{}`),
	})
	c.Card, c.State = p.Card(), state
	copy(c.Token[:], token)
	return c, code, true, err
}

// SaveCertificate writes what became of a certificate.
func (tx *Tx) SaveCertificate(p consent.Permit, c certificate.Certificate) error {
	if err := tx.mayWrite(p, c.Card, card.ScopeOf(card.KindCertificate, card.General)); err != nil {
		return err
	}
	_, err := tx.exec("UPDATE certificate SET state = ? WHERE card = ? AND id = ?", string(c.State), string(c.Card), string(c.ID))
	return err
}
