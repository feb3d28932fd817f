package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
)

// answerShape is the sealed part of an answer: the course as it was told.
type answerShape struct {
	State   prescription.State      `json:"state"`
	Version int                     `json:"version"`
	Until   time.Time               `json:"until"`
	Items   []prescription.Progress `json:"items"`
	Supply  prescription.Supply     `json:"supply,omitzero"`
}

func answerPlace(id prescription.ID, client identity.ClientID, key prescription.Digest) string {
	return fmt.Sprintf("dispensing_answer|sealed|%s|%s|%x", id, client, key)
}

// Answer finds what a pharmacy was told about a prescription under an idempotency key.
func (tx *Tx) Answer(p consent.Permit, id prescription.ID, client identity.ClientID, key prescription.Digest) (a prescription.Answer, found bool, err error) {
	if err := tx.mayPaper(p, card.KindPrescription, string(id)); err != nil {
		return a, false, err
	}
	var request, sealed []byte
	found, err = tx.one([]any{&request, &sealed}, `SELECT request_hash, sealed FROM dispensing_answer
		WHERE card = ? AND prescription = ? AND client = ? AND key_hash = ?`, string(p.Card()), string(id), string(client), key[:])
	if err != nil || !found {
		return a, false, err
	}
	plain, err := tx.open(p.Card(), answerPlace(id, client, key), sealed)
	if err != nil {
		return a, false, err
	}
	var shape answerShape
	if err := json.Unmarshal(plain, &shape); err != nil {
		return a, false, err
	}
	copy(a.Request[:], request)
	a.Course = prescription.Course{State: shape.State, Version: shape.Version, ValidUntil: shape.Until, Items: shape.Items, Supply: shape.Supply}
	return a, true, nil
}

// PutAnswer keeps what a pharmacy is told.
func (tx *Tx) PutAnswer(p consent.Permit, id prescription.ID, client identity.ClientID, key prescription.Digest, a prescription.Answer, now time.Time) error {
	if err := tx.mayWrite(p, p.Card(), card.ScopeOf(card.KindPrescription, card.General)); err != nil {
		return err
	}
	plain, err := json.Marshal(answerShape{State: a.Course.State, Version: a.Course.Version, Until: a.Course.ValidUntil, Items: a.Course.Items, Supply: a.Course.Supply})
	if err != nil {
		return err
	}
	sealed, err := tx.seal(p.Card(), answerPlace(id, client, key), plain)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO dispensing_answer (card, prescription, client, key_hash, request_hash, answered_at, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		string(p.Card()), string(id), string(client), key[:], a.Request[:], micros(now), sealed)
	return err
}
