package store

import (
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/qr/trust"
)

// A card is shredded by deleting its wrapped data key. What is sealed with it stays where it lies, and nobody can read it any more; what stands
// in the clear and leads to the card or from it, goes. The row of the card stays, with the time, because all that ever happens to a card
// begins with a look at it, or a lock on it: that look finds no card with a key, on whatever server (met, look). So the mark and not the
// memory of a server decides whether a key that was unwrapped before may be used.

// ErrUnreviewed means that a card is not shredded while somebody's emergency access to it waits for its review: with the key goes what he
// would be asked about.
var ErrUnreviewed = fault.New(fault.Conflict, "emergency.unreviewed", "Somebody opened the card in an emergency, and that is not reviewed yet. Review it first.")

// met judges what a statement for a card with a key met: it may be that there is none, or that the card was shredded.
func (tx *Tx) met(id card.ID, found bool, err error) error {
	if err == nil && found {
		tx.alive = id
	}
	if err != nil || found {
		return err
	}
	return tx.destroyed(id, errNoCard)
}

// look sees that the card has a key.
func (tx *Tx) look(id card.ID) error {
	var one int
	found, err := tx.one([]any{&one}, "SELECT 1 FROM card WHERE id = ? AND shredded_at IS NULL", string(id))
	return tx.met(id, found, err)
}

// destroyed is the fault of a card without a key: consent.ErrShredded, or otherwise if that is not why.
func (tx *Tx) destroyed(id card.ID, otherwise error) error {
	var one int
	found, err := tx.one([]any{&one}, "SELECT 1 FROM card WHERE id = ? AND shredded_at IS NOT NULL", string(id))
	switch {
	case err != nil:
		return err
	case !found:
		return otherwise
	}
	tx.db.cardKeys.Delete(id)
	return consent.ErrShredded
}

// Shred destroys the entry's card: its key, and with that all that it holds. The entry says who does it and why, and stays readable. Every
// grant ends, the owners' too, and their phones are told; what leads to the card leads nowhere any more, so that its patient gets a new one at
// the next desk; its papers count as revoked. done is false if the card was shredded before.
func (tx *Tx) Shred(e audit.Entry) (done bool, err error) {
	if err := tx.LockCard(e.Card); err != nil {
		if errors.Is(err, consent.ErrShredded) {
			return false, nil
		}
		return false, err
	}
	var waiting int
	if _, err := tx.one([]any{&waiting}, "SELECT count(*) FROM emergency WHERE card = ? AND verdict = ''", string(e.Card)); err != nil || waiting > 0 {
		return false, orElse(err, ErrUnreviewed)
	}
	return true, tx.shred(e)
}

// shred is Shred of a card whose lock is held.
func (tx *Tx) shred(e audit.Entry) error {
	id := string(e.Card)
	tx.grantedOf = ""
	// What waits or is held has ended already: of that no phone has anything.
	if _, err := tx.exec("UPDATE access_grant SET revoked_at = ?, held_at = NULL, awaits = '' WHERE card = ? AND revoked_at IS NULL", micros(e.At), id); err != nil {
		return err
	}
	if err := tx.end(e.Card, "", "card = ? AND ended = 0", id); err != nil {
		return err
	}
	if err := tx.loosen(id); err != nil {
		return err
	}
	if err := tx.AppendAudit(e); err != nil {
		return err
	}
	_, err := tx.exec("UPDATE card SET wrapped_key = ?, shredded_at = ?, collect_at = NULL, renewing = ? WHERE id = ?", []byte{}, micros(e.At), false, id)
	tx.keys, tx.keysOf, tx.heldOf, tx.alive = nil, "", "", ""
	tx.db.cardKeys.Delete(e.Card)
	return err
}

