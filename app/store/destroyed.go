package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/medcard/medcard/app/jobs"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// destruction is the sealed part of what a person is told.
type destruction struct {
	Order string `json:"order"`
	Ask   string `json:"ask"`
}

var errSealedDestruction = errors.New("store: what was said of a destroyed card does not open")

// destroyedPlace is where that stands.
func destroyedPlace(of identity.AccountID, id card.ID) []byte {
	return label(id, "destroyed_card|sealed|"+string(of))
}

// TellOfDestruction remembers who has to hear that a card is destroyed, lets their phones ring and has a mail sent: who owns it and who acts for its patient.
// It comes before Shred, which ends what they have of it.
func (tx *Tx) TellOfDestruction(d card.Destroyed) error {
	people, err := tx.PeopleOf(d.Card, d.At)
	if err != nil {
		return err
	}
	plain, err := json.Marshal(destruction{Order: d.Order, Ask: d.Ask})
	if err != nil {
		return err
	}
	for _, of := range people {
		sealed, err := tx.wrap(plain, destroyedPlace(of, d.Card))
		if err != nil {
			return err
		}
		n, err := tx.exec("INSERT INTO destroyed_card (account, card, at, sealed) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", string(of), string(d.Card), micros(d.At), sealed)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if err := tx.enqueueNews(audit.LogCard, of, notice.Destroyed, ""); err != nil {
			return err
		}
		if err := tx.enqueue(jobs.Destruction{Card: d.Card, Account: of}, nil); err != nil {
			return err
		}
	}
	return nil
}

// DestroyedCards lists what the account was told of, the newest first.
func (tx *Tx) DestroyedCards(of identity.AccountID) ([]card.Destroyed, error) {
	return tx.destroyedCards("account = ? ORDER BY at DESC, card LIMIT 200", of, uuidOrNil(string(of)))
}

// DestructionToMail finds a destroyed card of which the account's person was sent no mail yet.
func (tx *Tx) DestructionToMail(of identity.AccountID, id card.ID) (card.Destroyed, bool, error) {
	list, err := tx.destroyedCards("account = ? AND card = ? AND mailed_at IS NULL", of, string(of), string(id))
	if err != nil || len(list) == 0 {
		return card.Destroyed{}, false, err
	}
	return list[0], true, nil
}

// NoteDestructionMailed notes that the mail was handed over.
func (tx *Tx) NoteDestructionMailed(of identity.AccountID, id card.ID, now time.Time) error {
	_, err := tx.exec("UPDATE destroyed_card SET mailed_at = ? WHERE account = ? AND card = ?", micros(now), string(of), string(id))
	return err
}

func (tx *Tx) destroyedCards(where string, of identity.AccountID, args ...any) (list []card.Destroyed, err error) {
	var sealed [][]byte
	if err := tx.each(func(rows *sql.Rows) error {
		var d card.Destroyed
		var s []byte
		err := rows.Scan(&d.Card, &d.At, &s)
		d.At = d.At.UTC()
		list, sealed = append(list, d), append(sealed, s)
		return err
	}, "SELECT card, at, sealed FROM destroyed_card WHERE "+where, args...); err != nil {
		return nil, err
	}
	for i := range list {
		plain, err := tx.unwrap(sealed[i], destroyedPlace(of, list[i].Card), errSealedDestruction)
		if err != nil {
			return nil, err
		}
		var d destruction
		if err := json.Unmarshal(plain, &d); err != nil {
			return nil, errSealedDestruction
		}
		list[i].Order, list[i].Ask = d.Order, d.Ask
	}
	return list, nil
}
