package store

import (
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// Disown takes an account off a card that is not its person's, whether it owns the card or waits for it. With the owner goes everybody whom he let
// in; whoever represents the patient by a document stays, as do emergencies, and restrictions, which show nobody anything: the next owner may
// lift them. The person is told, and who speaks for the patient. found is false if the account is neither.
func (tx *Tx) Disown(id card.ID, of identity.AccountID, now time.Time) (found bool, err error) {
	if err := tx.CommitEnds(id, now); err != nil { // locks the card
		return false, err
	}
	if waits, err := tx.awaits(id, of); err != nil {
		return false, err
	} else if waits {
		return true, tx.LetGo(of, id, "a claim, by an operator", now)
	}
	n, err := tx.exec("UPDATE access_grant SET revoked_at = ?, held_at = NULL WHERE card = ? AND account = ? AND role = ? AND revoked_at IS NULL",
		micros(now), string(id), string(of), string(consent.Owner))
	if err != nil || n == 0 {
		return false, err
	}
	if _, err := tx.exec(`UPDATE access_grant SET revoked_at = ?, held_at = NULL WHERE card = ? AND role IN ? AND representation = '' AND revoked_at IS NULL
		AND id NOT IN (SELECT id FROM emergency WHERE card = ?)`, micros(now), string(id), lettingIn, string(id)); err != nil {
		return false, err
	}
	if err := tx.end(id, "", "card = ? AND ended = 0 AND revoked_at = ?", string(id), micros(now)); err != nil {
		return false, err
	}
	if err := tx.enqueueNews(audit.LogCard, of, notice.Verdict, ""); err != nil {
		return false, err
	}
	return true, tx.TellOfAttempt(id, now)
}
