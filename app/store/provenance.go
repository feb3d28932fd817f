package store

import (
	"database/sql"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/sync/replica"
)

// NoteAuthor keeps with each record that the permit's person wrote it in the patient's name, if he did.
func (tx *Tx) NoteAuthor(p consent.Permit, written []replica.Record, now time.Time) error {
	if err := tx.may(p); err != nil {
		return err
	}
	if p.Representation() == "" {
		return nil
	}
	rows := make([][]any, len(written))
	for i, r := range written {
		rows[i] = []any{string(p.Card()), r.ID, r.Seq, string(p.Actor().Account), string(p.Representation()), micros(now)}
	}
	return tx.execEach("INSERT INTO provenance (card, record, seq, agent, representation, written_at) VALUES ($1, $2, $3, $4, $5, $6)", rows)
}

// Provenance tells the owner who wrote the record in his name, newest first, at most limit.
func (tx *Tx) Provenance(p consent.Permit, id card.RecordID, limit int) (list []family.Author, err error) {
	if err := tx.mayOwn(p); err != nil {
		return nil, err
	}
	err = tx.each(func(rows *sql.Rows) error {
		a := family.Author{OnBehalfOf: p.Card()}
		err := rows.Scan(&a.Agent, &a.Representation, &a.At)
		a.At = a.At.UTC()
		list = append(list, a)
		return err
	}, "SELECT agent, representation, written_at FROM provenance WHERE card = ? AND record = ? ORDER BY seq DESC LIMIT ?", string(p.Card()), string(id), limit)
	return list, err
}