// loosen cuts what leads to a card, what would be done on it one day, and what of it stands in lists beside that of other cards.
func (tx *Tx) loosen(id string) error {
	for _, statement := range []string{
		"DELETE FROM patient_key WHERE card = ?",
		"DELETE FROM claim_code WHERE card = ?",
		"DELETE FROM awaited_card WHERE card = ?",
		"DELETE FROM account_card WHERE card = ?",
		"DELETE FROM representation WHERE card = ?",
		"DELETE FROM representation_notice WHERE card = ?",
		"DELETE FROM reminder WHERE card = ? AND sent_at IS NULL",
		"DELETE FROM attachment_upload WHERE card = ?",
		"DELETE FROM dispensing_case WHERE card = ?",
		"DELETE FROM prescription_end WHERE card = ?",
		"UPDATE prescription SET supply_holder = '', supply_since = NULL, supply_due = NULL, supply_arrived = NULL WHERE card = ?",
	} {
		if _, err := tx.exec(statement, id); err != nil {
			return err
		}
	}
	if _, err := tx.exec("UPDATE paper_status SET status = ? WHERE token IN (SELECT token FROM paper WHERE card = ?)", int(trust.Revoked), id); err != nil {
		return err
	}
	_, err := tx.exec("DELETE FROM paper WHERE card = ?", id)
	return err
}

// shreddingPlace is where the sealed part of the entry stands that outlives its card's key.
func shreddingPlace(id card.ID) []byte { return label(id, "shredding|sealed") }

var errSealedShredding = errors.New("store: the entry that says why a card was destroyed does not open: it was changed or moved")

// elsewhere stands in the place of the sealed part of such an entry.
var elsewhere = []byte{0}

// sealAudit seals what an entry says. That of a shredding is to outlive the card's key, so it is wrapped.
func (tx *Tx) sealAudit(e audit.Entry, detail []byte) ([]byte, error) {
	if e.Action != audit.Shred {
		return tx.seal(e.Card, auditPlace(e.Number), detail)
	}
	sealed, err := tx.wrap(detail, shreddingPlace(e.Card))
	if err != nil {
		return nil, err
	}
	_, err = tx.exec("INSERT INTO shredding (card, number, sealed) VALUES (?, ?, ?)", string(e.Card), e.Number, sealed)
	return slices.Clone(elsewhere), err
}

func (tx *Tx) openDetail(r auditRow) ([]byte, error) {
	if r.entry.Action != audit.Shred {
		return tx.open(r.entry.Card, auditPlace(r.entry.Number), r.sealed)
	}
	var sealed []byte
	found, err := tx.one([]any{&sealed}, "SELECT sealed FROM shredding WHERE card = ? AND number = ?", string(r.entry.Card), r.entry.Number)
	if err != nil || !found {
		return nil, orElse(err, errSealedShredding)
	}
	return tx.unwrap(sealed, shreddingPlace(r.entry.Card), errSealedShredding)
}

// ShreddingOf tells which of a card's entries says that somebody destroyed it.
func (tx *Tx) ShreddingOf(id card.ID) (number uint64, found bool, err error) {
	if err := tx.enter(id); err != nil {
		return 0, false, err
	}
	found, err = tx.one([]any{&number}, "SELECT number FROM shredding WHERE card = ?", string(id))
	return number, found, err
}

// shredAgain is for a card of a restored database that was shredded after the backup: it was not to come back.
func (tx *Tx) shredAgain(id card.ID, now time.Time) error {
	if err := tx.LockCard(id); err != nil {
		return err
	}
	return tx.shred(audit.Entry{Card: id, At: now, Actor: identity.Actor{Kind: identity.System}, Action: audit.Shred, Purpose: consent.Operations,
		What: "shredded after the backup that was restored", Request: "restore"})
}

// Shreddings lists who destroyed which card when and why, the newest first.
func (tx *Tx) Shreddings(limit int) (list []audit.Entry, err error) {
	var cards []card.ID
	if err := tx.each(func(rows *sql.Rows) error {
		var id card.ID
		err := rows.Scan(&id)
		cards = append(cards, id)
		return err
	}, "SELECT s.card FROM shredding AS s JOIN card ON card.id = s.card ORDER BY card.shredded_at DESC, s.card LIMIT ?", limit); err != nil {
		return nil, err
	}
	for _, id := range cards {
		if err := tx.enter(id); err != nil {
			return nil, err
		}
		rows, err := tx.auditRows("JOIN shredding AS s ON s.card = e.card AND s.number = e.number WHERE e.card = ?", string(id))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			e, err := tx.openAudit(r)
			if err != nil {
				return nil, err
			}
			list = append(list, e.Entry)
		}
	}
	return list, nil
}
