package store

import (
	"database/sql"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/domain/paper"
)

// Directories of papers beside the one of tokens: they lead to a token, or tell what became of it, and open no card.

func (tx *Tx) numberHash(n paper.Number) []byte { return tx.db.keys.Hash("paper number", string(n)) }

// TakeNumber gives the paper with the token a number; taken is false when another paper has it.
func (tx *Tx) TakeNumber(n paper.Number, token [16]byte) (taken bool, err error) {
	rows, err := tx.exec("INSERT INTO paper_number (number, token) VALUES (?, ?) ON CONFLICT DO NOTHING", tx.numberHash(n), token[:])
	return rows > 0, err
}

// TokenOfNumber finds the token of the paper with the number, whatever kind of paper it is.
func (tx *Tx) TokenOfNumber(n paper.Number) (token [16]byte, found bool, err error) {
	var raw []byte
	found, err = tx.one([]any{&raw}, "SELECT token FROM paper_number WHERE number = ?", tx.numberHash(n))
	copy(token[:], raw)
	return token, found, err
}

// Standing tells what became of the paper with the token: its kind, its issuer, the state that is kept of it and the last second of its
// validity. It says nothing of whose it is and what stands on it.
func (tx *Tx) Standing(token [16]byte) (s paper.Standing, found bool, err error) {
	var id card.ID
	var name string
	found, err = tx.one([]any{&s.Kind, &id, &name}, "SELECT kind, card, id FROM paper WHERE token = ?", token[:])
	if err != nil || !found {
		return s, false, err
	}
	if err := tx.enter(id); err != nil {
		return s, false, err
	}
	var until sql.NullTime
	var onHold, replaced bool
	switch card.Kind(s.Kind) {
	case card.KindPrescription:
		found, err = tx.one([]any{&s.State, &onHold, &until}, "SELECT state, on_hold, valid_until FROM prescription WHERE card = ? AND id = ?", string(id), name)
	case card.KindReferral:
		found, err = tx.one([]any{&s.State, &replaced, &until}, "SELECT state, replaced_by IS NOT NULL, valid_until FROM referral WHERE card = ? AND id = ?", string(id), name)
	case card.KindCertificate:
		found, err = tx.one([]any{&s.State, &until}, "SELECT state, valid_until FROM certificate WHERE card = ? AND id = ?", string(id), name)
	default:
		return s, false, nil
	}
	if onHold {
		s.State = "on_hold"
	}
	if replaced {
		s.State = "transferred"
	}
	s.ValidUntil = fromNull(until)
	return s, found, err
}

// ClientByOGRN finds the clinic with the number in the state register that is not revoked.
func (tx *Tx) ClientByOGRN(ogrn string) (id identity.ClientID, found bool, err error) {
	if ogrn == "" {
		return "", false, nil
	}
	found, err = tx.one([]any{&id}, "SELECT id FROM oauth_client WHERE ogrn = ? AND kind = ? AND revoked_at IS NULL ORDER BY added_at, id LIMIT 1", ogrn, identity.Clinic.String())
	return id, found, err
}

// keepInbox is how long a clinic may leave a notice unread.
const keepInbox = 90 * 24 * time.Hour

// TellClinic puts a notice into a clinic's inbox, and drops what nobody fetched for a long time.
func (tx *Tx) TellClinic(to identity.ClientID, n notice.Inbox) error {
	if _, err := tx.exec("DELETE FROM clinic_notice WHERE client = ? AND at < ?", string(to), micros(n.At.Add(-keepInbox))); err != nil {
		return err
	}
	_, err := tx.exec("INSERT INTO clinic_notice (client, id, at, kind, paper) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		string(to), string(n.ID), micros(n.At), n.Kind, n.Paper)
	return err
}

// Inbox reads a clinic's notices since an instant, from the oldest.
func (tx *Tx) Inbox(of identity.ClientID, since time.Time, limit int) (list []notice.Inbox, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var n notice.Inbox
		err := rows.Scan(&n.ID, &n.At, &n.Kind, &n.Paper)
		n.At = n.At.UTC()
		list = append(list, n)
		return err
	}, "SELECT id, at, kind, paper FROM clinic_notice WHERE client = ? AND at >= ? ORDER BY at, id LIMIT ?", string(of), micros(since), limit)
	return list, err
}
